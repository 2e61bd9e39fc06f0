"""How far a table was read: the highest key, as text that says of which type it is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

Key: TypeAlias = int | str | datetime


class UnfitKey(Exception):
    """A value of the key by which a table cannot be read forward."""


def key_of(value: object) -> Key | None:
    """Return a value of the key column as a key; ``None`` for none.

    Raises
    ------
    UnfitKey: it is neither a whole number, a text nor an instant.
    """
    if value is None or (isinstance(value, str | int | datetime) and not isinstance(value, bool)):
        return value
    if isinstance(value, Decimal) and value == int(value):
        return int(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 the database's own day, without a zone
    raise UnfitKey(f"the key is {type(value).__name__}, not a whole number, a text or an instant")


def to_text(key: Key) -> str:
    """Write a key down.

    >>> to_text(17), to_text("b7")
    ('number 17', 'text b7')
    """
    if isinstance(key, datetime):
        return f"instant {(key.astimezone(UTC) if key.tzinfo else key).isoformat()}"
    return f"number {key}" if isinstance(key, int) else f"text {key}"


def from_text(text: str) -> Key:
    """Read what :func:`to_text` wrote.

    >>> from_text(to_text(datetime(2013, 7, 1, 9, tzinfo=UTC)))
    datetime.datetime(2013, 7, 1, 9, 0, tzinfo=datetime.timezone.utc)
    """
    kind, _, rest = text.partition(" ")
    if kind == "instant":
        return datetime.fromisoformat(rest)
    return int(rest) if kind == "number" else rest
