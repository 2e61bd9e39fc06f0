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
>>> float(distance(a, b)), round(float(tail(a, b)(distance(a, b))), 4)
(2.0, 0.2929)
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.ground import Ground, ground_of
from monitor.drift.method import NUMBERS, Chance, FromReference, Method, value_rows

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


def tail(reference: Histogram, current: Histogram) -> Chance:
    """Return the chance of a d, were both means the same; 1 with fewer than two rows on a side."""
    ground = ground_of(reference)
    variances = [_moments(ground, side)[1] for side in (reference, current)]
    sizes = [value_rows(side) for side in (reference, current)]
    enough = (sizes[0] >= _LEAST_ROWS) & (sizes[1] >= _LEAST_ROWS)
    of_mean = [variance / np.maximum(k - 1, 1) for variance, k in zip(variances, sizes, strict=True)]
    error = of_mean[0] + of_mean[1]
    weights = sum(part**2 / np.maximum(k - 1, 1) for part, k in zip(of_mean, sizes, strict=True))
    known = enough & (error > 0)
    freedom = np.where(known, error**2 / np.where(known, weights, 1.0), 1.0)
    scale = np.where(known, np.sqrt(variances[0]) / np.sqrt(np.where(known, error, 1.0)), 0.0)

    def chance(d: Floats) -> Floats:
        found: Floats = np.where(known, 2 * stdtr(freedom, -scale * d), np.where(enough & (d > 0), 0.0, 1.0))
        return found

    return chance


def _moments(ground: Ground, side: Histogram) -> tuple[Floats, Floats]:
    """Return mean and variance of a histogram, or of each of a stack, on a reference's ground."""
    part = ground.shares_of(side)
    mean = (part * ground.reached).sum(axis=-1)
    variance = (part * (ground.reached - mean[..., np.newaxis]) ** 2).sum(axis=-1)
    return mean, variance


METHOD = Method("welch_t", NUMBERS, "cells", 5, 2, 1.0, distance, tail, missing=False, prepared=prepared)
