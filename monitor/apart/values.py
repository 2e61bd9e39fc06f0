"""Columns as a classifier takes them: numbers, and the lengths of texts, as floats; categories as text."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from monitor.kinds import without_nan
from monitor.profile import numbers, texts
from monitor.record import Column, Kind, Role

TAKES_NO_PART = frozenset({Kind.IDENTIFIER, Kind.DATETIME, Kind.VECTOR})
"""Kinds whose values say nothing by being other ones, or are no single value."""


def taking_part(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Return the columns that a classifier looks at: features, predictions and scores, not targets."""
    return tuple(each for each in columns if each.kind not in TAKES_NO_PART and each.role is not Role.TARGET)


def values_of(kind: Kind, array: pa.Array) -> pa.Array:
    """Return a column's values, float64 or string; null where there is none."""
    if kind in (Kind.NUMERIC, Kind.TEXT):
        return pa.array(numbers(array), pa.float64())
    array = without_nan(array)
    coded = array.dictionary_encode()
    return pa.array(texts(coded.dictionary), pa.string()).take(coded.indices)


def whole(column: pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece."""
    return column.combine_chunks()
