"""Instants are integers: microseconds since 1970-01-01T00:00:00Z. This file turns them to text and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Instant: TypeAlias = int
SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST: Instant = 365 * 86_400 * SECOND
"""1971-01-01T00:00:00Z. No record is older: clocks that were never set count from 1970, or from before."""


def to_text(at: Instant) -> str:
    """Write an instant as RFC 3339 UTC, with microseconds only when they are not zero.

    >>> to_text(1_372_669_500_000_000)
    '2013-07-01T09:05:00Z'
    >>> to_text(1_372_669_500_000_001)
    '2013-07-01T09:05:00.000001Z'
    """
    return (_EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")


def to_compact(at: Instant) -> str:
    """Write an instant as it stands in a window's id.

    >>> to_compact(1_372_669_500_000_000)
    '20130701T090500Z'
    """
    return (_EPOCH + timedelta(microseconds=at)).strftime("%Y%m%dT%H%M%SZ")


def from_text(text: str) -> Instant:
    """Read an ISO 8601 instant or date; without an offset it is UTC.

    Raises
    ------
    ValueError: the text is not an instant.

    >>> from_text("2013-07-01T09:05:00Z") == from_text("2013-07-01T11:05+02:00")
    True
    """
    return from_datetime(datetime.fromisoformat(text))


def from_datetime(value: datetime) -> Instant:
    """Read a datetime; a naive one is UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def microseconds(length: timedelta) -> int:
    """Return a length of time as whole microseconds."""
    return length // timedelta(microseconds=1)
