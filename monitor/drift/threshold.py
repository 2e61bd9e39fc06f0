"""From which distance on a column is called drifted: calibrated on the reference, for a window of any size.

The distance of each step of the reference to the rest of it shows what a method yields when nothing drifts,
storms and seasons included. Times the root of the rows it is worth (``shrink`` says which root), it is roughly free
of the window's size, as long as a window holds some rows a bin. Its upper quantile, taken from a gamma law with the
steps' own mean and variance and never under the largest step seen, gives the threshold at any size. Few steps tell
their mean and variance badly: the quantile is widened as that of a logarithm would be by Student's t instead of the
normal law, and under five steps there is none. It is also never under the distance of the least effect that matters.
This is a mark in a table, not the pager: a single column of a single window passes it falsely about once in a
thousand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv, ndtri, stdtrit

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import Method, worth

LEVEL = 0.001
"""Share of windows without drift that a column may pass its threshold in."""
LEAST_STEPS = 5
"""Fewer steps of a reference say nothing of what is usual."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """``ratio`` is the upper quantile of the distance times rows ** (1 / shrink); ``least`` a distance."""

    shrink: int
    ratio: float
    least: float
    reference_rows: float

    @property
    def known(self) -> bool:
        """Say whether the reference has enough steps to tell what is usual."""
        return self.ratio < float("inf")

    def at(self, rows: float) -> float:
        """Return the threshold for a window of so many rows that the method sees."""
        value = self.reference_rows * rows / max(self.reference_rows + rows, 1)
        if value <= 0:
            return float("inf")
        return max(self.least, float(self.ratio / value ** (1 / self.shrink)))


def calibrate(method: Method, steps: Histogram, whole: Histogram, tolerance: float, length: int = 1) -> Threshold:
    """Return the threshold of one column.

    Parameters
    ----------
    steps: the reference by steps, counts (B, cells); ``whole``: their sum, counts (cells,).
    tolerance: the least effect that matters, in standard units.
    length: of a window in steps. Windows of the reference overlap as those of the stream do; where it is too short
        for five of them side by side, they are as long as it allows.
    """
    length = max(min(length, len(steps.counts) // LEAST_STEPS), 1)
    if not int(method.rows(whole)):
        return Threshold(method.shrink, float("inf"), 0.0, 0.0)
    ratios = _ratios(method, _windows(steps, length), whole)
    least = (method.per_sd * tolerance) ** (2 / method.shrink)
    usual = _upper_quantile(ratios, length) or _three_rows(method, steps, whole)
    return Threshold(method.shrink, usual, least, float(method.rows(whole)))


def _windows(steps: Histogram, length: int) -> Histogram:
    """Return the sums of so many steps in a row, every place of the first one."""
    if length == 1:
        return steps
    counts, missing = (
        np.cumsum(np.concatenate((part[:1] * 0, part)), axis=0) for part in (steps.counts, steps.missing)
    )
    return Histogram(counts[length:] - counts[:-length], missing[length:] - missing[:-length], steps.centres)


def _ratios(method: Method, steps: Histogram, whole: Histogram) -> Floats:
    """Return the distance times the root of the rows it is worth, of each step against the rest of the reference."""
    rest = Histogram(whole.counts - steps.counts, whole.missing - steps.missing, whole.centres)
    old, new = method.rows(rest), method.rows(steps)
    enough = (new >= method.least_rows) & (old >= method.least_rows)
    ratios: Floats = (np.nan_to_num(method.distance(rest, steps)) * worth(old, new) ** (1 / method.shrink))[enough]
    return ratios


def _three_rows(method: Method, steps: Histogram, whole: Histogram) -> float:
    """Return the ratio of a usual step with three rows more, of a kind that a constant reference has none of.

    That a kind is not among so many rows bounds its share by three of them (the rule of three: Hanley, Lippman-Hand
    1983, JAMA 249:1743); without it one odd row in a window would be drift.
    """
    rows = np.median(method.rows(steps))
    kinds = np.append(whole.counts, whole.missing)
    step = np.where(kinds > 0, rows, 0).astype(np.int64)
    step[np.argmin(kinds if method.missing else kinds[:-1])] += 3
    odd = Histogram(step[:-1], step[-1:].reshape(()), whole.centres)
    return float(method.distance(whole, odd) * worth(method.rows(whole), method.rows(odd)) ** (1 / method.shrink))


def _upper_quantile(ratios: Floats, length: int) -> float:
    number = (len(ratios) + length - 1) / length
    if number < LEAST_STEPS:
        return float("inf")
    mean, variance, largest = float(ratios.mean()), float(ratios.var(ddof=1)), float(ratios.max())
    if mean <= 0 or variance <= 0:
        return largest
    shape = mean * mean / variance
    wider = stdtrit(number - 1, 1 - LEVEL) * np.sqrt(1 + 1 / number) - ndtri(1 - LEVEL)
    quantile = float(gammaincinv(shape, 1 - LEVEL)) * variance / mean
    return max(largest, quantile * float(np.exp(wider * np.sqrt(np.log1p(1 / shape)))))
