"""Jensen-Shannon distance: the square root of the divergence from the mean of both, in base 2.

d² = H((p + q)/2) - (H(p) + H(q))/2 over the frozen bins, missing values as a bin of their own; d is a metric
in [0, 1]: 0 for equal shares, 1 for shares that never meet. As scipy's ``jensenshannon`` with ``base=2``;
Evidently takes base e, which is smaller by a factor of 0.833.

Rule: distance, no p-value, no direction. Source: Endres, Schindelin (2003), IEEE Trans. Inf. Theory 49:1858.

>>> import numpy as np
>>> a = Histogram(np.array([1, 0]), np.array(0))
>>> b = Histogram(np.array([0, 1]), np.array(0))
>>> float(distance(a, b))
1.0
"""

from __future__ import annotations

import numpy as np
from scipy.special import rel_entr

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import CATEGORIES, NUMBERS, FromReference, Method, shares


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return the distance of the reference and each histogram of the stack."""
    return prepared(reference)(current)


def prepared(reference: Histogram) -> FromReference:
    """Return the distance of this reference."""
    p = shares(reference.with_missing())

    def apart(current: Histogram) -> Floats:
        q = shares(current.with_missing())
        middle = (p + q) / 2
        divergence = (rel_entr(p, middle).sum(axis=-1) + rel_entr(q, middle).sum(axis=-1)) / (2 * np.log(2))
        root: Floats = np.sqrt(np.clip(divergence, 0.0, 1.0))
        return root

    return apart


METHOD = Method("jensen_shannon", NUMBERS | CATEGORIES, "bins", 5, 2, 0.4247, distance, prepared=prepared)
