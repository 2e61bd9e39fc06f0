"""Kolmogorov-Smirnov's two-sample test on the rows themselves: its distance, its p-value, and the distance for a p.

D is the largest gap between the two distribution functions, as scipy's ``ks_2samp``. Small samples have an exact law
(up to a product of 10,000 rows); larger ones Kolmogorov's limit with Stephens's correction, whose p is within a quarter
of the exact one. With tied values both are cautious. Rows are taken as exchangeable.

Source: Viehmann (2021), arXiv 2102.08037, for the exact law; Stephens (1970), JRSS B 32:115.
"""

from __future__ import annotations

from functools import lru_cache
from math import lcm

import numpy as np
from scipy.special import kolmogi, kolmogorov

from monitor.bins import Floats

EXACT_ROWS = 10_000
"""The largest product of both numbers of rows for which the exact law is taken."""
_ROUNDING = 1e-9


def distance(reference: Floats, current: Floats) -> float:
    """Return D of two sorted samples without NaN; infinities are values like others.

    >>> distance(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    0.5
    """
    few, many = sorted((reference, current), key=len)
    # Between two values of the smaller sample only the other function rises: the gap is widest beside them.
    after = np.searchsorted(many, few, side="right") / len(many) - np.searchsorted(few, few, side="right") / len(few)
    before = np.searchsorted(many, few, side="left") / len(many) - np.searchsorted(few, few, side="left") / len(few)
    return float(max(np.abs(after).max(), np.abs(before).max()))


def p_value(gap: float, n: int, m: int) -> float:
    """Return the chance of a D at least as large, were both samples, of n and m rows, of one distribution."""
    if n * m <= EXACT_ROWS:
        return exact_tail(_steps(gap, n, m), min(n, m), max(n, m))
    return float(kolmogorov(_root(n, m) * gap))


def critical(level: float, n: int, m: int) -> float:
    """Return the least D whose p-value is at most ``level``; over 1 if no D of so few rows has one."""
    limit = float(kolmogi(level)) / _root(n, m)
    if n * m > EXACT_ROWS:
        return limit
    few, many = min(n, m), max(n, m)
    short, enough = 0, lcm(n, m)
    if exact_tail(enough, few, many) > level:
        return max(limit, float(np.nextafter(1.0, 2.0)))
    while enough - short > 1:
        middle = (short + enough) // 2
        if exact_tail(middle, few, many) <= level:
            enough = middle
        else:
            short = middle
    return enough / lcm(n, m) - _ROUNDING


def _root(n: int, m: int) -> float:
    root: float = (n / (n + m) * m) ** 0.5
    return root + 0.12 + 0.11 / root


def _steps(gap: float, n: int, m: int) -> int:
    """Return a D in whole steps of its lattice."""
    return round(gap * lcm(n, m))


@lru_cache(4096)
def exact_tail(steps: int, few: int, many: int) -> float:
    """Return the share of the orders of all rows whose D is at least so many steps.

    A path from (0, 0) to (few, many) is walked with equal chances for all orders; ``outside`` is the chance that a
    path which has come to (i, step - i) has left the strip of smaller gaps on its way.
    """
    if steps <= 0:
        return 1.0
    i = np.arange(few + 1)
    whole = lcm(few, many)
    outside = np.zeros(few + 1)
    for step in range(1, few + many + 1):
        j = step - i
        came = (i * np.concatenate(([0.0], outside[:-1])) + np.maximum(j, 0) * outside) / step
        gap = np.abs(i * (whole // few) - j * (whole // many))
        outside = np.where(gap >= steps, 1.0, came) * ((j >= 0) & (j <= many))
    return float(outside[-1])
