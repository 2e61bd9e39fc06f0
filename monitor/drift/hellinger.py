"""Hellinger distance: the length between the square roots of two sets of shares.

d = sqrt(sum (sqrt p - sqrt q)²) / sqrt 2 over the frozen bins, missing values as a bin of their own; in [0, 1].

Rule: distance, no p-value, no direction. Source: Hellinger (1909), J. reine angew. Math. 136:210.

>>> import numpy as np
>>> a = Histogram(np.array([1, 0]), np.array(0))
>>> b = Histogram(np.array([0, 1]), np.array(0))
>>> float(distance(a, b))
1.0
"""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import CATEGORIES, NUMBERS, Method, shares


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return the distance of the reference and each histogram of the stack."""
    gap = np.sqrt(shares(current.with_missing())) - np.sqrt(shares(reference.with_missing()))
    length: Floats = np.sqrt((gap * gap).sum(axis=-1) / 2)
    return length


METHOD = Method("hellinger", NUMBERS | CATEGORIES, "bins", 5, 2, 0.3536, distance)
