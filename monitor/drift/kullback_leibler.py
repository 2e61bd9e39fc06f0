"""Kullback-Leibler divergence of the window from the reference, in nats.

KL = sum q ln(q / p) over the frozen bins, p the reference's shares and q the window's, missing values as a bin of their
own. An empty bin counts as 0.5 rows on its side, so that KL stays finite and does not depend on a constant chosen by
taste. It is not symmetric: what is new in the window counts more than what is gone.

Rule: distance >= 0, no p-value, no direction. Source: Kullback, Leibler (1951), Annals of Mathematical
Statistics 22:79.

>>> import numpy as np
>>> a = Histogram(np.array([50, 50]), np.array(0))
>>> b = Histogram(np.array([60, 40]), np.array(0))
>>> round(float(distance(a, b)), 4)
0.0201
"""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import CATEGORIES, NUMBERS, Method, filled_shares


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return KL of the reference and each histogram of the stack; bins empty on both sides do not enter."""
    p, q, used = filled_shares(reference, current)
    divergence: Floats = (q * np.log(np.where(used, q, 1.0) / np.where(used, p, 1.0))).sum(axis=-1)
    return np.maximum(divergence, 0.0)


METHOD = Method("kullback_leibler", NUMBERS | CATEGORIES, "bins", 5, 1, 0.7071, distance)
