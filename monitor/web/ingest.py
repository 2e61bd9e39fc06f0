"""Records and targets that are sent: looked at, put on the disk, and only then answered."""

from __future__ import annotations

import time
from contextlib import suppress
from http import HTTPStatus
from typing import Any, TypedDict

from litestar import MediaType, Request, Response, post
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec

from monitor.record import Reason
from monitor.sources.spool.frames import Content, written
from monitor.web import described
from monitor.web.api import fault
from monitor.web.bodies import body_of, media_type, unsupported
from monitor.web.doors import Door, Doors
from monitor.web.lines import Checked, check, lines_of
from monitor.web.problems import Problem
from monitor.web.render import to_json
from monitor.web.view import View
from monitor.web.wiring import PathText, TheView

# None of these can a page of another site send without asking first; so a missing one is refused, too.
_JSON = frozenset({"application/json"})
_LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
_LARGE_BYTES = 2**16  # a larger body is looked at in a thread


class Taken(TypedDict):
    """What became of what was sent."""

    accepted: int
    rejected: list[dict[str, Any]]


_ANSWERS = {
    202: ResponseSpec(Taken, generate_examples=False, description="What passed is on the disk"),
    400: fault("The body is not JSON, or not packed as it says"),
    404: fault("There is no such model, or it takes none of these over HTTP"),
    408: fault("The body did not come in time"),
    413: fault("The body is too large, or holds too many records"),
    415: fault("Neither JSON nor NDJSON, or packed in an unknown way"),
    422: fault("None of the records passed; `rejected` says why"),
    429: fault("Too much waits to be read; send it again after `Retry-After`"),
    503: fault("It cannot be written now; send it again after `Retry-After`"),
}
_RECORD = described.object_of(
    ["timestamp"], timestamp=described.instant("event time"), request_id=described.text("joins it with its target")
)
_TARGET = described.object_of(
    ["request_id", "target"], request_id=described.text("of the record"), target=described.ANYTHING
)
_SENT = "A JSON array of objects, or one object a line (NDJSON); plain, gzip or zstd."


@post(
    "/api/v1/models/{model:str}/records",
    status_code=202,
    request_max_body_size=None,
    responses=_ANSWERS,
    summary="Send logged inferences",
    description=_SENT,
    operation_class=described.taking(
        {"application/json": described.array(_RECORD), "application/x-ndjson": described.lines("a record")}
    ),
)
async def records(request: Request[Any, Any, Any], view: TheView, model: PathText) -> Response[bytes]:
    """Take records."""
    return await _take(request, view, model, "records")


@post(
    "/api/v1/models/{model:str}/targets",
    status_code=202,
    request_max_body_size=None,
    responses=_ANSWERS,
    summary="Send true outcomes",
    description=_SENT,
    operation_class=described.taking(
        {"application/json": described.array(_TARGET), "application/x-ndjson": described.lines("a target")}
    ),
)
async def targets(request: Request[Any, Any, Any], view: TheView, model: PathText) -> Response[bytes]:
    """Take targets."""
    return await _take(request, view, model, "targets")


async def _take(request: Request[Any, Any, Any], view: View, model: str, role: str) -> Response[bytes]:
    doors = view.doors()
    door = doors.of(model, role)
    try:
        if media_type(request.headers) not in _JSON | _LINES:
            raise unsupported("content-type application/json or application/x-ndjson")
        body = await body_of(request.headers, request.stream(), doors)
        if len(body) > _LARGE_BYTES:
            checked = await sync_to_thread(_checked, body, door, doors)
        else:
            checked = _checked(body, door, doors)
    except Problem as problem:
        count_refused(problem, door, doors)
        raise
    frame = written(Content.RECORDS, time.time_ns() // 1000, checked.lines, checked.reasons)
    if checked.rejected and not checked.accepted:
        doors.note(door, frame)
        raise _NonePassed(checked)
    await doors.keep(door, frame)
    answer: Taken = {"accepted": checked.accepted, "rejected": checked.rejected}
    return Response(to_json(answer), status_code=HTTPStatus.ACCEPTED, media_type=MediaType.JSON)


def _checked(body: bytes, door: Door, doors: Doors) -> Checked:
    return check(lines_of(body), door.layout, doors.limits.records)


class _NonePassed(Problem):
    """Names each record that was refused, where none was not."""

    def __init__(self, checked: Checked) -> None:
        first = checked.rejected[0]
        detail = "none of the records passed; rejected says why"
        super().__init__(HTTPStatus.UNPROCESSABLE_ENTITY, first["code"], detail, first["pointer"])
        self._rejected = checked.rejected

    def body(self) -> dict[str, Any]:
        """Return the problem details, with what a partial success would say."""
        return super().body() | {"accepted": 0, "rejected": self._rejected}


def count_refused(problem: Problem, door: Door, doors: Doors) -> None:
    """Count a body that was refused as a whole by its reason, as one record."""
    if problem.code not in set(Reason):
        return
    with suppress(Problem):
        doors.note(door, written(Content.RECORDS, time.time_ns() // 1000, b"", {problem.code: 1}))


HANDLERS: list[HTTPRouteHandler] = [records, targets]
