"""Take a column out of an Arrow table that has it nested, under a flat header, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from monitor.sources.formats.paths import Place
from monitor.sources.formats.values import Converted, choose, convert

Convert: TypeAlias = Callable[[pa.Array, pa.DataType], Converted]


def resolve(table: pa.Table, place: Place, wanted: pa.DataType, by: Convert = convert) -> Converted:
    """Look a column up row by row, by the rule of ``paths``.

    Parameters
    ----------
    by: turns what was found into the wanted type; its exceptions pass through.
    """
    flat = _flat(table, [name for name in place.flat if name in table.column_names], wanted, by)
    top = place.steps[0]
    if len(place.steps) == 1 or top not in table.column_names or not pa.types.is_struct(table.schema.field(top).type):
        return flat
    holder = array_of(table, top)
    nested = by(_inner(holder, place.steps[1:]), wanted)
    return nested if holder.null_count == 0 else choose(pc.is_valid(holder), nested, flat)


def _inner(holder: pa.Array, steps: Sequence[str]) -> pa.Array:
    for step in steps:
        if not pa.types.is_struct(holder.type) or holder.type.get_field_index(step) < 0:
            return pa.nulls(len(holder))
        holder = pc.struct_field(holder, [step])
    return holder


def _flat(table: pa.Table, names: Sequence[str], wanted: pa.DataType, by: Convert) -> Converted:
    """Take the first name that has a value."""
    if not names:
        return Converted(pa.nulls(table.num_rows, wanted))
    values = array_of(table, names[0])
    found = by(values, wanted)
    if len(names) == 1 or values.null_count == 0:
        return found
    return choose(pc.is_valid(values), found, _flat(table, names[1:], wanted, by))


def array_of(table: pa.Table, name: str) -> pa.Array:
    """Return a column as one array."""
    column = table[name]
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
