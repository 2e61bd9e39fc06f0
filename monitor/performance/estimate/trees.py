"""Boosted trees on coded features, fitted and read by sums and comparisons alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.performance.estimate.codes import SIZE, Codes
from monitor.performance.pairs import Floats

ROUNDS, DEPTH, RATE = 100, 5, 0.1
LEAST_LEAF_ROWS = 20
_SHRINK_ROWS = 1.0
"""So many rows of no residual are added to each leaf."""
_LEAST_GAIN = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Sums of trees, one sum a target; the trees of all targets have the same splits.

    Attributes
    ----------
    bases: the values of no tree, (m,).
    columns, cuts: of each tree's nodes, level by level, (t, 2 ** DEPTH - 1): a row goes right where its code is over
        the cut; nobody goes right of :data:`SIZE`.
    leaves: (t, 2 ** DEPTH, m).
    """

    bases: Floats = field(repr=False)
    columns: NDArray[np.intp] = field(repr=False)
    cuts: NDArray[np.intp] = field(repr=False)
    leaves: Floats = field(repr=False)

    def __call__(self, codes: Codes) -> Floats:
        """Return the values of each row of codes (n, d), (n, m): trees add up one by one, whatever the batch."""
        codes = np.asfortranarray(codes)
        values = np.tile(self.bases, (len(codes), 1))
        for columns, cuts, leaves in zip(self.columns, self.cuts, self.leaves, strict=True):
            node = np.zeros(len(codes), np.intp)
            for level in range(DEPTH):
                node = _below(codes, node, columns[_of_level(level)], cuts[_of_level(level)])
            values += leaves[node]
        return values


def fit_trees(codes: Codes, targets: Floats, rounds: int = ROUNDS) -> Trees:
    """Return trees fitted to targets by gradient boosting of the squared error (Friedman 2001).

    Splits are sought level by level among the codes (Chen and Guestrin 2016, the histogram method) for the first
    target; the leaves of the others are fitted to the same splits.

    Parameters
    ----------
    codes: (n, d), below :data:`SIZE`; ``targets``: (n, m), n >= 1.
    """
    codes = np.asfortranarray(codes)
    bases = targets.mean(axis=0)
    left = (targets - bases).T.copy()
    columns, cuts = np.zeros((2, rounds, 2**DEPTH - 1), np.intp)
    leaves = np.zeros((rounds, 2**DEPTH, len(left)))
    for tree in range(rounds):
        node = np.zeros(len(codes), np.intp)
        for level in range(DEPTH):
            here = _of_level(level)
            columns[tree, here], cuts[tree, here] = _splits(codes, left[0], node, 2**level)
            node = _below(codes, node, columns[tree, here], cuts[tree, here])
        rows = np.bincount(node, minlength=2**DEPTH) + _SHRINK_ROWS
        for place, each in enumerate(left):
            leaves[tree, :, place] = RATE * np.bincount(node, each, 2**DEPTH) / rows
            left[place] -= leaves[tree, :, place][node]
    return Trees(bases, columns, cuts, leaves)


def _of_level(level: int) -> slice:
    return slice(2**level - 1, 2 ** (level + 1) - 1)


def _below(codes: Codes, node: NDArray[np.intp], columns: NDArray[np.intp], cuts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the place of each row one level further down."""
    return 2 * node + (codes[np.arange(len(codes)), columns[node]] > cuts[node])


def _splits(
    codes: Codes, left: Floats, node: NDArray[np.intp], nodes: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return each node's column and cut that take away most of the squared residuals, the first of equals."""
    best, columns, cuts = np.full(nodes, _LEAST_GAIN), np.zeros(nodes, np.intp), np.full(nodes, SIZE, np.intp)
    start = node * SIZE
    for column in range(codes.shape[1]):
        cell = start + codes[:, column]
        sums = np.cumsum(np.bincount(cell, left, nodes * SIZE).reshape(nodes, SIZE), axis=1)
        rows = np.cumsum(np.bincount(cell, minlength=nodes * SIZE).reshape(nodes, SIZE), axis=1)
        sums_over, rows_over = sums[:, -1:] - sums, rows[:, -1:] - rows
        gains = sums**2 / (rows + _SHRINK_ROWS) + sums_over**2 / (rows_over + _SHRINK_ROWS)
        gains -= sums[:, -1:] ** 2 / (rows[:, -1:] + _SHRINK_ROWS)
        gains[(rows < LEAST_LEAF_ROWS) | (rows_over < LEAST_LEAF_ROWS)] = 0.0
        cut = gains.argmax(axis=1)
        gain = gains[np.arange(nodes), cut]
        better = gain > best
        best[better], columns[better], cuts[better] = gain[better], column, cut[better]
    return columns, cuts
