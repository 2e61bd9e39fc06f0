"""From which distance on a column is called drifted: calibrated on the reference, for a window of any size.

The distance of each step of the reference to the rest of it shows what a method yields when nothing drifts,
storms and seasons included. Times the rows it is worth, ``distance ** shrink`` is roughly free of the window's
size; its upper quantile, taken from a gamma law with the steps' own mean and variance and never under the
largest step seen, gives the threshold at any size. It is also never under the distance of the least effect that
matters. This is a mark in a table, not the pager: a single column of a single window passes it falsely about
once in a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from monitor.comparison import Histogram
from monitor.drift.method import Method, value_rows, worth

LEVEL = 0.001
"""Share of windows without drift that a column may pass its threshold in."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """``ratio`` is the upper quantile of distance ** shrink times the rows it is worth; ``least`` a distance."""

    shrink: int
    ratio: float
    least: float
    reference_rows: float

    def at(self, rows: float) -> float:
        """Return the threshold for a window with so many values."""
        value = self.reference_rows * rows / max(self.reference_rows + rows, 1)
        if value <= 0:
            return float("inf")
        return max(self.least, float((self.ratio / value) ** (1 / self.shrink)))


def calibrate(method: Method, steps: Histogram, whole: Histogram, tolerance: float) -> Threshold:
    """Return the threshold of one column.

    Parameters
    ----------
    steps: the reference by steps, counts (B, cells); ``whole``: their sum, counts (cells,).
    tolerance: the least effect that matters, in standard units.
    """
    rest = Histogram(whole.counts - steps.counts, whole.missing - steps.missing, whole.centres)
    rows = worth(value_rows(rest), value_rows(steps))
    least = (method.per_sd * tolerance) ** (2 / method.shrink)
    enough = (value_rows(steps) >= method.least_rows) & (value_rows(rest) >= method.least_rows)
    ratios = (np.nan_to_num(method.distance(rest, steps)) ** method.shrink * rows)[enough]
    return Threshold(method.shrink, _upper_quantile(ratios), least, float(value_rows(whole)))


def _upper_quantile(ratios: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    if not len(ratios):
        return float("inf")
    mean, variance, largest = float(ratios.mean()), float(ratios.var()), float(ratios.max())
    if mean <= 0 or variance <= 0:
        return largest
    shape = mean * mean / variance
    return max(largest, float(gammaincinv(shape, 1 - LEVEL)) * variance / mean)
