"""How well the reference knows its own shares: a calibration is itself an estimate."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from monitor.performance.pairs import Floats

_BINS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """Bins of the score, and how uncertain the reference leaves the share of positives in each.

    Attributes
    ----------
    edges: between bins, rising, (b - 1,).
    variances: of each bin's share of positives, (b,).
    """

    edges: Floats = field(repr=False)
    variances: Floats = field(repr=False)

    def variance(self, scores: Floats, slope: Floats) -> float:
        """Return what this uncertainty makes of a metric that grows by ``slope`` with each row's probability, (n,).

        The share of a bin is wrong for all of its rows alike, so that it does not average out over a window.
        """
        moved = np.bincount(np.searchsorted(self.edges, scores, side="right"), slope, len(self.variances))
        return float(np.sum(moved**2 * self.variances))


def fit_taught(scores: Floats, probabilities: Floats) -> Taught:
    """Return the uncertainty that a reference leaves, (n,) both without NaN: bins have about equal counts of rows."""
    order = np.sort(scores)
    edges = np.unique(order[np.arange(1, _BINS) * len(order) // _BINS])
    edges = edges[edges > order[0]]
    place = np.searchsorted(edges, scores, side="right")
    rows = np.bincount(place, minlength=len(edges) + 1)
    spread = np.bincount(place, probabilities * (1 - probabilities), len(edges) + 1)
    return Taught(edges, spread / rows**2)
