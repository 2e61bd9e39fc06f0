"""Build the messages that leave the house: CloudEvents 1.0, structured JSON, at most 20 kB, the same bytes every time.

The body is written here and not by the ``cloudevents`` library: key order, number and instant format are part of
the signed bytes, and an upgrade of a library must not change them. Tests read every body back with that library.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias
from urllib.parse import quote

from monitor.identity import digest_id
from monitor.instant import Instant, from_text, to_text

Json: TypeAlias = Mapping[str, Any]

BODY_BYTES = 20_000  # Standard Webhooks advises receivers to expect no more
_COLUMNS = 20
_CAUSES = 20
_PERFORMANCES = 20
_TEXT_LETTERS = 256  # of one name or detail; a longer one comes from outside and says nothing more
_LINK_LETTERS = 2000  # what browsers and chat programs accept; also the limit of what is of no use when cut
_EXACT = frozenset({"id", "url", "token", "page", "report", "rows"})

# C0 and C1 controls, bidirectional overrides, line separators and lone surrogates: they forge lines and break UTF-8.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_ALERT = ("id", "name", "model", "version", "segment", "severity", "state", "started_at", "reason")
_WINDOW = ("id", "start", "end", "rows")
_COLUMN = (
    *("name", "role", "kind", "verdict", "why", "method", "distance", "p_value", "threshold", "effect"),
    *("share_of_drift", "began_at", "reference", "current"),
)
_SIDE = ("rows", "missing_ratio", "unseen_ratio", "mean", "sd")
_COLUMN_PARTS = {"effect": ("value", "lower", "upper", "unit"), "reference": _SIDE, "current": _SIDE}
_CAUSE = ("kind", "column", "detail", "factor")
_PERFORMANCE = ("metric", "reference", "realised", "estimated", "final")
_SCORE = ("value", "lower", "upper", "rows")
_PERFORMANCE_PARTS = {"realised": _SCORE, "estimated": _SCORE}
_ACTION = ("id", "kind", "status", "why", "trigger", "by", "expires_at", "fence", "reference", "recovery", "callback")
_RECOVERY = ("status", "why", "version", "metric", "before", "after", "windows", "needed", "until", "text")
_ACTION_PARTS = {"reference": ("id", "rows"), "recovery": _RECOVERY, "callback": ("url", "token")}
_DECISION = ("at", "status", "why", "by")
_DECISIONS = 10
_GRAVITY = ("info", "warning", "critical")
_LINKS = ("page", "report", "rows")


class MessageType(StrEnum):
    """What a message tells: the ``type`` of its CloudEvent."""

    FIRING = "io.driftline.alert.firing"
    RESOLVED = "io.driftline.alert.resolved"
    ACTION = "io.driftline.action.requested"
    DIGEST = "io.driftline.digest"
    TEST = "io.driftline.test"


@dataclass(frozen=True, slots=True)
class Content:
    """What a message is made of: the objects of the contract, keys that are not known left out or ``None``.

    Attributes
    ----------
    alert: ``model`` and ``version`` at least; an action without an alert (by age) gives these two alone.
    window: ``end`` at least, which becomes the message's time.
    columns: by share of the drift, falling; all of them: they are cut here and counted in ``columns_total``.
    diagnosis: ``class`` and ``causes``.
    action: with ``callback`` (``url`` and ``token``) where the receiver is to report back.
    links: ``page``, ``report``, ``rows``.
    about_action: it tells what became of the action, and is no message of the alert's own.
    """

    alert: Json
    window: Json
    columns: Sequence[Json] = ()
    diagnosis: Json | None = None
    performance: Sequence[Json] = ()
    action: Json | None = None
    links: Json = field(default_factory=dict)
    about_action: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is queued: from here on its id, time and bytes stay as they are.

    Attributes
    ----------
    time: the end of the window it is about.
    body: UTF-8 JSON, at most ``BODY_BYTES``.
    """

    id: str
    type: MessageType
    time: Instant
    body: bytes


def message(kind: MessageType, content: Content) -> Message:
    """Return the message that tells ``content``; the same content gives the same bytes.

    Raises
    ------
    ValueError: the window's end is not an instant.
    """
    ident = message_id(kind, content)
    time = from_text(str(content.window["end"]))
    model, version = content.alert.get("model"), content.alert.get("version")
    head = {
        "specversion": "1.0",
        "type": str(kind),
        "source": f"/driftline/{quote(str(model or ''), safe='')}",
        "subject": f"{_plain(model or '')}/{_plain(version or '')}",
        "id": ident,
        "time": to_text(time),
        "datacontenttype": "application/json",
    }
    return Message(ident, kind, time, _fitted(head, content))


def message_id(kind: MessageType, content: Content) -> str:
    """Return the id: the facts told, so that a replay and another replica give the same one."""
    alert, action = content.alert, content.action or {}
    told = [alert.get(key) for key in ("model", "version", "name", "segment", "started_at", "state", "reason")]
    told.append(content.window.get("id"))
    if content.about_action:
        told += [action.get("id"), (action.get("recovery") or {}).get("status")]
    elif kind is MessageType.ACTION:
        told += [action.get("id"), action.get("status")]
    return digest_id("evt", *told)


def probe_message(receiver: str, at: Instant) -> Message:
    """Return the message of ``receivers test``: every key of an alert's message, and nothing known.

    >>> json.loads(probe_message("team", 0).body)["data"]["window"]
    {'id': None, 'start': None, 'end': None, 'rows': None}
    """
    ident = digest_id("evt", "test", receiver, to_text(at))
    head = {
        "specversion": "1.0",
        "type": str(MessageType.TEST),
        "source": "/driftline",
        "subject": _plain(receiver),
        "id": ident,
        "time": to_text(at),
        "datacontenttype": "application/json",
    }
    return Message(ident, MessageType.TEST, at, _fitted(head, Content(alert={}, window={})))


def digest_message(receiver: str, bodies: Sequence[bytes], at: Instant, page: str) -> Message:
    """Return one message that tells what several told: every key of an alert's message, and ``items``.

    Parameters
    ----------
    bodies: of the messages, in the order in which things happened; of too many the last are left out and counted.
    at: when it is put together. ``page``: where all of it is shown.
    """
    events = [json.loads(body) for body in bodies]
    ident = digest_id("evt", "digest", receiver, *(event["id"] for event in events))
    head = {
        "specversion": "1.0",
        "type": str(MessageType.DIGEST),
        "source": "/driftline",
        "subject": _plain(receiver),
        "id": ident,
        "time": to_text(at),
        "datacontenttype": "application/json",
    }
    gravest = max((str(event["data"]["alert"]["severity"]) for event in events), key=_GRAVITY.index)
    data = _data(Content(alert={"severity": gravest}, window={}, links={"page": page}))
    items = [_item(event) for event in events]
    for count in range(len(items), -1, -1):
        body = _encode({**head, "data": data | {"items": items[:count], "items_total": len(items)}})
        if len(body) <= BODY_BYTES:
            break
    return Message(ident, MessageType.DIGEST, at, body)


def _item(event: Json) -> dict[str, Any]:
    """Return what a digest says of a message."""
    data = event["data"]
    return {
        **{key: event[key] for key in ("id", "time")},
        "alert": data["alert"],
        "columns": [column["name"] for column in data["columns"]],
        **{key: data[key] for key in ("columns_total", "diagnosis")},
        "page": data["links"]["page"],
    }


def expiry(body: bytes) -> Instant | None:
    """Return when a queued message becomes useless: an action's expiry; an alert stays true.

    Raises
    ------
    ValueError: the body is not one that ``message`` built.
    """
    event = json.loads(body)
    action = event["data"]["action"]
    if event["type"] != MessageType.ACTION or not action or not action["expires_at"]:
        return None
    return from_text(action["expires_at"])


def _fitted(head: Json, content: Content) -> bytes:
    """Return the fullest body that is short enough."""
    body = b""
    for data in _shorter_and_shorter(content):
        body = _encode({**head, "data": data})
        if len(body) <= BODY_BYTES:
            break
    return body


def _shorter_and_shorter(content: Content) -> Iterator[dict[str, Any]]:
    """Yield the data with ever fewer columns, then without its other lists, then without its links."""
    full = _data(content)
    columns = full["columns"]
    for count in range(len(columns), -1, -1):
        yield {**full, "columns": columns[:count]}
    bare = {**full, "columns": [], "performance": []}
    if full["diagnosis"]:
        bare["diagnosis"] = {**full["diagnosis"], "causes": []}
    yield bare
    yield {**bare, "links": dict.fromkeys(_LINKS)}


def _data(content: Content) -> dict[str, Any]:
    return {
        "alert": _pick(content.alert, _ALERT),
        "window": _pick(content.window, _WINDOW),
        "columns": [_pick(column, _COLUMN, _COLUMN_PARTS) for column in content.columns[:_COLUMNS]],
        "columns_total": len(content.columns),
        "diagnosis": _diagnosis(content.diagnosis),
        "performance": [
            _pick(entry, _PERFORMANCE, _PERFORMANCE_PARTS) for entry in content.performance[:_PERFORMANCES]
        ],
        "action": _action(content.action),
        "links": _pick(content.links, _LINKS),
    }


def _action(given: Json | None) -> dict[str, Any] | None:
    if given is None:
        return None
    decisions = [_pick(each, _DECISION) for each in list(given.get("decisions") or ())[-_DECISIONS:]]
    return {**_pick(given, _ACTION, _ACTION_PARTS), "decisions": decisions}


def _diagnosis(given: Json | None) -> dict[str, Any] | None:
    if given is None:
        return None
    causes = list(given.get("causes") or ())[:_CAUSES]
    told = [{**_pick(cause, _CAUSE), **_beside(cause, "confidence")} for cause in causes]
    return {"class": _plain(given.get("class")), "causes": told, **_beside(given, "text")}


def _beside(given: Json, key: str) -> dict[str, Any]:
    """Return what is known beside the keys of the contract."""
    return {key: _plain(given[key])} if given.get(key) is not None else {}


def _pick(given: Json, keys: Sequence[str], parts: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
    """Return the keys of the contract, each once and in its order; what is not known is ``None``."""
    inner = parts or {}
    picked: dict[str, Any] = {}
    for key in keys:
        value = given.get(key)
        if key in inner and value is not None:
            picked[key] = _pick(value, inner[key])
        else:
            picked[key] = _exact(value) if key in _EXACT else _plain(value)
    return picked


def _plain(value: Any) -> Any:
    """Return a leaf as JSON may show it: no NaN, no infinity, no control character, no endless text."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _UNSAFE.sub("\ufffd", value[:_TEXT_LETTERS]) if isinstance(value, str) else value


def _exact(value: Any) -> Any:
    """Return an id, link or count whole, or ``None`` for a text that is too long: half a link leads elsewhere."""
    if not isinstance(value, str):
        return _plain(value)
    return None if len(value) > _LINK_LETTERS else _UNSAFE.sub("\ufffd", value)


def _encode(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
