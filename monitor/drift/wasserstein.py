"""Wasserstein distance, normed: how far values moved on average, in reference standard deviations.

W = ∫ |F - G| dx / sd of the reference, with every row standing on the mean reference value of its cell: where
each value has its own cell it is exact, else each row stands at most its cell's width away. Further out than one
inner range (0.1 % to 99.9 % point of the reference) beyond the inner range, only rows that the window has more of
count, and the sd takes the reference's rows as standing there: one outlier in the reference would else be most of
both, and hide every shift. Rows more than 256 inner ranges away count as that far. Missing values do not enter.

Rule: distance >= 0, no p-value, no direction. The name and the norm are Evidently's ``wasserstein``. Source:
Ramdas, García Trillos, Cuturi (2017), Entropy 19:47.

>>> import numpy as np
>>> a = Histogram(np.array([1, 1, 0]), np.array(0), np.array([0.0, 1.0, 2.0]))
>>> b = Histogram(np.array([0, 1, 1]), np.array(0), np.array([0.0, 1.0, 2.0]))
>>> float(distance(a, b))
2.0
"""

from __future__ import annotations

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.ground import gap_over_values, ground_of
from monitor.drift.method import NUMBERS, FromReference, Method


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return W of the reference and each histogram of the stack; 0 where the reference has no spread."""
    return prepared(reference)(current)


def prepared(reference: Histogram) -> FromReference:
    """Return W of this reference: where its cells stand, how far they reach and its spread are worked out once."""
    ground = ground_of(reference)
    gap = gap_over_values(ground, 1)
    return lambda current: ground.over_spread(gap(current))


METHOD = Method("wasserstein", NUMBERS, "cells", 5, 2, 1.0, distance, missing=False, prepared=prepared)
