"""Inference events of KServe, Seldon and Azure: CloudEvents that are sent to ``/``, and answered once they are kept."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from litestar import MediaType, Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec

from monitor.sources.formats.event import Event, EventInvalid, batch, binary, structured, to_line
from monitor.sources.spool.frames import Content, written
from monitor.web.api import fault
from monitor.web.bodies import body_of, media_type, too_large, unsupported
from monitor.web.doors import Door, Doors
from monitor.web.ingest import count_refused
from monitor.web.problems import Problem
from monitor.web.wiring import TheView

_STRUCTURED, _BATCHED = "application/cloudevents+json", "application/cloudevents-batch+json"
_NEEDED = "ce-specversion"
_ANSWERS = {
    200: ResponseSpec(None, generate_examples=False, description="It is on the disk"),
    400: fault("It is no CloudEvent"),
    404: fault("No model has this service, or its source is not http"),
    408: fault("The body did not come in time"),
    413: fault("The body is too large, or holds too many events"),
    415: fault("Neither headers nor a media type of a CloudEvent"),
    422: fault("An event of a type that is not known"),
    429: fault("Too much waits to be read; send it again after `Retry-After`"),
    503: fault("It cannot be written now; send it again after `Retry-After`"),
}


@post(
    "/",
    status_code=200,
    request_max_body_size=None,
    responses=_ANSWERS,
    summary="Send inference events",
    description="CloudEvents as KServe, Seldon and Azure send them: in binary, structured or batched mode.",
)
async def events(request: Request[Any, Any, Any], view: TheView) -> Response[bytes]:
    """Take events."""
    doors = view.doors()
    found = _events(request, await body_of(request, doors))
    if len(found) > doors.limits.records:
        raise too_large(f"more than {doors.limits.records} events")
    await asyncio.gather(*(doors.keep(door, frames) for door, frames in _frames(found, doors).items()))
    return Response(b"", status_code=HTTPStatus.OK, media_type=MediaType.TEXT)


def _events(request: Request[Any, Any, Any], body: bytes) -> list[Event]:
    kind = media_type(request)
    try:
        if kind == _STRUCTURED:
            return [structured(body)]
        if kind == _BATCHED:
            return batch(body)
        if _NEEDED in request.headers or "ce-id" in request.headers:
            return [binary(request.headers, body)]
    except EventInvalid as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "event_invalid", f"no CloudEvent: {error}") from None
    raise unsupported(f"the headers of a CloudEvent, or content-type {_STRUCTURED}")


def _frames(found: Iterable[Event], doors: Doors) -> dict[Door, bytes]:
    """Return what is to be written for each door: every event is a frame of its own."""
    now, frames = time.time_ns() // 1000, defaultdict[Door, list[bytes]](list)
    for event in found:
        door = doors.of_event(event)
        if event.part is None:
            unknown = Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY, "event_type_unknown", "the type of an event is not known"
            )
            count_refused(unknown, door, doors)
            raise unknown
        frames[door].append(written(Content.EVENTS, now, to_line(event), {}))
    return {door: b"".join(each) for door, each in frames.items()}


HANDLERS: list[HTTPRouteHandler] = [events]
