"""What a person on call says: I have it in hand, be silent about this, send that again. Each with its own token."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeAlias

from litestar import MediaType, Request, Response, delete, get, post
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import QueryParameter

from monitor.instant import Instant, from_text
from monitor.web import described
from monitor.web.api import ITEMS, Cursor, Limit, fault, listed
from monitor.web.jobs import bearer, body_of, parse, text_of
from monitor.web.operators import name_of
from monitor.web.problems import Problem
from monitor.web.render import to_json
from monitor.web.view import Acknowledgement, SilenceAsked
from monitor.web.wiring import PathText, TheView

_MAX_BODY = 16 * 1024
_MAX_NOTE = 1_000
_MOST_MATCHERS = 100
_MAX_MATCHER = 300
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_SECURITY: list[dict[str, list[str]]] = [{"action_token": []}]
_WHO, _WHEN = described.text("who says so"), "RFC 3339; "
By: TypeAlias = Annotated[str, QueryParameter(description="who says so")]

_ACKNOWLEDGING = described.taking(
    {"application/json": described.object_of(["by"], by=_WHO, note=described.text("what is done about it"))}
)
_SILENCING = described.taking(
    {
        "application/json": described.object_of(
            ["matchers", "ends_at", "by", "comment"],
            matchers=described.array(described.text("such as model=flight-delay, severity!=critical, column=~dep_.*")),
            starts_at=described.instant(f"{_WHEN}now, if it is left out"),
            ends_at=described.instant(_WHEN + "when it is over"),
            by=_WHO,
            comment=described.text("why"),
        )
    }
)
_SAYING = described.taking({"application/json": described.object_of(["by"], by=_WHO)})


def _answers(what: str, status: int = 200, **further: str) -> dict[int, ResponseSpec]:
    """Return how an answer is described: the object, and each fault by its status."""
    faults = {int(code.removeprefix("s")): fault(text) for code, text in further.items()}
    return {
        status: ResponseSpec(dict[str, Any], generate_examples=False, description=what),
        400: fault("The body is not JSON, or a parameter is not as it should be"),
        401: fault("No token, or not the one for that"),
        **faults,
    }


@post(
    "/api/v1/alerts/{id:str}/ack",
    status_code=200,
    request_max_body_size=_MAX_BODY,
    responses=_answers(
        "The alert as it stands now",
        s404="There is no such alert",
        s409="The alert is over",
        s413="The body is too large",
        s422="The body lacks something",
    ),
    security=_SECURITY,
    summary="A person has an alert in hand",
    operation_class=_ACKNOWLEDGING,
)
async def acknowledge(request: Request[Any, Any, Any], view: TheView, id: PathText) -> Response[bytes]:
    """Take ``{"by": "who", "note": "…"}``: no more repeats, and no escalation; ``driftline alerts ack`` asks this."""
    token, body = bearer(request), parse(await body_of(request))
    note = _plain(text_of(body, "note", _MAX_NOTE))
    said = Acknowledgement(name_of(body), note or None)
    return _json(await sync_to_thread(view.acknowledge, id, token, said))


@get(
    "/api/v1/silences",
    responses=ITEMS,
    summary="Silences",
)
async def silences(view: TheView, limit: Limit = 100, cursor: Cursor = None) -> Response[bytes]:
    """Return silences, last made first, those that have ended among them."""
    items, following = await sync_to_thread(listed, lambda: view.silences(limit, cursor), cursor)
    return _json({"items": items, "next": following})


@post(
    "/api/v1/silences",
    status_code=201,
    request_max_body_size=_MAX_BODY,
    responses=_answers("The silence", 201, s413="The body is too large", s422="It cannot be meant, and why"),
    security=_SECURITY,
    summary="A person asks for silence",
    operation_class=_SILENCING,
)
async def silence(request: Request[Any, Any, Any], view: TheView) -> Response[bytes]:
    """Take matchers, when it ends, who asks and why; ``driftline alerts silence`` asks this."""
    token, asked = bearer(request), read_silence(await body_of(request))
    return _json(await sync_to_thread(view.make_silence, token, asked), 201)


@delete(
    "/api/v1/silences/{id:str}",
    status_code=200,
    responses=_answers(
        "The silence, ended",
        s404="There is no such silence",
        s409="It has ended",
        s422="Nobody is named",
    ),
    security=_SECURITY,
    summary="A person ends a silence",
)
async def unsilence(request: Request[Any, Any, Any], view: TheView, id: PathText, by: By) -> Response[bytes]:
    """End a silence now; ``driftline alerts unsilence`` asks this."""
    return _json(await sync_to_thread(view.end_silence, id, bearer(request), name_of({"by": by})))


@post(
    "/api/v1/deliveries/{id:str}/retry",
    status_code=200,
    request_max_body_size=_MAX_BODY,
    responses=_answers(
        "The delivery as it stands now",
        s404="There is no such delivery",
        s409="It was delivered",
        s413="The body is too large",
        s422="The body lacks something",
    ),
    security=_SECURITY,
    summary="A person has a message sent again",
    operation_class=_SAYING,
)
async def retry(request: Request[Any, Any, Any], view: TheView, id: PathText) -> Response[bytes]:
    """Take ``{"by": "who"}``: what was given up goes once more, what waits goes at once."""
    token, by = bearer(request), name_of(parse(await body_of(request)))
    return _json(await sync_to_thread(view.retry_delivery, id, token, by))


def read_silence(raw: bytes) -> SilenceAsked:
    """Read what is to be silent, from when until when, who asks, and why.

    Raises
    ------
    Problem: it is not JSON (400), or lacks something (422).
    """
    body = parse(raw)
    matchers = body.get("matchers")
    if not isinstance(matchers, list) or len(matchers) > _MOST_MATCHERS:
        raise Problem(422, "matchers_missing", 'matchers must be a list, such as ["model=flight-delay"]', "/matchers")
    if any(not isinstance(each, str) or len(each) > _MAX_MATCHER for each in matchers):
        raise Problem(422, "matcher_invalid", "a matcher must be a text, such as model=flight-delay", "/matchers")
    comment = _plain(text_of(body, "comment", _MAX_NOTE))
    if not comment:
        raise Problem(422, "comment_missing", "comment must say why", "/comment")
    ends_at = _instant(body, "ends_at")
    if ends_at is None:
        raise Problem(422, "ends_at_missing", "ends_at must say when it is over", "/ends_at")
    return SilenceAsked(matchers, ends_at, name_of(body), comment, _instant(body, "starts_at"))


def _instant(body: dict[str, Any], key: str) -> Instant | None:
    text = text_of(body, key, _MAX_MATCHER)
    if text is None:
        return None
    try:
        return from_text(text)
    except (ValueError, OverflowError):
        raise Problem(
            422, f"{key}_invalid", f"{key} is not an instant, such as 2026-01-05T22:00:00Z", f"/{key}"
        ) from None


def _plain(text: str | None) -> str:
    return _UNSAFE.sub("", text or "").strip()


def _json(body: dict[str, Any], status: int = 200) -> Response[bytes]:
    return Response(to_json(body), status_code=status, media_type=MediaType.JSON)


HANDLERS: list[HTTPRouteHandler] = [acknowledge, silences, silence, unsilence, retry]
