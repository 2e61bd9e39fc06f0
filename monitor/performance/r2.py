"""R²: the part of the targets' variance that predictions explain; below zero they are worse than the mean.

Its interval is by the delta method on ln(1 - R²), where it is a ratio of two means: (error)² and (target - mean)².
"""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import Found, of_numbers, value_of
from monitor.performance.interval import LOG, Floats, delta_bounds
from monitor.performance.metric import Direction, Metric, Undefined

_LEAST_ROWS = 2
_ROUNDING = 1e-14


def r2(targets: Floats, predictions: Floats) -> Found:
    """Return 1 - sum of (prediction - target)² / sum of (target - mean)²; both are (n,)."""
    order = np.lexsort((predictions, targets))
    targets, predictions = targets[order], predictions[order]
    apart = targets - targets.mean()
    spread = float(apart @ apart)
    if len(targets) < _LEAST_ROWS or spread <= len(targets) * (_ROUNDING * float(np.abs(targets).max())) ** 2:
        return Undefined.CONSTANT_TARGET
    squares = np.square(predictions - targets)
    left = float(squares.sum()) / spread
    if not left:
        return value_of(1.0, (1.0, 1.0), len(targets))
    influences = (squares - left * apart * apart) * len(targets) / spread
    bounds = delta_bounds(left, influences, LOG)
    return value_of(1 - left, None if bounds is None else (1 - bounds[1], 1 - bounds[0]), len(targets))


METRIC = Metric(
    name="r2",
    title="R²",
    tasks=frozenset({"regression"}),
    needs=frozenset({"prediction"}),
    direction=Direction.HIGHER,
    lowest=None,
    highest=1.0,
    about="The part of the targets' variance that predictions explain.",
    interval="the delta method on ln(1 - R²)",
    source="Kvålseth 1985, The American Statistician 39:279",
    undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.CONSTANT_TARGET}),
    compute=of_numbers(r2),
)
