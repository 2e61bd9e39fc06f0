"""G-test, the likelihood ratio of two samples, and its root a row as the distance.

G = 2 sum O ln(O / E) of the 2 x k table of counts, whose bins without a row on either side are left out.
d = sqrt(G (n + m) / (n m)), which like Cohen's w does not depend on how many rows both sides have together. Missing
values are a bin of their own.

Rule: d >= 0; the p-value holds for independent rows and about 5 expected rows a bin. Source: Sokal, Rohlf (1981),
Biometry, 17.2.

>>> import numpy as np
>>> a = Histogram(np.array([10, 20]), np.array(0))
>>> b = Histogram(np.array([20, 10]), np.array(0))
>>> round(float(distance(a, b)), 4), round(float(tail(a, b)(distance(a, b))), 5)
(0.6731, 0.00914)
"""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.chi_squared import all_worth, tail
from monitor.drift.method import CATEGORIES, NUMBERS, Method


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return d of the reference and each histogram of the stack; 0 where a side has no rows."""
    rows = all_worth(reference, current)
    root: Floats = np.sqrt(_statistic(reference, current) / np.where(rows > 0, rows, np.inf))
    return root


def _statistic(reference: Histogram, current: Histogram) -> Floats:
    """Return G."""
    old, new = np.broadcast_arrays(reference.with_missing().astype(np.float64), current.with_missing())
    both = old + new
    n, m = old.sum(axis=-1, keepdims=True), new.sum(axis=-1, keepdims=True)
    share = np.where(both > 0, both, 1.0) / np.maximum(n + m, 1)
    terms = xlogy(old, old / np.maximum(n * share, np.finfo(np.float64).tiny)) + xlogy(
        new, new / np.maximum(m * share, np.finfo(np.float64).tiny)
    )
    statistic: Floats = np.maximum(2 * terms.sum(axis=-1), 0.0)
    return statistic


METHOD = Method("g_test", NUMBERS | CATEGORIES, "bins", 5, 2, 1.0, distance, tail)
