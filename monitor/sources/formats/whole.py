"""A record as it stands in its log, as one line of JSON: what a reference that is made of the log is read from.

A line of JSON stays as it is written. A row of a table becomes an object: the texts of CSV stay texts, and what JSON
has no word for is written as a file of JSON lines would have it, instants as ISO 8601.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from monitor.sources.formats.block import Lines

BOM = b"\xef\xbb\xbf"
_BLANKS = b" \t\r\x00"


def whole_lines(lines: Lines) -> pa.Array:
    """Return each line, without what may stand before and after its object."""
    return pa.array([lines.line(index).removeprefix(BOM).strip(_BLANKS) for index in range(len(lines))], pa.string())


def whole_rows(table: pa.Table) -> pa.Array:
    """Return each row as an object of its columns.

    >>> whole_rows(pa.table({"a": ["x"], "b": [1.5]})).to_pylist()
    ['{"a":"x","b":1.5}']
    """
    names = table.column_names
    rows = zip(*(_listed(column) for column in table.columns), strict=True)
    return pa.array([_dumped(dict(zip(names, row, strict=True))) for row in rows], pa.string())


def _dumped(row: dict[str, Any]) -> str:
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False)


def _listed(column: pa.ChunkedArray) -> list[Any]:
    type_ = column.type
    if pa.types.is_dictionary(type_):
        return _listed(column.cast(type_.value_type))
    if pa.types.is_timestamp(type_):
        column = column.cast(pa.timestamp("us", type_.tz and "UTC"), safe=False)
    elif pa.types.is_floating(type_):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, type_), column)
    values: list[Any] = column.to_pylist()
    simple = pa.types.is_integer(type_) or pa.types.is_boolean(type_) or pa.types.is_string(type_)
    return values if simple or pa.types.is_floating(type_) else [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    """Return a value in JSON's own words; bytes have none."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN alone is not itself
        return None
    return next((write(value) for kind, write in _WRITTEN.items() if isinstance(value, kind)), value)


_WRITTEN: dict[type | tuple[type, ...], Callable[[Any], Any]] = {
    (datetime, date, time): lambda value: value.isoformat().replace("+00:00", "Z"),
    timedelta: timedelta.total_seconds,
    Decimal: float,
    bytes: lambda _: None,
}
