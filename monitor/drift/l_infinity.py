"""L-infinity: the largest change of any category's share.

d = max |p - q| over the frozen bins, missing values as a bin of their own; in [0, 1]. It says at a glance what changed
and by how many points, and does not see a change that is spread over many categories.

Rule: distance, no p-value, no direction. Source: Deza, Deza (2009), Encyclopedia of Distances, 14.

>>> import numpy as np
>>> a = Histogram(np.array([50, 30, 20]), np.array(0))
>>> b = Histogram(np.array([50, 45, 5]), np.array(0))
>>> round(float(distance(a, b)), 4)
0.15
"""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import CATEGORIES, Method, shares


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return the distance of the reference and each histogram of the stack."""
    largest: Floats = np.abs(shares(current.with_missing()) - shares(reference.with_missing())).max(axis=-1)
    return largest


METHOD = Method("l_infinity", CATEGORIES, "bins", 5, 2, 0.3989, distance)
