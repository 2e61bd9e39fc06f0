"""Kolmogorov-Smirnov: the largest gap between two distribution functions.

D = max |F(x) - G(x)|, taken at the edges of the frozen cells. Where each value has its own cell it is exact;
else it is at most the heaviest cell's share too small (about 0.001 for a continuous column). Missing values
do not enter. The p-value is Kolmogorov's limit with Stephens's correction: it holds for independent rows.

Rule: two-sample; distance in [0, 1], no direction. Source: Smirnov (1948), Annals of Mathematical Statistics
19:279; Stephens (1970), JRSS B 32:115.

>>> import numpy as np
>>> a = Histogram(np.array([5, 5]), np.array(0))
>>> b = Histogram(np.array([2, 8]), np.array(0))
>>> round(float(distance(a, b)), 3)
0.3
"""

from __future__ import annotations

import numpy as np
from scipy.special import kolmogorov

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import NUMBERS, Chance, Method, harmonic_rows, shares


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return D of the reference and each histogram of the stack."""
    gaps = np.cumsum(shares(current.counts), axis=-1) - np.cumsum(shares(reference.counts), axis=-1)
    largest: Floats = np.abs(gaps).max(axis=-1)
    return largest


def tail(reference: Histogram, current: Histogram) -> Chance:
    """Return the chance of a D, were both samples independent rows of one distribution."""
    root = np.sqrt(harmonic_rows(reference, current))
    with np.errstate(divide="ignore"):
        effective = np.where(root > 0, root + 0.12 + 0.11 / root, 0.0)

    def chance(d: Floats) -> Floats:
        found: Floats = np.where(root > 0, kolmogorov(effective * d), 1.0)
        return found

    return chance


METHOD = Method("kolmogorov_smirnov", NUMBERS, "cells", 5, 2, 0.3989, distance, tail, missing=False)
