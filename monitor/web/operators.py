"""What a person says to an action that waits for approval, with a token that only who reads the state can make."""

from __future__ import annotations

import re
from typing import Any

from litestar import MediaType, Request, Response, post
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec

from monitor.web import described
from monitor.web.api import fault
from monitor.web.jobs import bearer, body_of, parse, text_of
from monitor.web.problems import Problem
from monitor.web.render import to_json
from monitor.web.view import Ruling, Verb
from monitor.web.wiring import PathText, TheView

_MAX_BODY = 4 * 1024
_MAX_NAME = 128
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_SECURITY: list[dict[str, list[str]]] = [{"action_token": []}]
_BY = described.taking({"application/json": described.object_of(["by"], by=described.text("who rules"))})
_RULED = {
    200: ResponseSpec(dict[str, Any], generate_examples=False, description="The action as it stands now"),
    400: fault("The body is not JSON"),
    401: fault("No token, or not the one for that"),
    404: fault("There is no such action"),
    409: fault("The action waits for nobody, or the gate withholds it now"),
    413: fault("The body is too large"),
    422: fault("The body lacks something"),
}


@post(
    "/api/v1/actions/{id:str}/approve",
    status_code=200,
    request_max_body_size=_MAX_BODY,
    responses=_RULED,
    security=_SECURITY,
    summary="A person approves of an action",
    operation_class=_BY,
)
async def approve(request: Request[Any, Any, Any], view: TheView, id: PathText) -> Response[bytes]:
    """Take ``{"by": "who"}``, and look at the gate once more; ``driftline actions approve`` asks this."""
    return await _rule(request, view, id, Verb.APPROVE)


@post(
    "/api/v1/actions/{id:str}/reject",
    status_code=200,
    request_max_body_size=_MAX_BODY,
    responses=_RULED,
    security=_SECURITY,
    summary="A person refuses an action",
    operation_class=_BY,
)
async def reject(request: Request[Any, Any, Any], view: TheView, id: PathText) -> Response[bytes]:
    """Take ``{"by": "who"}``; ``driftline actions reject`` asks this."""
    return await _rule(request, view, id, Verb.REJECT)


async def _rule(request: Request[Any, Any, Any], view: TheView, id: str, verb: Verb) -> Response[bytes]:
    token = bearer(request)
    body = await sync_to_thread(view.rule_action, id, token, read_ruling(verb, await body_of(request)))
    return Response(to_json(body), media_type=MediaType.JSON)


def read_ruling(verb: Verb, raw: bytes) -> Ruling:
    """Read who rules.

    Raises
    ------
    Problem: it is not JSON (400), or lacks a name (422).
    """
    return Ruling(verb, name_of(parse(raw)))


def name_of(body: dict[str, Any]) -> str:
    """Return who says what a body says.

    Raises
    ------
    Problem: 422, nobody is named.
    """
    name = _UNSAFE.sub("", text_of(body, "by", _MAX_NAME) or "").strip()
    if not name:
        raise Problem(422, "by_missing", "by must name who rules", "/by")
    return name


HANDLERS: list[HTTPRouteHandler] = [approve, reject]
