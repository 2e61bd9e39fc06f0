"""How much memory rows of Arrow take once their dictionaries are decoded: a few codes may stand for much text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def fitting_rows(table: pa.Table, budget_bytes: int) -> int:
    """Return how many of the first rows stay within the budget once decoded; at least one."""
    rows: int = table.num_rows
    if sum(_most_bytes(chunk) for column in table.columns for chunk in column.chunks) <= budget_bytes:
        return rows
    while rows > 1 and sum(decoded_bytes(column) for column in table.slice(0, rows).columns) > budget_bytes:
        rows //= 2
    return rows


def _most_bytes(column: pa.Array) -> int:
    """Return the memory that a column may take once its dictionaries are decoded: quicker told than what it takes."""
    if pa.types.is_struct(column.type):
        return sum(_most_bytes(inner) for inner in column.flatten())
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    return len(column) * int(pc.max(pc.binary_length(column.dictionary)).as_py() or 0)


def decoded_bytes(column: pa.ChunkedArray | pa.Array) -> int:
    """Return the memory a column takes once its dictionaries are decoded."""
    if isinstance(column, pa.ChunkedArray):
        return sum(decoded_bytes(chunk) for chunk in column.chunks)
    if pa.types.is_struct(column.type):
        return sum(decoded_bytes(inner) for inner in column.flatten())
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary).cast(pa.int64())
    return int(pc.sum(lengths.take(column.indices)).as_py() or 0)
