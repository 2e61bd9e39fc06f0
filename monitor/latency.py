"""How long the model took: a histogram on fixed logarithmic bins, which adds up over panes and sidecars.

Bin b holds GROWTH**(b - 1) < microseconds <= GROWTH**b, so a quantile is within 1 % of a value in the log
(Masson, Rim, Lee: DDSketch, 2019, with a fixed range of 1 µs to about 5 hours).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 1195
GROWTH = 1.02
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def latency_bins(seconds: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the bin of each latency in seconds; what is not a positive number lands in the first."""
    with np.errstate(invalid="ignore", divide="ignore"):
        bins = np.ceil(np.log(seconds * 1e6) / np.log(GROWTH))
    whole: NDArray[np.intp] = np.clip(np.nan_to_num(bins, nan=0.0, posinf=BINS - 1, neginf=0.0), 0, BINS - 1).astype(
        np.intp
    )
    return whole


def latency_quantiles(counts: NDArray[np.int64]) -> dict[str, float | None]:
    """Return p50, p95 and p99 in seconds from counts of shape (BINS,); ``None`` without a row.

    >>> counts = np.zeros(BINS, dtype=np.int64)
    >>> counts[latency_bins(np.array([0.010]))] = 5
    >>> round(latency_quantiles(counts)["p50"], 3)
    0.01
    """
    reached = np.cumsum(counts)
    if not reached[-1]:
        return dict.fromkeys(QUANTILES)
    ranks = {name: max(int(np.ceil(share * reached[-1])), 1) for name, share in QUANTILES.items()}
    places = {name: int(np.searchsorted(reached, rank)) for name, rank in ranks.items()}
    return {name: float(f"{GROWTH ** (place - 0.5) * 1e-6:.6g}") for name, place in places.items()}
