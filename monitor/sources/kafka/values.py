"""Messages of a partition as records: each value is one JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from monitor.record import Decoded, Layout, Reason, Rejected
from monitor.sources.formats import jsonl
from monitor.sources.formats.block import Lines, joined

if TYPE_CHECKING:
    from confluent_kafka import Message

_NEWLINE = b"\n"
_Value: TypeAlias = tuple[int, bytes]  # a message's offset and value


def decode(name: str, messages: Sequence[Message], layout: Layout, longest: int) -> Decoded:
    """Decode messages in their order; those without a value and those that are too long are refused.

    Parameters
    ----------
    name: of the partition, for what is refused. longest: bytes of a value.
    """
    refused: list[Rejected] = []
    values: list[_Value] = []
    for message in messages:
        value, offset = message.value(), message.offset() or 0
        if value is None:
            refused.append(Rejected(Reason.TOMBSTONE, name, offset, "a message without a value"))
        elif len(value) > longest:
            refused.append(Rejected(Reason.TOO_LONG, name, offset, "larger than max_message"))
        else:
            values.append((offset, value))
    parts = [_lines(name, list(group), layout) for _, group in groupby(values, key=_lone)]
    decoded = joined(parts, layout)
    return replace(decoded, rejected=tuple(sorted([*refused, *decoded.rejected], key=lambda each: each.offset)))


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
