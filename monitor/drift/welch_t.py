"""Welch's t: how far the mean moved, in reference standard deviations.

d = |mean of the window - mean of the reference| / sd of the reference (Glass's delta), with every row standing on the
mean reference value of its cell, and rows beyond the reference's reach at its end (:mod:`monitor.drift.ground`): where
each value has its own cell and lies within the reach it is exact. It sees nothing but the mean: a column that grows
wider is stable to it. Missing values do not enter. The p-value is that of Welch's two-sided t-test; it holds for
independent rows, and for many of them whatever the column's shape.

Rule: two-sample; distance >= 0, no direction. Source: Welch (1947), Biometrika 34:28; Glass, McGaw, Smith (1981),
Meta-analysis in Social Research.

>>> import numpy as np
>>> a = Histogram(np.array([1, 1, 0]), np.array(0), np.array([0.0, 1.0, 2.0]))
>>> b = Histogram(np.array([0, 1, 1]), np.array(0), np.array([0.0, 1.0, 2.0]))
>>> float(distance(a, b)), round(float(p_value(a, b)), 4)
(2.0, 0.2929)
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.ground import Ground, ground_of
from monitor.drift.method import NUMBERS, FromReference, Method, value_rows

_LEAST_ROWS = 2


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return d of the reference and each histogram of the stack; 0 without rows on a side, or without any spread."""
    return prepared(reference)(current)


def prepared(reference: Histogram) -> FromReference:
    """Return d of this reference."""
    ground, some = ground_of(reference), value_rows(reference) > 0

    def apart(current: Histogram) -> Floats:
        mean, _ = _moments(ground, current)
        moved: Floats = np.where((value_rows(current) > 0) & some, np.abs(mean - ground.mean[..., 0]), 0.0)
        return ground.over_spread(moved)

    return apart


def p_value(reference: Histogram, current: Histogram) -> Floats:
    """Return the chance of a t at least as large, were both means the same; 1 with fewer than two rows on a side."""
    ground = ground_of(reference)
    (old, old_variance), (new, new_variance) = _moments(ground, reference), _moments(ground, current)
    n, m = value_rows(reference), value_rows(current)
    enough = (n >= _LEAST_ROWS) & (m >= _LEAST_ROWS)
    parts = [
        v / np.maximum(k - 1, 1) for v, k in ((old_variance, n), (new_variance, m))
    ]  # variance / (k - 1) of k rows
    error, gap = parts[0] + parts[1], np.abs(new - old)
    weights = sum(part**2 / np.maximum(k - 1, 1) for part, k in zip(parts, (n, m), strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        t, freedom = gap / np.sqrt(error), error**2 / weights
        chance = 2 * stdtr(freedom, -t)
    sure = np.where(gap > 0, 0.0, 1.0)  # both sides are constants
    known: Floats = np.where(enough, np.where(error > 0, chance, sure), 1.0)
    return known


def _moments(ground: Ground, side: Histogram) -> tuple[Floats, Floats]:
    """Return mean and variance of a histogram, or of each of a stack, on a reference's ground."""
    part = ground.shares_of(side)
    mean = (part * ground.reached).sum(axis=-1)
    variance = (part * (ground.reached - mean[..., np.newaxis]) ** 2).sum(axis=-1)
    return mean, variance


METHOD = Method("welch_t", NUMBERS, "cells", 5, 2, 1.0, distance, p_value, missing=False, prepared=prepared)
