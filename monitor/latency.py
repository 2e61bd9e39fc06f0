"""How long the model took: a histogram on fixed logarithmic bins, which adds up over panes and sidecars.

Quantiles are within 1 % of a value in the log, from 1 µs to about 5 hours; see :mod:`monitor.logbins`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.logbins import LogBins

BINS = 1195
GROWTH = 1.02
LATENCY_BINS = LogBins(1e6, GROWTH, BINS)
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def latency_bins(seconds: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the bin of each latency in seconds; what is not a positive number lands in the first."""
    return LATENCY_BINS.bins_of(seconds)


def latency_quantiles(counts: NDArray[np.int64]) -> dict[str, float | None]:
    """Return p50, p95 and p99 in seconds from counts of shape (BINS,); ``None`` without a row.

    >>> counts = np.zeros(BINS, dtype=np.int64)
    >>> counts[latency_bins(np.array([0.010]))] = 5
    >>> round(latency_quantiles(counts)["p50"], 3)
    0.01
    """
    return {name: LATENCY_BINS.quantile(counts, share) for name, share in QUANTILES.items()}
