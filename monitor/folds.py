"""The coarse bins of a column: its cells added up, for the decision engine and what else reads few of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.bins import Bins, NumericBins
from monitor.profile import Integers

_BIN_POINTS = np.unique(np.concatenate(([0.005, 0.01, 0.02, 0.98, 0.99, 0.995], np.round(np.arange(1, 40) / 40, 3))))
"""Where the coarser bins of a numeric column are cut: every 2.5 %, finer in the tails."""


def fold_of(bins: Bins | None, counts: Integers) -> NDArray[np.intp] | None:
    """Return the coarse bin of each cell: a numeric column's are cut near fixed quantiles of the reference."""
    if bins is None:
        return None
    return numeric_fold(counts) if isinstance(bins, NumericBins) else np.arange(bins.size)


def numeric_fold(counts: Integers) -> NDArray[np.intp]:
    """Return the coarse bin of each cell, of cells in ascending order of value."""
    reached = np.cumsum(counts) / max(int(counts.sum()), 1)
    marks = np.searchsorted(_BIN_POINTS, np.concatenate(([0.0], reached[:-1])) + 1e-12, side="right")
    outside = np.array([np.argmax(counts > 0), len(counts) - 1 - np.argmax(counts[::-1] > 0)])
    edge = np.zeros(len(counts), np.intp)
    edge[: outside[0]], edge[outside[1] + 1 :] = -1, 1
    fold: NDArray[np.intp] = np.unique(marks + edge * (len(_BIN_POINTS) + 1), return_inverse=True)[1].astype(np.intp)
    return fold


def fold_counts(cells: Integers, fold: NDArray[np.intp] | None) -> Integers:
    """Add up cells (..., C) into coarse bins (..., bins); no bins where a column has no cells."""
    if fold is None:
        return np.zeros((*cells.shape[:-1], 0), np.int64)
    starts = np.flatnonzero(np.concatenate(([True], fold[1:] != fold[:-1])))
    folded: Integers = np.add.reduceat(cells, starts, axis=-1)
    return folded
