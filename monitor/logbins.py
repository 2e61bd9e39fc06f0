"""Counts on fixed logarithmic bins: quantiles within a known relative error, from integers that add up exactly.

It is the sketch of Masson, Rim and Lee (DDSketch, VLDB 2019) with its range fixed beforehand, so that two histograms
always have the same bins: they add up like any counts, in any order, over panes, restarts and sidecars.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LogBins:
    """Bin b holds growth**(b - 1) < value * scale <= growth**b; the first all below, the last all above.

    Attributes
    ----------
    scale: how many of the smallest distinguished size are in one.
    growth: of a bin over the one before; a quantile is within about half of what exceeds 1 of a value in the log.
    size: number of bins.
    """

    scale: float
    growth: float
    size: int

    def bins_of(self, values: Floats) -> NDArray[np.intp]:
        """Return the bin of each value; what is not a positive number lands in the first."""
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            bins = np.ceil(np.log(values * self.scale) / np.log(self.growth))
        last = self.size - 1
        whole: NDArray[np.intp] = np.clip(np.nan_to_num(bins, nan=0.0, posinf=last, neginf=0.0), 0, last).astype(
            np.intp
        )
        return whole

    def middle(self, place: int) -> float:
        """Return the value that stands for a bin."""
        return float(f"{self.growth ** (place - 0.5) / self.scale:.6g}")

    def quantile(self, counts: Integers, share: float) -> float | None:
        """Return the value at a share of the rows, from counts of shape (size,); ``None`` without a row.

        >>> bins = LogBins(1e6, 1.02, 1195)
        >>> counts = np.bincount(bins.bins_of(np.array([0.01, 0.01, 0.02])), minlength=1195)
        >>> round(bins.quantile(counts, 0.5), 3), round(bins.quantile(counts, 0.99), 3)
        (0.01, 0.02)
        """
        reached = np.cumsum(counts)
        if not reached[-1]:
            return None
        rank = max(int(np.ceil(share * reached[-1])), 1)
        return self.middle(int(np.searchsorted(reached, rank)))

    def above(self, counts: Integers, limit: float) -> int:
        """Return how many rows lie above a limit; those of the bin that holds the limit count as under it."""
        return int(counts[int(self.bins_of(np.array([limit]))[0]) + 1 :].sum())
