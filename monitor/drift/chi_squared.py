"""Chi-squared two-sample test, and Cohen's w between the samples as its distance.

The statistic of the 2 x k table of counts, whose bins without a row on either side are left out; both sides
are samples (Evidently's ``chisquare`` takes the reference as exact, which alarms falsely with small
references). w = sqrt(sum (p - q)² / pooled share) = sqrt(chi² (n + m) / (n m)), which does not depend on how
many rows either side has. Missing values are a bin of their own.

Rule: w >= 0; the p-value holds for independent rows and about 5 expected rows a bin. Source: Pearson (1900);
Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 7.2.

>>> import numpy as np
>>> a = Histogram(np.array([10, 20]), np.array(0))
>>> b = Histogram(np.array([20, 10]), np.array(0))
>>> round(float(distance(a, b)), 4), round(float(tail(a, b)(distance(a, b))), 5)
(0.6667, 0.00982)
"""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import CATEGORIES, NUMBERS, Chance, Method, worth


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return w of the reference and each histogram of the stack; 0 where a side has no rows."""
    rows = all_worth(reference, current)
    w: Floats = np.sqrt(_statistic(reference, current) / np.where(rows > 0, rows, np.inf))
    return w


def tail(reference: Histogram, current: Histogram) -> Chance:
    """Return the chance of a w, were both samples independent rows of one distribution."""
    rows, bins = all_worth(reference, current), bins_in_use(reference, current)

    def chance(w: Floats) -> Floats:
        found: Floats = np.where(bins > 1, chdtrc(np.maximum(bins - 1, 1), w * w * rows), 1.0)
        return found

    return chance


def all_worth(reference: Histogram, current: Histogram) -> Floats:
    """Return n m / (n + m), missing values among the rows."""
    return worth(reference.with_missing().sum(axis=-1) * 1.0, current.with_missing().sum(axis=-1) * 1.0)


def bins_in_use(reference: Histogram, current: Histogram) -> Floats:
    """Return how many bins have a row on either side."""
    bins: Floats = (reference.with_missing() + current.with_missing() > 0).sum(axis=-1).astype(np.float64)
    return bins


def _statistic(reference: Histogram, current: Histogram) -> Floats:
    """Return chi²."""
    old, new = np.broadcast_arrays(reference.with_missing().astype(np.float64), current.with_missing())
    both = old + new
    n, m = old.sum(axis=-1, keepdims=True), new.sum(axis=-1, keepdims=True)
    share = both / np.maximum(n + m, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(both > 0, (old - n * share) ** 2 / (n * share) + (new - m * share) ** 2 / (m * share), 0.0)
    statistic: Floats = np.nan_to_num(terms).sum(axis=-1)
    return statistic


METHOD = Method("chi_squared", NUMBERS | CATEGORIES, "bins", 5, 2, 1.0, distance, tail)
