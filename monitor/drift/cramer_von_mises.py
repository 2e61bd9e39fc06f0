"""Cramér-von Mises: the mean square of the gap between two distribution functions.

w² = mean of (F - G)² over the rows of both sides together, at the edges of the frozen cells; where each row has its own
cell, as the textbook has it, else rows that share a cell share its upper edge, which changes a gap by less than the
cell's share (about 0.001 for a continuous column). Since it is a mean over all rows, it depends a little on how many
each side has. Missing values do not enter. The p-value is the statistic's limit, with the mean and the variance of
small samples; it holds for independent rows of a continuous column.

Rule: two-sample; distance in [0, 1/3], no direction. Source: Anderson (1962), Annals of Mathematical Statistics
33:1148; for the limit Smirnov (1937), Matematicheskii Sbornik 2:973.

>>> import numpy as np
>>> a = Histogram(np.array([1, 0, 1, 0]), np.array(0))
>>> b = Histogram(np.array([0, 1, 0, 1]), np.array(0))
>>> float(distance(a, b))
0.125
"""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import NUMBERS, Chance, Method, harmonic_rows, shares, value_rows
from monitor.drift.quadratic import numbered, upper_tail


def _determinant(s: Floats) -> Floats:
    found: Floats = np.abs(np.sin(np.sqrt(s))) / np.sqrt(s)
    return found


_limit = upper_tail((np.pi * numbered()) ** 2, _determinant, sure=0.005)  # under it with a chance of 2e-11


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return w² of the reference and each histogram of the stack."""
    gap = np.cumsum(shares(reference.counts), axis=-1) - np.cumsum(shares(current.counts), axis=-1)
    both = reference.counts.astype(np.float64) + current.counts
    square: Floats = (shares(both) * gap**2).sum(axis=-1)
    return square


def tail(reference: Histogram, current: Histogram) -> Chance:
    """Return the chance of a w², were both samples independent rows of one distribution."""
    n, m, rows = value_rows(reference), value_rows(current), harmonic_rows(reference, current)
    total = np.maximum(n + m, 1)
    mean = (1 + 1 / total) / 6
    ratios = n / np.maximum(m, 1) + m / np.maximum(n, 1)
    variance = (total + 1) / total * (4 - (3 * ratios + 2) / total) / 180
    known = (rows > 0) & (variance > 0)

    def chance(square: Floats) -> Floats:
        at = 1 / 6 + (rows * square - mean) / np.sqrt(45 * np.where(known, variance, 1.0))
        found: Floats = np.where(known, _limit(at), 1.0)
        return found

    return chance


METHOD = Method("cramer_von_mises", NUMBERS, "cells", 5, 1, 0.3031, distance, tail, missing=False)
