"""Normal scores: what a value says by its rank in the reference alone, in whole quanta.

A numeric value scores by the middle of its cell's ranks, a category by how its level goes with the column that it
goes with most. Scores have mean 0 and variance 1 over the reference, and a missing value scores 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtri

from monitor.bins import Bins, CategoryBins, Floats
from monitor.kinds import without_nan
from monitor.profile import Integers, category_cells, nulls, numbers

QUANTA = 1024
"""A score is a whole number of 1/1024: products and sums over 1,000 columns are then exact, in any order."""
_FARTHEST = 4.0
"""Scores end here: 99.994 % of normal ones are nearer, and one value alone decides no product."""
_SHRINK_ROWS = 10.0
"""A level of so few rows goes half by its own mean, half by that of all."""
_LEAST_SPREAD = 1e-6

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Scorer:
    """A column that takes part: its bins, and the score of each cell in quanta, float64 (cells,), whole numbers.

    ``halves`` are tables learnt from one half of the reference's rows each, where a table learns from rows.
    """

    key: str
    name: str
    bins: Bins = field(repr=False)
    table: Floats = field(repr=False)
    halves: tuple[Floats, Floats] | None = field(repr=False, default=None)

    def scores(self, rows: pa.Table) -> tuple[Floats, Bools]:
        """Return the score of each row in quanta, and which rows have a value; shape (n,) both."""
        cells, known = cells_of(rows[self.key].combine_chunks(), self.bins)
        return np.where(known, self.table[cells], 0.0), known

    def crossed(self, half: int) -> Scorer:
        """Return the scorer of the reference's own rows of a half, 0 or 1: what it knows it learnt from the other.

        A row scores by what others told of its level: else the reference would look more dependent than any stream.
        """
        return self if self.halves is None else replace(self, table=self.halves[1 - half])


def halves_of(places: NDArray[np.intp]) -> Bools:
    """Return the half of each row of the reference by its place in it, shape (n,): scattered, and always the same."""
    scattered: Bools = (places.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(63)).astype(np.bool_)
    return scattered


def score_matrix(scorers: Sequence[Scorer], rows: pa.Table, half: Bools | None = None) -> tuple[Floats, Bools]:
    """Return the scores in quanta and which are known, both of shape (n, d).

    Parameters
    ----------
    half: of each row, where they are the reference's own.
    """
    scores = np.empty((len(scorers), rows.num_rows))
    known = np.empty((len(scorers), rows.num_rows), np.bool_)
    for place, scorer in enumerate(scorers):
        scores[place], known[place] = scorer.scores(rows)
        if half is not None and scorer.halves is not None:
            first, second = (scorer.crossed(side).scores(rows)[0] for side in (0, 1))
            scores[place] = np.where(half, second, first)
    return scores.T, known.T


def cells_of(array: pa.Array, bins: Bins) -> tuple[NDArray[np.intp], Bools]:
    """Return the cell of each value and which rows have one; cell 0 where there is none."""
    if isinstance(bins, CategoryBins):
        array = without_nan(array)
        return category_cells(bins, array), ~nulls(array)
    values = numbers(array)
    known = np.isfinite(values)
    return bins.cells(np.where(known, values, bins.origin)), known


def rank_table(counts: Integers) -> Floats | None:
    """Return the score of each cell of a numeric column; ``None`` where the reference has but one value.

    The normal quantile of the middle of a cell's ranks (van der Waerden 1952), which no outlier moves; of a cell
    beyond the reference that of half a row.

    Parameters
    ----------
    counts: of the reference by cell, shape (cells,).
    """
    rows = int(counts.sum())
    if not rows:
        return None
    middle = (np.cumsum(counts) - counts / 2) / rows
    return _quantised(ndtri(np.clip(middle, 0.5 / (rows + 1), 1 - 0.5 / (rows + 1))), counts)


def level_tables(cells: NDArray[np.intp], size: int, others: Floats, half: Bools) -> list[Floats] | None:
    """Return the scores of each level of a category: the mean, over its rows, of the column that it tells most of.

    Which one that is, the correlation ratio tells (Fisher 1925). Levels without a row score 0.

    Parameters
    ----------
    cells: of rows with a value, shape (n,).
    others: scores of other columns, shape (n, m).
    half: of each row.

    Returns
    -------
    The table of all rows, and those of each half, float64 (size,) each; ``None`` where levels tell nothing apart.
    """
    if not len(cells) or not others.shape[1]:
        return None
    rows = np.bincount(cells, minlength=size)
    centred = others - others.mean(axis=0)
    within = [(np.bincount(cells, weights=one, minlength=size) ** 2 / np.maximum(rows, 1)).sum() for one in centred.T]
    told = np.array(within) / np.maximum((centred**2).sum(axis=0), 1e-12)
    best = centred[:, int(np.argmax(np.round(told, 6)))]
    tables = [_level_means(cells[part], best[part], size) for part in (np.ones(len(half), np.bool_), ~half, half)]
    kept = [table for table in tables if table is not None]
    return kept if len(kept) == len(tables) else None


def _level_means(cells: NDArray[np.intp], values: Floats, size: int) -> Floats | None:
    rows = np.bincount(cells, minlength=size)
    return _quantised(np.bincount(cells, weights=values, minlength=size) / (rows + _SHRINK_ROWS), rows)


def _quantised(table: Floats, counts: Integers) -> Floats | None:
    weight = counts / max(int(counts.sum()), 1)
    centred = table - (weight * table).sum()
    spread = float(np.sqrt((weight * centred**2).sum()))
    if spread < _LEAST_SPREAD:
        return None
    quantised: Floats = np.rint(np.clip(centred / spread, -_FARTHEST, _FARTHEST) * QUANTA)
    return quantised
