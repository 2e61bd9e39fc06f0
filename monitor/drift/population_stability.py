"""Population stability index: the symmetric Kullback-Leibler divergence of binned shares.

PSI = sum (q - p) ln(q / p) over quantile bins frozen on the reference, missing values as a bin of their own. An
empty bin counts as 0.5 rows on its side, so that PSI stays finite and does not depend on a constant chosen by
taste. Values of 0.1 and 0.2 are often called slight and strong, whatever the rows: here the threshold follows
the window's size.

Rule: distance >= 0, no p-value, no direction. Source: Yurdakul, Naranjo (2020), J. Risk Model Validation 14:89.

>>> import numpy as np
>>> a = Histogram(np.array([50, 50]), np.array(0))
>>> b = Histogram(np.array([60, 40]), np.array(0))
>>> round(float(distance(a, b)), 4)
0.0405
"""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import CATEGORIES, NUMBERS, Method, filled_shares


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return PSI of the reference and each histogram of the stack; bins empty on both sides do not enter."""
    p, q, used = filled_shares(reference, current)
    ratio = np.where(used, q, 1.0) / np.where(used, p, 1.0)
    index: Floats = ((q - p) * np.log(ratio)).sum(axis=-1)
    return index


METHOD = Method("population_stability", NUMBERS | CATEGORIES, "bins", 5, 1, 1.0, distance)
