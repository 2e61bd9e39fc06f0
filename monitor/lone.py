"""Categories that stand in one part of the reference alone: what the reference shows of those that it does not hold.

Where categories are many, some of every new day's were never seen before. Among its own rows the reference holds every
category, so that by itself it would promise a stream without unseen ones. Each of its rows is therefore looked up as
if its own part of the reference, a thirty-second, were not there (Good 1953, Biometrika 40:237, of singletons).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.bins import CategoryBins
from monitor.kinds import without_nan
from monitor.profile import Binning, texts

_PARTS = 32
_FREQUENT_ROWS = 20
"""A category of so many rows has a cell of its own: from there on the engine, too, watches it by itself."""
LEAST_ROWS = 9
"""With fewer lone rows a column stays as it is: the engine's margin for an empty bin covers them."""


def coded(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.intp]]:
    """Return the distinct categories of rows, and the place of each row's among them; beyond the last: missing."""
    found = without_nan(column.combine_chunks()).dictionary_encode()
    distinct = texts(found.dictionary)
    codes = pc.fill_null(found.indices, len(distinct)).to_numpy(zero_copy_only=False).astype(np.intp)
    return distinct, codes


def lone_rows(codes: NDArray[np.intp], levels: int) -> NDArray[np.bool_]:
    """Say of each row of a reference, in order of time, whether its category stands in its own part alone, (n,).

    Parameters
    ----------
    codes: the place of each row's category among so many; beyond the last: missing, which is never alone.

    >>> lone_rows(np.array([0, 0, 1, 2]), 2).tolist()
    [False, False, True, False]
    """
    part = np.arange(len(codes)) * _PARTS // max(len(codes), 1)
    pairs = np.unique(codes * _PARTS + part)
    spread = np.bincount(pairs // _PARTS, minlength=levels + 1)
    spread[levels] = _PARTS
    lone: NDArray[np.bool_] = spread[codes] == 1
    return lone


def hold_out(table: pa.Table, binning: Binning) -> tuple[pa.Table, Binning]:
    """Return a reference's rows as its profile counts them, and the bins that hold for them and for the stream.

    In a column with many lone rows each of them has a category that no bins know; and the categories of few rows, of
    which no count is what it would be without its own rows, have one cell together.
    """
    columns = list(binning.columns)
    for place, watched in enumerate(columns):
        key = watched.column.key
        if not isinstance(watched.bins, CategoryBins) or pa.types.is_boolean(table.schema.field(key).type):
            continue
        distinct, codes = coded(table.column(key))
        lone = lone_rows(codes, len(distinct))
        if lone.sum() < LEAST_ROWS:
            continue
        number = dict(zip(distinct, np.bincount(codes, minlength=len(distinct)).tolist(), strict=False))
        kept = tuple(level for level in watched.bins.levels if number[level] >= _FREQUENT_ROWS)
        columns[place] = replace(watched, bins=CategoryBins(kept, frozenset(distinct) - frozenset(kept)))
        table = table.set_column(table.column_names.index(key), key, _replaced(table.column(key), pa.array(lone)))
    return table, Binning(tuple(columns))


def _replaced(column: pa.ChunkedArray, lone: pa.Array) -> pa.ChunkedArray:
    array = column.combine_chunks()
    if pa.types.is_floating(array.type):
        unseen = pa.scalar(float(np.ceil(pc.max(without_nan(array)).as_py()) + 0.5), array.type)
    else:
        unseen = pa.scalar("\0" * (1 + (pc.max(pc.utf8_length(array)).as_py() or 0)), array.type)
    return pa.chunked_array([pc.if_else(lone, unseen, array)])
