"""Energy distance, normed: the square of the gap between two distribution functions, over all values.

d = sqrt(2 ∫ (F - G)² dx / sd of the reference), with every row standing on the mean reference value of its cell: where
each value has its own cell it is exact. Beyond the reference's reach only rows that the window has more of count
(:mod:`monitor.drift.ground`), as for ``wasserstein``. A large gap counts more than by Wasserstein's measure, a gap far
out less. Missing values do not enter.

Rule: distance >= 0, no p-value, no direction. Source: Székely, Rizzo (2013), J. Statistical Planning and Inference
143:1249.

>>> import numpy as np
>>> a = Histogram(np.array([1, 1, 0]), np.array(0), np.array([0.0, 1.0, 2.0]))
>>> b = Histogram(np.array([0, 1, 1]), np.array(0), np.array([0.0, 1.0, 2.0]))
>>> round(float(distance(a, b)), 4)
1.4142
"""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.ground import gap_over_values, ground_of
from monitor.drift.method import NUMBERS, FromReference, Method


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return d of the reference and each histogram of the stack; 0 where the reference has no spread."""
    return prepared(reference)(current)


def prepared(reference: Histogram) -> FromReference:
    """Return d of this reference."""
    ground = ground_of(reference)
    gap = gap_over_values(ground, 2)

    def apart(current: Histogram) -> Floats:
        root: Floats = np.sqrt(2 * ground.over_spread(gap(current)))
        return root

    return apart


METHOD = Method("energy", NUMBERS, "cells", 5, 2, 0.7511, distance, missing=False, prepared=prepared)
