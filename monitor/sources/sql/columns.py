"""Rows of a database as an Arrow table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa


def table_of(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Return n rows, each a value a name, as a table; a column of mixed or odd types as texts."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return pa.table([_column(values) for values in columns], names=list(names))


def _column(values: Sequence[Any]) -> pa.Array:
    if any(issubclass(kind, UUID) for kind in set(map(type, values))):
        return pa.array([_text(value) for value in values], pa.string())
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.array([_text(value) for value in values], pa.string())
    return array.cast(pa.float64(), safe=False) if pa.types.is_decimal(array.type) else array


def _text(value: Any) -> str | None:
    """Write a value that has no place in a column of one type."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str) if isinstance(value, dict | list | bool | int | float) else str(value)
