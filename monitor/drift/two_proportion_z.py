"""Two-proportion z: how far the share of one level moved, for columns of two levels.

h = |2 arcsin sqrt q - 2 arcsin sqrt p| (Cohen's h) of the level whose share moved furthest by that measure, missing
values being a level of their own; in [0, pi]. Of two levels either says the same. The p-value is that of the two-sided
z-test with the pooled share; where more than two levels are in use it is that of the furthest, times their number
(Bonferroni). It holds for independent rows and about 5 rows of each level.

Rule: two-sample; distance, no direction. Source: Cohen (1988), Statistical Power Analysis for the Behavioral Sciences,
6; Fleiss (1981), Statistical Methods for Rates and Proportions, 2.

>>> import numpy as np
>>> a = Histogram(np.array([50, 50]), np.array(0))
>>> b = Histogram(np.array([60, 40]), np.array(0))
>>> round(float(distance(a, b)), 4), round(float(tail(a, b)(distance(a, b))), 4)
(0.2014, 0.1552)
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import CATEGORIES, Chance, Method, shares, worth

_TWO = 2


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return h of the reference and each histogram of the stack; 0 where a side has no rows."""
    old, new = reference.with_missing(), current.with_missing()
    some = (old.sum(axis=-1) > 0) & (new.sum(axis=-1) > 0)
    moved = 2 * np.abs(_angle(shares(new)) - _angle(shares(old)))
    furthest: Floats = np.where(some, moved.max(axis=-1), 0.0)
    return furthest


def _angle(share: Floats) -> Floats:
    angle: Floats = np.arcsin(np.sqrt(np.clip(share, 0.0, 1.0)))
    return angle


def tail(reference: Histogram, current: Histogram) -> Chance:
    """Return the chance of an h, were both samples independent rows of one distribution.

    z grows with h as it does from none to what was found: to first order by the root of the rows.
    """
    old, new = np.broadcast_arrays(reference.with_missing().astype(np.float64), current.with_missing())
    n, m = old.sum(axis=-1, keepdims=True), new.sum(axis=-1, keepdims=True)
    pooled = (old + new) / np.maximum(n + m, 1)
    variance = pooled * (1 - pooled) * (n + m) / np.maximum(n * m, 1)
    known = (variance > 0) & (n > 0) & (m > 0)
    z = np.where(known, np.abs(shares(new) - shares(old)) / np.sqrt(np.where(known, variance, 1.0)), 0.0).max(axis=-1)
    levels, h = (old + new > 0).sum(axis=-1), distance(reference, current)
    scale = np.where(h > 0, z / np.where(h > 0, h, 1.0), np.sqrt(worth(n, m))[..., 0])
    return lambda moved: np.minimum(2 * ndtr(-scale * moved) * np.where(levels > _TWO, levels, 1), 1.0)


METHOD = Method("two_proportion_z", CATEGORIES, "bins", 5, 2, 0.7979, distance, tail)
