"""Messages of a partition as records: each value is one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from monitor.instant import Instant, to_text
from monitor.record import Decoded, Layout, Reason, Rejected
from monitor.sources.formats import jsonl
from monitor.sources.formats.block import Lines, joined
from monitor.sources.kafka.described import Described
from monitor.sources.kafka.framing import Unframed
from monitor.sources.kafka.registry import SchemaUnknown
from monitor.sources.kafka.unfit import ValueUnfit

if TYPE_CHECKING:
    from confluent_kafka import Message

_NEWLINE = b"\n"
_Value: TypeAlias = tuple[int, bytes]  # a message's offset and value


@dataclass(frozen=True, slots=True)
class Rules:
    """How values become records.

    Attributes
    ----------
    longest: bytes of a value as it lies in the topic.
    message_time: a record without event time takes that of its message, and stands behind those that have one.
    described: makes JSON of a value whose schema a registry has; ``None`` where all are JSON.
    """

    longest: int
    message_time: bool = False
    described: Described | None = None


def decode(name: str, messages: Sequence[Message], layout: Layout, rules: Rules) -> Decoded:
    """Decode messages in their order; those without a value, that are too long or not of their schema are refused.

    Parameters
    ----------
    name: of the partition, for what is refused.

    Raises
    ------
    Unreachable: the schema registry cannot be asked now.
    """
    refused: list[Rejected] = []
    values: list[_Value] = []
    for message in messages:
        offset, value = message.offset() or 0, _value(message, rules)
        if isinstance(value, bytes):
            values.append((offset, value))
        else:
            refused.append(Rejected(value[0], name, offset, value[1]))
    decoded = _decoded(name, values, layout)
    if rules.message_time:
        times = {message.offset() or 0: written_at(message) for message in messages}
        decoded = _with_times(decoded, name, (values, times), layout)
    return replace(decoded, rejected=tuple(sorted([*refused, *decoded.rejected], key=lambda each: each.offset)))


def _value(message: Message, rules: Rules) -> bytes | tuple[Reason, str]:
    """Return a message's value as JSON, or why there is none."""
    value = message.value()
    if value is None:
        return Reason.TOMBSTONE, "a message without a value"
    if len(value) > rules.longest:
        return Reason.TOO_LONG, "larger than max_message"
    if rules.described is None:
        return as_bytes(value)
    try:
        return rules.described(as_bytes(value))
    except SchemaUnknown as error:
        return Reason.SCHEMA_UNKNOWN, str(error)
    except (Unframed, ValueUnfit) as error:
        return Reason.UNREADABLE, str(error)


def written_at(message: Message) -> Instant | None:
    """Return when a message was written, by its producer or its broker; ``None`` of one that does not say."""
    kind, milliseconds = message.timestamp()
    return None if kind == 0 or milliseconds < 0 else milliseconds * 1000


def _decoded(name: str, values: Sequence[_Value], layout: Layout) -> Decoded:
    return joined([_lines(name, list(group), layout) for _, group in groupby(values, key=_lone)], layout)


def _with_times(
    decoded: Decoded, name: str, told: tuple[Sequence[_Value], Mapping[int, Instant | None]], layout: Layout
) -> Decoded:
    """Read again what has no event time, with that of its message."""
    values, times = told
    bare = {fault.offset for fault in decoded.rejected if fault.reason is Reason.TIMESTAMP_MISSING}
    if not bare:
        return decoded
    stamped = [
        (offset, _stamped(value, layout.timestamp, at))
        for offset, value in values
        if offset in bare and (at := times[offset]) is not None
    ]
    again = _decoded(name, stamped, layout)
    left = bare - {offset for offset, _ in stamped}
    kept = [each for each in decoded.rejected if each.offset not in bare or each.offset in left]
    whole = joined([replace(decoded, rejected=()), replace(again, rejected=())], layout)
    return replace(whole, rejected=(*kept, *again.rejected))


def _stamped(value: bytes, path: str, at: Instant) -> bytes:
    """Write an instant into a JSON object, in which it stands nowhere or is null."""
    text = to_text(at)
    if "." in path or path.encode() in value:
        return json.dumps(_set(json.loads(value), path, text)).encode()
    rest = value.lstrip()[1:].lstrip()
    return b'{%s:"%s"%s%s' % (json.dumps(path).encode(), text.encode(), b"" if rest.startswith(b"}") else b",", rest)


def _set(record: dict[str, Any], path: str, text: str) -> dict[str, Any]:
    """Set a value at a path, or under its whole name where something else stands in the way."""
    first, dot, rest = path.partition(".")
    if dot and isinstance(record.setdefault(first, {}), dict):
        _set(record[first], rest, text)
    else:
        record[path] = text
    return record


def as_bytes(value: str | bytes | None) -> bytes:
    """Return a key or a value as bytes; of none, none."""
    return b"" if value is None else value.encode() if isinstance(value, str) else value


def _lone(value: _Value) -> int | None:
    """Return what sets a value apart that goes over lines, or is empty; ``None`` of all others, which go together."""
    return value[0] if _NEWLINE in value[1] or not value[1].strip() else None


def _lines(name: str, values: Sequence[_Value], layout: Layout) -> Decoded:
    if len(values) == 1 and not values[0][1].strip():
        return joined([Decoded(joined([], layout).table, (_empty(name, values[0][0]),))], layout)
    lengths = np.array([len(value) for _, value in values], np.int64)
    ends = np.cumsum(lengths + 1) - 1
    lines = Lines(name, _NEWLINE.join(value for _, value in values) + _NEWLINE, ends - lengths, ends)
    decoded = jsonl.decode(lines, layout)
    return replace(decoded, rejected=tuple(_placed(each, lines, values) for each in decoded.rejected))


def _empty(name: str, offset: int) -> Rejected:
    return Rejected(Reason.JSON_SYNTAX, name, offset, "an empty value")


def _placed(fault: Rejected, lines: Lines, values: Sequence[_Value]) -> Rejected:
    """Say of what was refused which message it was."""
    index = int(np.searchsorted(lines.starts, fault.offset, side="right")) - 1
    return replace(fault, offset=values[index][0])
