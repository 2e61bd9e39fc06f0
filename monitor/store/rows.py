"""Kept rows of several segments as one table, whatever columns each has."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa


def plain(table: pa.Table) -> pa.Table:
    """Return the rows with dictionary columns written out: those of two files do not go together."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(field.type.value_type))
    return table


def concat(tables: Sequence[pa.Table]) -> pa.Table:
    """Return the rows of one table or more, in order, with the columns of all.

    A column that a table lacks is null there; of two number types the wider holds both; a column whose types do not
    go together, since the model changed, becomes text.
    """
    try:
        return pa.concat_tables(tables, promote_options="permissive").replace_schema_metadata(None)
    except (pa.ArrowTypeError, pa.ArrowInvalid):  # then column by column
        pass
    names = dict.fromkeys(name for table in tables for name in table.column_names)
    return pa.table({name: _column(tables, name) for name in names})


def between(table: pa.Table, start: int, end: int) -> pa.Table:
    """Return the rows whose ``timestamp`` is in [start, end), by instant, then in the order they had."""
    at = table["timestamp"].to_numpy()
    within = table.filter(pa.array((at >= start) & (at < end)))
    return within.sort_by("timestamp")


def _column(tables: Sequence[pa.Table], name: str) -> pa.ChunkedArray:
    parts = [
        table.select([name]) if name in table.column_names else pa.table({name: pa.nulls(table.num_rows)})
        for table in tables
    ]
    try:
        return pa.concat_tables(parts, promote_options="permissive")[name]
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.concat_tables([pa.table({name: _as_text(part[name])}) for part in parts])[name]


def _as_text(column: pa.ChunkedArray) -> pa.Array:
    return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
