"""Total variation: the share of rows that would have to change for one side to look like the other.

d = sum |p - q| / 2 over the frozen bins, missing values as a bin of their own; in [0, 1].

Rule: distance, no p-value, no direction. Source: Gibbs, Su (2002), International Statistical Review 70:419.

>>> import numpy as np
>>> a = Histogram(np.array([50, 50]), np.array(0))
>>> b = Histogram(np.array([60, 40]), np.array(0))
>>> round(float(distance(a, b)), 4)
0.1
"""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import CATEGORIES, NUMBERS, Method, shares


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return the distance of the reference and each histogram of the stack."""
    half: Floats = np.abs(shares(current.with_missing()) - shares(reference.with_missing())).sum(axis=-1) / 2
    return half


METHOD = Method("total_variation", NUMBERS | CATEGORIES, "bins", 5, 2, 0.3989, distance)
