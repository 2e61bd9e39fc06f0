"""Reliability: what was promised in each bin of probabilities, and what came true.

Of several classes the probability is that of the likeliest one, and what may come true is that it is the target
(Guo, Pleiss, Sun and Weinberger 2017, ICML).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.performance.answers import Scored
from monitor.performance.interval import Bounds, Floats, wilson

BINS = 10
"""Of equal width in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows whose probability lies in one bin: ``promised`` is its mean, ``share`` of them came true, with bounds."""

    start: float
    end: float
    rows: int
    promised: float
    share: float
    bounds: Bounds


def promises(rows: Scored) -> tuple[Floats, Floats]:
    """Return the probability of each row, and 1 where it came true, else 0: both (n,)."""
    if rows.scores.ndim == 1:
        return rows.scores, (rows.targets == 1).astype(np.float64)
    return rows.scores.max(axis=1), (rows.scores.argmax(axis=1) == rows.targets).astype(np.float64)


def bins_of(probabilities: Floats) -> Floats:
    """Return the place of each probability's bin, (n,)."""
    return np.minimum((probabilities * BINS).astype(np.intp), BINS - 1)


def reliability(rows: Scored) -> tuple[Bin, ...]:
    """Return the bins that have rows, lowest first."""
    promised, came = promises(rows)
    place = bins_of(promised)
    counts, sums, hits = (np.bincount(place, weights, BINS) for weights in (None, promised, came))
    return tuple(
        Bin(
            at / BINS,
            (at + 1) / BINS,
            int(counts[at]),
            float(sums[at] / counts[at]),
            float(hits[at] / counts[at]),
            wilson(float(hits[at]), float(counts[at])),
        )
        for at in np.flatnonzero(counts)
    )
