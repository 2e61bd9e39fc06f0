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

import numpy as np
from numpy.typing import NDArray

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import NUMBERS, FromReference, Method, shares

_INNER = (0.001, 0.999)


def distance(reference: Histogram, current: Histogram) -> Floats:
    """Return W of the reference and each histogram of the stack; 0 where the reference has no spread."""
    return prepared(reference)(current)


def prepared(reference: Histogram) -> FromReference:
    """Return W of this reference: where its cells stand, how far they reach and its spread are worked out once."""
    centres = reference.centres if reference.centres is not None else np.arange(reference.counts.shape[-1])
    order = np.argsort(centres, kind="stable")
    at = _scaled(centres[order])
    old = shares(reference.counts)[..., order]
    low, high = _reach(old, at)
    reached = np.clip(at, low, high)
    mean = (old * reached).sum(axis=-1, keepdims=True)
    spread = np.sqrt((old * (reached - mean) ** 2).sum(axis=-1))
    inside, below = np.diff(reached), np.diff(np.minimum(at, low))
    above = np.diff(np.maximum(at, high))

    def moved(current: Histogram) -> Floats:
        more = np.cumsum(shares(current.counts)[..., order] - old, axis=-1)[..., :-1]
        far = (np.abs(more) * inside + np.maximum(more, 0) * below + np.maximum(-more, 0) * above).sum(axis=-1)
        normed: Floats = np.where(spread > 0, far / np.where(spread > 0, spread, 1.0), 0.0)
        return normed

    return moved


def _scaled(ordered: Floats | NDArray[np.intp]) -> Floats:
    """Return rising values from 0 to 1, so that no square is too large or too small for a float."""
    quarters = ordered / 4
    reach = quarters[-1] - quarters[0]
    scaled: Floats = (quarters - quarters[0]) / (reach if reach > 0 else 1.0)
    return scaled


def _reach(old: Floats, at: Floats) -> tuple[Floats, Floats]:
    """Return where the inner range, and as much again on either side, begins and ends; (..., 1) each."""
    reached = np.cumsum(old, axis=-1)
    points = [(reached < share * reached[..., -1:]).sum(axis=-1, keepdims=True) for share in _INNER]
    low, high = (at[np.minimum(point, len(at) - 1)] for point in points)
    width = np.where(high > low, high - low, 1.0)
    return low - width, high + width


METHOD = Method("wasserstein", NUMBERS, "cells", 5, 2, 1.0, distance, missing=False, prepared=prepared)
