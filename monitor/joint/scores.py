"""Normal scores: what a value says by its rank in the reference alone, in whole quanta.

A numeric value scores by the middle of its cell's ranks, a category by how its level goes with the column that it
goes with most. Scores have mean 0 and variance 1 over the reference, and a missing value scores 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
    """A column that takes part: its bins, and the score of each cell in quanta, float64 (cells,), whole numbers."""

    key: str
    name: str
    bins: Bins = field(repr=False)
    table: Floats = field(repr=False)

    def scores(self, rows: pa.Table) -> tuple[Floats, Bools]:
        """Return the score of each row in quanta, and which rows have a value; shape (n,) both."""
        cells, known = cells_of(rows[self.key].combine_chunks(), self.bins)
        return np.where(known, self.table[cells], 0.0), known


def score_matrix(scorers: Sequence[Scorer], rows: pa.Table) -> tuple[Floats, Bools]:
    """Return the scores in quanta and which are known, both of shape (n, d)."""
    scores = np.empty((len(scorers), rows.num_rows))
    known = np.empty((len(scorers), rows.num_rows), np.bool_)
    for place, scorer in enumerate(scorers):
        scores[place], known[place] = scorer.scores(rows)
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


def level_table(cells: NDArray[np.intp], size: int, others: Floats) -> Floats | None:
    """Return the score of each level of a category: the mean, over its rows, of the column that it tells most of.

    Which one that is, the correlation ratio eta tells (Fisher 1925). Means of k levels fit the n rows that they are
    learnt from better than others, by about k / (2 n eta) of correlation. So that this stays well under the engine's
    margin, about 4 / sqrt(n), a category takes part only if k - 1 <= eta sqrt(n). Levels without a row score 0.

    Parameters
    ----------
    cells: of rows with a value, shape (n,).
    others: scores of other columns, shape (n, m).

    Returns
    -------
    float64 (size,), whole quanta; ``None`` where the column takes no part.
    """
    if not len(cells) or not others.shape[1]:
        return None
    rows = np.bincount(cells, minlength=size)
    centred = others - others.mean(axis=0)
    sums = np.stack([np.bincount(cells, weights=one, minlength=size) for one in centred.T])
    told = (sums**2 / np.maximum(rows, 1)).sum(axis=1) / np.maximum((centred**2).sum(axis=0), _LEAST_SPREAD)
    best = int(np.argmax(np.round(told, 6)))
    if np.count_nonzero(rows) - 1 > np.sqrt(told[best] * len(cells)):
        return None
    return _quantised(sums[best] / (rows + _SHRINK_ROWS), rows)


def _quantised(table: Floats, counts: Integers) -> Floats | None:
    weight = counts / max(int(counts.sum()), 1)
    centred = table - (weight * table).sum()
    spread = float(np.sqrt((weight * centred**2).sum()))
    if spread < _LEAST_SPREAD:
        return None
    quantised: Floats = np.rint(np.clip(centred / spread, -_FARTHEST, _FARTHEST) * QUANTA)
    return quantised
