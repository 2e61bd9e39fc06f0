"""Inference events of KServe, Seldon and Azure: CloudEvents that are sent to ``/``, and answered once they are kept."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from litestar import MediaType, Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.types import ASGIApp, Receive, Scope, Send

from monitor.sources.formats.event import Event, EventInvalid, batch, binary, structured, to_line
from monitor.sources.spool.frames import Content, written
from monitor.web import described
from monitor.web.api import fault
from monitor.web.bodies import body_of, media_type, too_large, unsupported
from monitor.web.doors import Door, Doors
from monitor.web.ingest import count_refused
from monitor.web.problems import PROBLEM_JSON, Problem, problem_of
from monitor.web.render import to_json
from monitor.web.view import View
from monitor.web.wiring import TheView

_STRUCTURED, _BATCHED = "application/cloudevents+json", "application/cloudevents-batch+json"
_NEEDED = "ce-specversion"
_SERVICE = "inferenceservicename"
_EVENT = described.object_of(
    ["specversion", "type", "source", "id"],
    specversion=described.text("1.0 or 0.3"),
    type=described.text("such as org.kubeflow.serving.inference.request"),
    source=described.text("who sends it"),
    id=described.text("of the event"),
    data=described.ANYTHING,
)
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
    operation_class=described.taking(
        {"application/json": described.ANYTHING, _STRUCTURED: _EVENT, _BATCHED: described.array(_EVENT)},
        {f"ce-{name}": described.text("in binary mode") for name in ("specversion", "type", "source", "id", _SERVICE)},
    ),
)
async def events(request: Request[Any, Any, Any], view: TheView) -> Response[bytes]:
    """Take events."""
    await _take(request.headers, request.stream(), view.doors())
    return Response(b"", status_code=HTTPStatus.OK, media_type=MediaType.TEXT)


async def _take(headers: Mapping[str, str], stream: AsyncIterator[bytes], doors: Doors) -> None:
    found = _events(headers, await body_of(headers, stream, doors))
    if len(found) > doors.limits.records:
        raise too_large(f"more than {doors.limits.records} events")
    for door, frames in _frames(found, doors).items():
        await doors.keep(door, frames)


def _events(headers: Mapping[str, str], body: bytes) -> list[Event]:
    kind = media_type(headers)
    try:
        if kind == _STRUCTURED:
            return [structured(body)]
        if kind == _BATCHED:
            return batch(body)
        if _NEEDED in headers:
            return [binary(headers, body)]
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


def shortcut(app: ASGIApp, view: View) -> ASGIApp:
    """Take single events in binary mode before the framework does: its way to a handler costs twice what that does.

    A server that logs thousands of inferences a second sends each by itself.
    """

    async def taken(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "POST" or scope["path"] != "/":
            await app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if _NEEDED not in headers or "content-encoding" in headers or media_type(headers) in (_STRUCTURED, _BATCHED):
            await app(scope, receive, send)
            return
        try:
            await _take(headers, _parts(receive), view.doors())
            status, told, body = HTTPStatus.OK.value, [], b""
        except Exception as error:  # noqa: BLE001 - the edge: as the framework would
            problem = problem_of(error, "/")
            status, body = problem.status, to_json(problem.body())
            told = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
            told.append((b"content-type", PROBLEM_JSON.encode()))
        head = [*told, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return taken


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the parts of a body; of one whose sender went away, no more."""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Problem(HTTPStatus.BAD_REQUEST, "request_invalid", "the sender went away")
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


HANDLERS: list[HTTPRouteHandler] = [events]
