"""Read event times: RFC 3339 text or Arrow timestamps, never a bare number.

A number may be seconds, milliseconds or more, and a wrong guess moves every record by decades; so it is
refused. Text without an offset is UTC. Digits beyond the microsecond are cut off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from monitor.instant import Instant, from_datetime

EARLIEST: Instant = from_datetime(datetime.min.replace(tzinfo=UTC))
LATEST: Instant = from_datetime(datetime.max.replace(tzinfo=UTC))
_MICROSECONDS = pa.timestamp("us")
_ZONED = pa.timestamp("us", "UTC")
_PER_UNIT = {"s": 1_000_000, "ms": 1_000, "us": 1}
_TEXT = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<time>[0-9]{2}(?::[0-9]{2}(?::[0-9]{2})?)?)(?:(?<=:[0-9]{2}:[0-9]{2})\.(?P<fraction>[0-9]{1,9}))?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)


@dataclass(frozen=True, slots=True)
class Instants:
    """Event times as int64 microseconds, null where none was given or it was invalid, and the mask of the invalid."""

    values: pa.Array
    invalid: pa.Array


def to_instants(values: pa.Array) -> Instants:
    """Read event times of any Arrow type.

    Returns
    -------
    Instants between the years 1 and 9999; all else that is not null is invalid.
    """
    type_ = values.type
    if pa.types.is_dictionary(type_):
        return to_instants(values.dictionary_decode())
    if pa.types.is_timestamp(type_):
        read = _from_timestamps(values)
    elif pa.types.is_date(type_):
        read = values.cast(_MICROSECONDS, safe=False).cast(pa.int64())
    elif pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        read = _from_texts(values.cast(pa.string()))
    else:
        read = pa.nulls(len(values), pa.int64())
    possible = pc.and_(pc.greater_equal(read, EARLIEST), pc.less_equal(read, LATEST))
    read = pc.if_else(possible, read, pa.scalar(None, pa.int64()))
    return Instants(read, pc.and_(pc.is_valid(values), pc.is_null(read)))


def _from_timestamps(values: pa.Array) -> pa.Array:
    ticks = values.cast(pa.int64())
    if values.type.unit == "ns":
        return pc.subtract(pc.divide(ticks, 1000), pc.cast(_below_zero_with_rest(ticks), pa.int64()))
    factor = _PER_UNIT[values.type.unit]
    possible = pc.and_(pc.greater_equal(ticks, EARLIEST // factor), pc.less_equal(ticks, LATEST // factor))
    return pc.multiply(pc.if_else(possible, ticks, pa.scalar(None, pa.int64())), factor)


def _below_zero_with_rest(ticks: pa.Array) -> pa.Array:
    """Tell where dividing by 1000 cuts towards zero instead of down."""
    return pc.and_(pc.less(ticks, 0), pc.not_equal(pc.multiply(pc.divide(ticks, 1000), 1000), ticks))


def _from_texts(values: pa.Array) -> pa.Array:
    for type_ in (_ZONED, _MICROSECONDS):
        try:
            return values.cast(type_).cast(pa.int64())
        except pa.ArrowInvalid:
            continue
    return pa.array([None if text is None else _from_text(text) for text in values.to_pylist()], pa.int64())


def _from_text(text: str) -> Instant | None:
    """Read one text as Arrow would, or with the nine digits and the small letters that RFC 3339 allows as well.

    >>> _from_text("1970-01-01T01:00:00.000001999+01:00")
    1
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    time = match["time"] or "00"
    zone = (match["zone"] or "+00:00").upper()
    try:
        whole = from_datetime(datetime.fromisoformat(f"{match['date']}T{time}{zone}"))
    except (ValueError, OverflowError):
        return None
    return whole + int((match["fraction"] or "0").ljust(6, "0")[:6])
