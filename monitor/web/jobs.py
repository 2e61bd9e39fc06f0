"""What a retraining job says to us, with the token of its own action: started, succeeded, failed; and its rows."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.response import Stream

from monitor.web import described
from monitor.web.api import fault
from monitor.web.problems import Problem, not_found, unauthorized
from monitor.web.render import to_json
from monitor.web.view import Report, Step
from monitor.web.wiring import PathText, TheView

_MAX_BODY = 64 * 1024
_BODY_SECONDS = 10.0
_MAX_VERSION = 128
_MAX_WHY = 1_000
_MAX_JOB = 128
_MAX_ROWS = 2**53
_SECURITY: list[dict[str, list[str]]] = [{"action_token": []}]
_PARQUET = "application/vnd.apache.parquet"
_FAULTS = {
    401: fault("No token, or not the action's own"),
    404: fault("There is no such action"),
}
_REPORTED = {
    **_FAULTS,
    200: ResponseSpec(dict[str, Any], generate_examples=False, description="The action as it stands now"),
    400: fault("The body is not JSON"),
    409: fault("The action is closed, or another job has it"),
    413: fault("The body is too large"),
    422: fault("The body lacks something"),
}
_ID = re.compile(r"ac_[a-z2-7]{26}")


@post(
    "/api/v1/actions/{id:str}/{step:str}",
    status_code=200,
    request_max_body_size=_MAX_BODY,
    responses=_REPORTED,
    security=_SECURITY,
    summary="A job's word on its action",
    operation_class=described.taking({"application/json": described.OBJECT}, required=False),
)
async def report(request: Request[Any, Any, Any], view: TheView, id: PathText, step: PathText) -> Response[bytes]:
    """Take ``started`` ``{}``, ``succeeded`` ``{"version": "2", "rows": 41200}`` or ``failed`` ``{"why": "…"}``.

    Each may name its ``job``: a job of another name is refused from then on.
    """
    if step not in set(Step):
        raise not_found("step")
    token = bearer(request)
    read = read_report(Step(step), await body_of(request))
    body = await sync_to_thread(view.report_action, id, token, read)
    return Response(to_json(body), media_type=MediaType.JSON)


@get(
    "/api/v1/actions/{id:str}/rows",
    responses={200: ResponseSpec(bytes, description="One Parquet file", media_type=_PARQUET), **_FAULTS},
    security=_SECURITY,
    summary="The rows to retrain with",
)
async def rows(request: Request[Any, Any, Any], view: TheView, id: PathText) -> Stream:
    """Return the rows of the action's windows, with targets where they are known."""
    parts = await sync_to_thread(view.action_rows, id, bearer(request))
    first = await sync_to_thread(next, parts, b"")  # a refusal is an answer, not a stream that breaks
    name = id if _ID.fullmatch(id) else "rows"
    return Stream(
        _stream(first, parts),
        media_type=_PARQUET,
        headers={"Content-Disposition": f'attachment; filename="{name}.parquet"'},
    )


def read_report(step: Step, raw: bytes) -> Report:
    """Read the body of a report.

    Raises
    ------
    Problem: it is not JSON (400), or lacks something (422).
    """
    body = parse(raw)
    job = text_of(body, "job", _MAX_JOB) or None
    if step is Step.STARTED:
        return Report(step, job=job)
    if step is Step.FAILED:
        return Report(step, why=text_of(body, "why", _MAX_WHY), job=job)
    version = text_of(body, "version", _MAX_VERSION)
    if not version:
        raise Problem(422, "version_missing", "version must name what was trained", "/version")
    return Report(step, version=version, rows=_count(body, "rows"), job=job)


def parse(raw: bytes) -> dict[str, Any]:
    """Read a body; an empty one is an empty object.

    Raises
    ------
    Problem: it is not JSON (400), or no object (422).
    """
    try:
        body = json.loads(raw.decode("utf-8")) if raw.strip() else {}
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise Problem(400, "json_syntax", f"the body is not JSON: {where}") from None
    except (ValueError, RecursionError):
        raise Problem(400, "json_syntax", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Problem(422, "not_object", "the body must be an object", "")
    return body


def text_of(body: dict[str, Any], key: str, longest: int) -> str | None:
    """Return a text of a body, or ``None``.

    Raises
    ------
    Problem: 422, it is no text, or a longer one.
    """
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest:
        raise Problem(422, f"{key}_invalid", f"{key} must be a text of at most {longest} characters", f"/{key}")
    return value.encode("utf-8", "replace").decode("utf-8")


def _count(body: dict[str, Any], key: str) -> int | None:
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MAX_ROWS:
        raise Problem(422, f"{key}_invalid", f"{key} must be a whole number from 0", f"/{key}")
    return value


async def body_of(request: Request[Any, Any, Any]) -> bytes:
    """Return what was sent, if it comes in time.

    Raises
    ------
    Problem: 408, it does not.
    """
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return await request.body()
    except TimeoutError:
        raise Problem(408, "body_too_slow", f"the body did not come within {_BODY_SECONDS:g} seconds") from None


def bearer(request: Request[Any, Any, Any]) -> str:
    """Return the token that was sent.

    Raises
    ------
    Problem: 401, there is none.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized()
    return token.strip()


async def _stream(first: bytes, rest: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read part by part in a thread. Litestar's own wrapper would take a ValueError for the end of the file."""
    part: bytes | None = first
    while part is not None:
        yield part
        part = await sync_to_thread(next, rest, None)


HANDLERS: list[HTTPRouteHandler] = [report, rows]
