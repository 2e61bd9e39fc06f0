"""Inferences that are logged by OpenTelemetry: exports of logs, mapped to records, and answered once they are kept."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypedDict

from litestar import Request, Response, post
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec

from monitor.sources.formats.json_rows import Refused
from monitor.sources.otlp.logs import Log, OtlpInvalid, from_json
from monitor.sources.otlp.protobuf import ProtobufMissing, from_protobuf
from monitor.sources.otlp.record import Named, is_inference, named, record_of, timed
from monitor.sources.spool.frames import Content, written
from monitor.web import described
from monitor.web.bodies import body_of, media_type, too_large, unsupported
from monitor.web.doors import Door, Doors
from monitor.web.lines import check
from monitor.web.problems import Problem
from monitor.web.wiring import TheView

JSON, PROTOBUF = "application/json", "application/x-protobuf"
_LARGE_BYTES = 2**14  # a larger body is read in a thread


class Partial(TypedDict, total=False):
    """What was not taken; absent where all was."""

    rejectedLogRecords: str
    errorMessage: str


class Exported(TypedDict, total=False):
    """An ``ExportLogsServiceResponse``."""

    partialSuccess: Partial


class Status(TypedDict):
    """What OTLP answers with where nothing was taken."""

    message: str


def _fault(description: str) -> ResponseSpec:
    return ResponseSpec(Status, generate_examples=False, description=description, media_type=JSON)


_ANSWERS = {
    200: ResponseSpec(Exported, generate_examples=False, description="What passed is on the disk"),
    400: _fault("The body is no export of logs, or none of its records passed"),
    408: _fault("The body did not come in time"),
    413: _fault("The body is too large, or holds too many records"),
    415: _fault("Neither JSON nor protobuf, or packed in an unknown way"),
    429: _fault("Too much waits to be read; send it again after `Retry-After`"),
    503: _fault("It cannot be written now; send it again after `Retry-After`"),
}


@dataclass(slots=True)
class _Incoming:
    """What comes in by one door: lines, and how many records were refused by reason."""

    lines: bytes = field(default=b"", repr=False)
    reasons: Counter[str] = field(default_factory=Counter)
    rows: list[str] = field(default_factory=list, repr=False)


@dataclass(slots=True)
class _Sorted:
    """What an export holds.

    Attributes
    ----------
    others: logs that tell of no inference. reasons: why records were refused, of all doors and of none.
    """

    total: int = 0
    accepted: int = 0
    others: int = 0
    doors: dict[Door, _Incoming] = field(default_factory=lambda: defaultdict(_Incoming))
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def refused(self) -> int:
        """Return how many were not taken."""
        return self.total - self.accepted


@post(
    "/v1/logs",
    status_code=200,
    request_max_body_size=None,
    responses=_ANSWERS,
    summary="Send logs of OpenTelemetry",
    description="OTLP/HTTP: an ExportLogsServiceRequest as JSON or protobuf; plain, gzip or zstd.",
    operation_class=described.taking(
        {JSON: described.object_of([], resourceLogs=described.array(described.OBJECT)), PROTOBUF: described.BYTES},
        answers={PROTOBUF: described.BYTES},
    ),
)
async def logs(request: Request[Any, Any, Any], view: TheView) -> Response[bytes]:
    """Take an export of logs."""
    kind = media_type(request.headers)
    try:
        answer, status, headers = await _take(request, kind, view.doors()), HTTPStatus.OK.value, {}
    except Problem as problem:
        answer, status, headers = _status(f"{problem.code}: {problem.detail}", kind), problem.status, problem.headers
    return Response(answer, status_code=status, media_type=PROTOBUF if kind == PROTOBUF else JSON, headers=headers)


async def _take(request: Request[Any, Any, Any], kind: str, doors: Doors) -> bytes:
    if kind not in (JSON, PROTOBUF):
        raise unsupported(f"content-type {PROTOBUF} or {JSON}")
    body = await body_of(request.headers, request.stream(), doors)
    if len(body) > _LARGE_BYTES:
        found = await sync_to_thread(_sorted, body, kind, doors)
    else:
        found = _sorted(body, kind, doors)
    for door, incoming in found.doors.items():
        frame = written(Content.RECORDS, time.time_ns() // 1000, incoming.lines, incoming.reasons)
        if incoming.lines:
            await doors.keep(door, frame)
        else:
            doors.note(door, frame)
    if found.reasons and not found.accepted:
        raise Problem(HTTPStatus.BAD_REQUEST, found.reasons.most_common(1)[0][0], _told(found))
    return _exported(found, kind)


def _logs(body: bytes, kind: str) -> Iterator[Log]:
    try:
        yield from from_json(body) if kind == JSON else from_protobuf(body)
    except OtlpInvalid as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "otlp_invalid", f"no export of logs: {error}") from None
    except ProtobufMissing:
        raise unsupported(f"content-type {JSON}: protobuf needs Driftline's extra opentelemetry") from None


def _sorted(body: bytes, kind: str, doors: Doors) -> _Sorted:
    """Return what an export holds.

    Raises
    ------
    Problem: 400 it is none, 413 it holds too many records, 415 protobuf cannot be read here.
    """
    found = _Sorted()
    for log in _logs(body, kind):
        found.total += 1
        if found.total > doors.limits.records:
            raise too_large(f"more than {doors.limits.records} records")
        if is_inference(log):
            _sort(log, found, doors)
        else:
            found.others += 1
    for door, incoming in found.doors.items():
        checked = check("\n".join(incoming.rows).encode(), door.layout, doors.limits.records)
        incoming.lines, incoming.reasons = checked.lines, incoming.reasons + checked.reasons
        found.accepted += checked.accepted
        found.reasons += incoming.reasons
    return found


def _sort(log: Log, found: _Sorted, doors: Doors) -> None:
    """Put an inference before its door."""
    try:
        door = _door(named(log.attributes), doors)
    except Problem:
        found.reasons["model_unknown"] += 1
        return
    try:
        record = timed(record_of(log), log, door.layout.timestamp)
    except Refused as fault:
        found.doors[door].reasons[str(fault.reason)] += 1
    else:
        found.doors[door].rows.append(json.dumps(record, separators=(",", ":")))


def _door(of: Named, doors: Doors) -> Door:
    if of.model is not None:
        return doors.of(of.model, "records")
    return doors.of_service(of.service, of.namespace, "records")


def _told(found: _Sorted) -> str:
    """Say how many records were not taken and why, without any value that was sent."""
    whys = found.reasons + Counter({"no inference": found.others})
    told = ", ".join(f"{count} {why}" for why, count in sorted(whys.items()))
    return f"{found.refused} of {found.total} records were not taken: {told}"


def _exported(found: _Sorted, kind: str) -> bytes:
    """Return an ``ExportLogsServiceResponse``."""
    if kind == JSON:
        partial: Partial = {"rejectedLogRecords": str(found.refused), "errorMessage": _told(found)}
        answer: Exported = {"partialSuccess": partial} if found.refused else {}
        return json.dumps(answer).encode()
    return _field(1, b"\x08" + _varint(found.refused) + _field(2, _told(found).encode())) if found.refused else b""


def _status(message: str, kind: str) -> bytes:
    """Return a ``google.rpc.Status``, which has its message in field 2."""
    return _field(2, message.encode()) if kind == PROTOBUF else json.dumps(Status(message=message)).encode()


def _field(number: int, data: bytes) -> bytes:
    """Return a field of bytes as protobuf writes it."""
    return bytes([number << 3 | 2]) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


HANDLERS: list[HTTPRouteHandler] = [logs]
