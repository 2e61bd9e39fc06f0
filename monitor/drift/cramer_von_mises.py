"""Cramér-von Mises: the mean square of the gap between two distribution functions.

w² = mean of (F - G)² over the rows of both sides together, at the edges of the frozen cells; where each row has its own
cell, as the textbook has it, else rows that share a cell share its upper edge, which changes a gap by less than the
cell's share (about 0.001 for a continuous column). Since it is a mean over all rows, it depends a little on how many
each side has. Missing values do not enter. The p-value is the statistic's limit, with the mean and the variance of
small samples; it holds for independent rows of a continuous column.

Rule: two-sample; distance in [0, 1/3], no direction. Source: Anderson (1962), Annals of Mathematical Statistics
33:1148; for the limit Csörgő, Faraway (1996), JRSS B 58:221.

>>> import numpy as np
>>> a = Histogram(np.array([1, 0, 1, 0]), np.array(0))
>>> b = Histogram(np.array([0, 1, 0, 1]), np.array(0))
>>> float(distance(a, b))
0.125
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, kv

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import NUMBERS, Method, harmonic_rows, shares, value_rows

_TERMS = 20
"""Of the limit's series: the next one is under 1e-15 wherever the p-value is over 1e-15."""
_LEAST, _MOST = 0.003, 12.0
"""Under it the chance is 1, over it under 1e-26."""


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return w² of the reference and each histogram of the stack."""
    gap = np.cumsum(shares(reference.counts), axis=-1) - np.cumsum(shares(current.counts), axis=-1)
    both = reference.counts.astype(np.float64) + current.counts
    square: Floats = (shares(both) * gap**2).sum(axis=-1)
    return square


def p_value(reference: Histogram, current: Histogram) -> Floats:
    """Return the chance of a w² at least as large, were both samples independent rows of one distribution."""
    n, m = value_rows(reference), value_rows(current)
    total, product = n + m, np.maximum(n * m, 1)
    statistic = harmonic_rows(reference, current) * distance(reference, current)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (1 + 1 / total) / 6
        spread = (total + 1) * (4 * product * total - 3 * (n**2 + m**2) - 2 * product) / (180 * total**2 * product)
        limit = 1 / 6 + (statistic - mean) / np.sqrt(45 * spread)
    known = (n > 0) & (m > 0) & np.isfinite(limit) & (limit > _LEAST)
    chance: Floats = np.where(known, 1 - _below(np.where(known, np.minimum(limit, _MOST), 1.0)), 1.0)
    return np.clip(chance, 0.0, 1.0)


def _below(value: Floats) -> Floats:
    """Return the limit's distribution function (Csörgő and Faraway, equation 1.2)."""
    total = np.zeros_like(value)
    for k in range(_TERMS):
        odd = 4 * k + 1
        at = odd**2 / (16 * value)
        sign = np.exp(gammaln(k + 0.5) - gammaln(k + 1)) / (np.pi**1.5 * np.sqrt(value))
        total = total + sign * np.sqrt(odd) * np.exp(-at) * kv(0.25, at)
    return total


METHOD = Method("cramer_von_mises", NUMBERS, "cells", 5, 1, 0.3031, distance, p_value, missing=False)
