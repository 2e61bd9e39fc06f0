"""Blocks of a reference's losses, as the alarm on performance bets on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.calibration.arrays import Floats
from monitor.calibration.betting import LEAST_TARGETS
from monitor.window import join_steps


def block_losses(lost: Floats, stretches: NDArray[np.int64]) -> Floats:
    """Return the mean loss of each block: stretches in time, joined until they have enough targets.

    Parameters
    ----------
    lost: the loss of each row, (n,), NaN where it has none. stretches: the number of its stretch, (n,), in any order.
    """
    lost, stretches = lost[~np.isnan(lost)], stretches[~np.isnan(lost)]
    if not len(lost):
        return np.zeros(0)
    _, place, counts = np.unique(stretches, return_inverse=True, return_counts=True)
    sums = np.bincount(place, weights=lost)
    edges = join_steps(counts, LEAST_TARGETS)[:-1]
    return np.asarray(np.add.reduceat(sums, edges) / np.add.reduceat(counts, edges), dtype=np.float64)
