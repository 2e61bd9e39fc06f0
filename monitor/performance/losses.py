"""The loss of each row, between 0 and 1: what an alarm on performance bets on."""

from __future__ import annotations

import numpy as np

from monitor.performance.pairs import UNKNOWN, ClassPairs, Floats, NumberPairs, Pairs


def losses(pairs: Pairs, scale: float) -> Floats:
    """Return the loss of each row, (n,): 1 for a wrong class, an error over ``scale`` up to 1; a missing answer is 1.

    Raises
    ------
    TypeError: answers of this kind have no loss yet.
    """
    if isinstance(pairs, NumberPairs):
        errors = np.abs(pairs.targets - pairs.predictions)
        return np.asarray(np.minimum(np.nan_to_num(errors, nan=scale) / scale, 1.0), dtype=np.float64)
    if isinstance(pairs, ClassPairs) and pairs.predictions is not None:
        wrong = (pairs.predictions != pairs.targets) | (pairs.predictions == UNKNOWN)
        return np.asarray(wrong, dtype=np.float64)
    raise TypeError("no loss is known of such answers")
