"""Mann-Whitney, two-sided: how much more often a row of one side is the larger.

d = |P(X < Y) - P(X > Y)| (Cliff's delta, the rank-biserial correlation) over the frozen cells: where each value has its
own cell it is exact; else rows that share a cell count as equal, which makes it at most the product of both sides'
shares of a cell, summed, too small (about 0.001 for a continuous column). It sees what lies higher, not what grows
wider. Missing values do not enter. The p-value is the normal limit with ties and without a correction for continuity;
it holds for independent rows.

Rule: two-sample; distance in [0, 1], no direction. Source: Mann, Whitney (1947), Annals of Mathematical Statistics
18:50; Cliff (1993), Psychological Bulletin 114:494.

>>> import numpy as np
>>> a = Histogram(np.array([5, 5]), np.array(0))
>>> b = Histogram(np.array([2, 8]), np.array(0))
>>> round(float(distance(a, b)), 3), round(float(tail(a, b)(distance(a, b))), 4)
(0.3, 0.1704)
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import NUMBERS, Chance, Method, shares, value_rows


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return d of the reference and each histogram of the stack."""
    delta: Floats = np.abs(_delta(reference, current))
    return delta


def _delta(reference: Histogram, current: Histogram) -> Floats:
    old, new = shares(reference.counts), shares(current.counts)
    below = np.cumsum(old, axis=-1) - old
    above = old.sum(axis=-1, keepdims=True) - below - old
    delta: Floats = (new * (below - above)).sum(axis=-1)
    return delta


def tail(reference: Histogram, current: Histogram) -> Chance:
    """Return the chance of a d, were neither side the larger; 1 where all rows are equal."""
    n, m = value_rows(reference), value_rows(current)
    rows = np.maximum(n + m, 2)
    ties = (reference.counts.astype(np.float64) + current.counts) ** 3 - (reference.counts + current.counts)
    variance = n * m / 12 * (rows + 1 - ties.sum(axis=-1) / (rows * (rows - 1)))
    known = variance > 0
    scale = np.where(known, n * m / 2 / np.sqrt(np.where(known, variance, 1.0)), 0.0)
    return lambda delta: 2 * ndtr(-scale * delta)


METHOD = Method("mann_whitney", NUMBERS, "cells", 5, 2, 0.5642, distance, tail, missing=False)
