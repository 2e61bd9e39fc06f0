"""How well the reference knows its own shares: a calibration is itself an estimate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.performance.pairs import Floats

_BINS, _BINS_OF_A_CLASS = 20, 5


class Knowledge(Protocol):
    """What is not known of probabilities."""

    def variance(self, scores: Floats, slope: Floats) -> float:
        """Return what that makes of a metric that grows by ``slope`` with each row's outcome, (n,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """Bins of the score, and how uncertain the reference leaves the mean outcome in each.

    Attributes
    ----------
    edges: between bins, rising, (b - 1,).
    variances: of each bin's mean outcome (whether a target is positive, or a loss), (b,).
    """

    edges: Floats = field(repr=False)
    variances: Floats = field(repr=False)

    def variance(self, scores: Floats, slope: Floats) -> float:
        """Return what this uncertainty makes of a metric that grows by ``slope`` with each row's outcome, (n,).

        The mean of a bin is wrong for all of its rows alike, so that it does not average out over a window.
        """
        moved = np.bincount(np.searchsorted(self.edges, scores, side="right"), slope, len(self.variances))
        return float(np.sum(moved**2 * self.variances))


def fit_taught(scores: Floats, variances: Floats) -> Taught:
    """Return the uncertainty that a reference leaves: bins have about equal counts of rows.

    Parameters
    ----------
    scores: (n,), without NaN; ``variances``: of each row's outcome about what is foretold, (n,).
    """
    order = np.sort(scores)
    edges = np.unique(order[np.arange(1, _BINS) * len(order) // _BINS])
    edges = edges[edges > order[0]]
    place = np.searchsorted(edges, scores, side="right")
    rows = np.bincount(place, minlength=len(edges) + 1)
    spread = np.bincount(place, variances, len(edges) + 1)
    return Taught(edges, spread / rows**2)


@dataclass(frozen=True, slots=True, eq=False)
class TaughtClasses:
    """The same for k classes: bins by the class with the highest score, and by that score.

    Attributes
    ----------
    edges: of the highest score within each class, (k, b - 1), infinite where there are fewer bins.
    shares: of the classes in each bin, (k * b, k); ``rows``: of the reference in each, (k * b,).
    """

    edges: Floats = field(repr=False)
    shares: Floats = field(repr=False)
    rows: Floats = field(repr=False)

    def variance(self, scores: Floats, slopes: Floats) -> float:
        """Return what the uncertainty makes of a metric that grows by ``slopes``, (n, k), as for two classes.

        A bin's shares are those of drawn rows of the reference; a bin that had none counts as one row.
        """
        place = _bins(self.edges, scores)
        moved = np.stack([np.bincount(place, slope, len(self.rows)) for slope in slopes.T], axis=1)
        spread = np.sum(self.shares * moved**2, axis=1) - np.sum(self.shares * moved, axis=1) ** 2
        return float(np.sum(np.maximum(spread, 0.0) / np.maximum(self.rows, 1.0)))


def fit_taught_classes(scores: Floats, probabilities: Floats) -> TaughtClasses:
    """Return the uncertainty that a reference leaves, (n, k) both without NaN."""
    classes = scores.shape[1]
    best, top = scores.argmax(axis=1), scores.max(axis=1)
    edges = np.full((classes, _BINS_OF_A_CLASS - 1), np.inf)
    for place in range(classes):
        order = np.sort(top[best == place])
        if len(order):
            edges[place] = order[np.arange(1, _BINS_OF_A_CLASS) * len(order) // _BINS_OF_A_CLASS]
    cells = _bins(edges, scores)
    size = classes * _BINS_OF_A_CLASS
    rows = np.bincount(cells, minlength=size).astype(np.float64)
    sums = np.stack([np.bincount(cells, p, size) for p in probabilities.T], axis=1)
    shares = np.where(rows[:, np.newaxis] > 0, sums / np.maximum(rows, 1.0)[:, np.newaxis], 1 / classes)
    return TaughtClasses(edges, shares, rows)


def _bins(edges: Floats, scores: Floats) -> NDArray[np.intp]:
    best = scores.argmax(axis=1)
    within = np.sum(scores.max(axis=1)[:, np.newaxis] >= edges[best], axis=1)
    return np.asarray(best * (edges.shape[1] + 1) + within, np.intp)
