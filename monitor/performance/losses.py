"""TEMP."""

from __future__ import annotations

import numpy as np

from monitor.performance.pairs import *


def losses(pairs, scale=1.0):
    if isinstance(pairs, ClassPairs):
        return (
            (pairs.targets != pairs.predictions).astype(float)
            if pairs.predictions is not None
            else (pairs.targets - pairs.scores) ** 2
        )
    return np.minimum(np.abs(pairs.targets - np.nan_to_num(pairs.predictions)), scale) / scale
