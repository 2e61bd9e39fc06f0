"""Anderson-Darling: the gap between two distribution functions, weighed more the further out it is.

a² = mean of (F - G)² / (H (1 - H)) over the rows of both sides together, H being the distribution function of both, at
the edges of the frozen cells but the last. Tails count as much as the middle, where Kolmogorov-Smirnov hardly sees
them. Since it is a mean over all rows, it depends a little on how many each side has. Missing values do not enter. The
p-value is the statistic's limit; it holds for independent rows of a continuous column, and to a few hundredths for
samples of 30.

Rule: two-sample; distance >= 0, no direction. Source: Pettitt (1976), Biometrika 63:161; for the limit Anderson,
Darling (1952), Annals of Mathematical Statistics 23:193.

>>> import numpy as np
>>> a = Histogram(np.array([1, 0, 1, 0]), np.array(0))
>>> b = Histogram(np.array([0, 1, 0, 1]), np.array(0))
>>> round(float(distance(a, b)), 4)
0.6667
"""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import NUMBERS, Chance, Method, harmonic_rows, shares
from monitor.drift.quadratic import numbered, upper_tail


def _determinant(s: Floats) -> Floats:
    found: Floats = np.abs(np.cos(np.pi / 2 * np.sqrt(1 + 4 * s))) / (np.pi * s)
    return found


chance_of = upper_tail(numbered() * (numbered() + 1), _determinant, sure=0.035)  # under it with a chance of 3e-14


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return a² of the reference and each histogram of the stack."""
    gap = np.cumsum(shares(reference.counts), axis=-1) - np.cumsum(shares(current.counts), axis=-1)
    part = shares(reference.counts.astype(np.float64) + current.counts)
    below = np.cumsum(part, axis=-1)
    weight = below * (1 - below)
    inside = (part > 0) & (weight > np.finfo(np.float64).eps)
    square: Floats = np.where(inside, part * gap**2 / np.where(inside, weight, 1.0), 0.0).sum(axis=-1)
    return square


def tail(reference: Histogram, current: Histogram) -> Chance:
    """Return the chance of an a², were both samples independent rows of one distribution."""
    rows = harmonic_rows(reference, current)
    return lambda square: chance_of(rows * square)


METHOD = Method("anderson_darling", NUMBERS, "cells", 5, 1, 0.6932, distance, tail, missing=False)
