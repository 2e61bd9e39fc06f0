"""How many records have an id that another has, told from a sample of ids that adds up.

Of all ids those with the smallest hashes are kept, each with the number of its records: of few ids that is all, of
many a fair sample whose records are all counted. Of two samples the smallest hashes of both are the sample of both, so
that order and cuts change nothing (bottom-k sampling; Cohen and Kaplan 2007, PODC, 225).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.sampling import Hashes, mixed

IDS = "\x1fid"
"""The column of hashes of ids among rows that are profiled; null where a record has none."""
MOST = 512
"""Ids that are kept: of these a share of 2 % repeated is told from none."""

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Repeats:
    """A sample of ids.

    Attributes
    ----------
    hashes: of ids, rising, uint64 (k,) with k <= :data:`MOST`.
    rows: records of each, int64 (k,).
    """

    hashes: Hashes = field(repr=False, default_factory=lambda: np.empty(0, np.uint64))
    rows: Integers = field(repr=False, default_factory=lambda: np.empty(0, np.int64))

    def __add__(self, other: Repeats) -> Repeats:
        hashes, place = np.unique(np.concatenate((self.hashes, other.hashes)), return_inverse=True)
        rows = np.zeros(len(hashes), np.int64)
        np.add.at(rows, place, np.concatenate((self.rows, other.rows)))
        return Repeats(hashes[:MOST], rows[:MOST])

    @property
    def seen(self) -> tuple[int, int]:
        """Return how many records of the sample are not the first of their id, and how many there are."""
        total = int(self.rows.sum())
        return total - len(self.rows), total


def repeats_of(hashes: Hashes) -> Repeats:
    """Return the sample of records with ids of these hashes.

    >>> repeats_of(np.array([7, 7, 9], np.uint64)).seen
    (1, 3)
    """
    found, rows = np.unique(hashes, return_counts=True)
    return Repeats(found[:MOST], rows[:MOST].astype(np.int64))


def repeats_by_pane(table: pa.Table, panes: NDArray[np.intp], number: int) -> list[Repeats]:
    """Return the sample of each pane; of rows without ids nothing."""
    if IDS not in table.column_names:
        return [Repeats()] * number
    column = table[IDS]
    known = np.asarray(pc.is_valid(column).to_numpy(), np.bool_)
    hashes = np.asarray(pc.fill_null(column, pa.scalar(0, pa.uint64())).to_numpy(), np.uint64)
    if number == 1:
        return [repeats_of(hashes[known])]
    return [repeats_of(hashes[known & (panes == pane)]) for pane in range(number)]


def with_hashes(table: pa.Table, ids: pa.ChunkedArray, hashes: Hashes) -> pa.Table:
    """Return rows with a column of hashes, null where there is no id."""
    return table.append_column(IDS, pa.array(hashes, mask=np.asarray(pc.is_null(ids).to_numpy(), np.bool_)))


def with_ids(table: pa.Table, ids: pa.ChunkedArray | None) -> pa.Table:
    """Return the rows of a reference with hashes of their ids; unlike those of records, they hold within it alone."""
    if ids is None:
        return table
    coded = ids.combine_chunks().dictionary_encode()
    codes = pc.fill_null(coded.indices, 0).to_numpy(zero_copy_only=False).astype(np.uint64)
    return with_hashes(table, ids, mixed(codes))
