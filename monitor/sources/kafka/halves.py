"""Messages that are halves of inferences: CloudEvents, what Seldon's logger writes, and the topics of Seldon Core 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from monitor.instant import Instant, to_text
from monitor.sources.formats.event import Event, EventInvalid, Part, of_attributes, structured
from monitor.sources.kafka.framing import MAGIC, Unframed, number_of, path_of
from monitor.sources.kafka.open_inference import as_json
from monitor.sources.kafka.values import as_bytes, written_at

if TYPE_CHECKING:
    from confluent_kafka import Message

_STRUCTURED, _BATCHED = "application/cloudevents+json", "application/cloudevents-batch+json"
_PREFIX = "ce_"
_SELDON = "io.seldon.serving."


def event_of(message: Message, part: Part | None) -> Event:
    """Read a message as half of an inference.

    Parameters
    ----------
    part: what the topic holds alone, whose messages then are bodies and share a key; ``None`` of a topic of events.

    Raises
    ------
    EventInvalid: it is none.
    """
    value, at = as_bytes(message.value()), written_at(message)
    if part is not None:
        return _keyed(message, value, at, part)
    headers = _headers(message)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _BATCHED:
        raise EventInvalid("a batch is not of one message")
    told = {name.removeprefix(_PREFIX): given for name, given in headers.items() if name.startswith(_PREFIX)}
    if told and kind != _STRUCTURED:
        event = of_attributes(told | _binary(headers), value)
    elif headers.get("type", "").startswith(_SELDON):
        event = _of_seldon(headers, value)
    else:
        event = structured(value)
    return event if event.time or at is None else replace(event, time=to_text(at))


def _headers(message: Message) -> dict[str, str]:
    given = cast("list[tuple[str, str | bytes | None]]", message.headers() or [])
    return {name.lower(): as_bytes(value).decode("utf-8", "replace") for name, value in given}


def _binary(headers: Mapping[str, str]) -> dict[str, str]:
    """Return how long the JSON before binary tensors is, where it is said."""
    length = headers.get("inference-header-content-length")
    return {} if length is None else {"jsonlength": length}


def _of_seldon(headers: Mapping[str, str], value: bytes) -> Event:
    """Read what Seldon Core's logger writes: headers without a prefix, and neither an id nor a time."""
    request = headers.get("requestid", "")
    more = {name: given for name, given in headers.items() if name not in ("type", "content-type") and given}
    return of_attributes(
        {"id": request, "source": "seldon", "specversion": "1.0", "type": headers["type"], **more}, value
    )


def _keyed(message: Message, value: bytes, at: Instant | None, part: Part) -> Event:
    key = as_bytes(message.key()).decode("utf-8", "replace")
    if not key:
        raise EventInvalid("a message without a key has no other half")
    try:
        body, length = as_json(path_of(number_of(value)[1])[1] if value.startswith(MAGIC) else value)
    except Unframed:
        raise EventInvalid("cut short") from None
    more = {} if length is None else {"jsonlength": str(length)}
    time = None if at is None else to_text(at)
    return Event(f"{_SELDON}inference.{part}", message.topic() or "", key, time, more, body)
