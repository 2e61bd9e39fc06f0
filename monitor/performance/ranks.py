"""What metrics of scores read of each row's rank: how many rows, and how many positive ones, lie below and above it.

Rows with one score have one rank, so that the order of the rows changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.performance.answers import Scored
from monitor.performance.interval import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Rows grouped by score, highest first: m groups of n rows.

    Attributes
    ----------
    rows, positives: how many are in each group, (m,).
    group: the place of each row's group, (n,).
    """

    rows: Floats
    positives: Floats
    group: NDArray[np.intp]


def ranked(scores: Floats, positive: NDArray[np.bool_]) -> Ranked:
    """Group rows by score; both are (n,), and there is at least one row."""
    order = np.argsort(-scores, kind="stable")
    high = scores[order]
    place = np.concatenate(([0], np.cumsum(high[1:] != high[:-1])))
    group = np.empty(len(scores), dtype=np.intp)
    group[order] = place
    rows = np.bincount(place).astype(np.float64)
    positives: Floats = np.bincount(place, weights=positive[order]).astype(np.float64)
    return Ranked(rows, positives, group)


def sides(rows: Scored) -> tuple[Floats, NDArray[np.bool_]]:
    """Return scores, and whether a row is positive, of each class against the rest: (n, k), or (n, 1)."""
    if rows.scores.ndim == 1:
        return rows.scores[:, np.newaxis], (rows.targets == 1)[:, np.newaxis]
    return rows.scores, rows.targets[:, np.newaxis] == np.arange(rows.scores.shape[1])


def per_class(positives: NDArray[np.bool_]) -> list[int]:
    """Return the places of the classes that have rows and are not all rows; positives are (n, k)."""
    share = positives.mean(axis=0)
    return [int(place) for place in np.flatnonzero((share > 0) & (share < 1))]


def given(rows: Scored) -> Floats:
    """Return the probability that was given to each row's target, (n,)."""
    if rows.scores.ndim == 1:
        return np.where(rows.targets == 1, rows.scores, 1 - rows.scores)
    taken: Floats = np.take_along_axis(rows.scores, rows.targets[:, np.newaxis], axis=1)[:, 0]
    return taken
