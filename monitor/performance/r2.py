"""R²: the part of the targets' variance that predictions explain; below zero they are worse than the mean.

Its interval is the jackknife's on ln(1 - R²) (Tukey 1958, Annals of Mathematical Statistics 29:614; Miller 1974,
Biometrika 61:1), where it is a ratio of two means: (error)² and (target - mean)². Leaving out a row tells how much it
decides, where the delta method takes the ratio as straight. Where one row is all the error, or all the spread, there is
no ratio without it, and it is the delta method that is left.
"""

from __future__ import annotations

import math

import numpy as np

from monitor.performance.answers import Found, of_numbers, value_of
from monitor.performance.interval import LOG, Bounds, Floats, delta_bounds
from monitor.performance.metric import Direction, Metric, Undefined

_LEAST_ROWS = 2
_ROUNDING = 1e-14
_ALL = 1 - 1e-9
"""What a row has of a sum that is nothing without it."""


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
    bounds = _left_bounds(left, squares, apart * apart)
    return value_of(1 - left, None if bounds is None else (1 - bounds[1], 1 - bounds[0]), len(targets))


def _left_bounds(left: float, squares: Floats, apart: Floats) -> Bounds | None:
    """Return the interval of the part that is left unexplained, from the squares of errors and distances, (n,)."""
    rows = len(squares)
    of_errors, of_spread = squares / squares.sum(), apart / apart.sum() * rows / (rows - 1)
    if max(of_errors.max(), of_spread.max()) >= _ALL:
        return delta_bounds(left, left * rows * (of_errors - apart / apart.sum()), LOG)
    pseudo = math.log(left) + (rows - 1) * (np.log1p(-of_spread) - np.log1p(-of_errors))
    middle = float(pseudo.mean())
    bounds = delta_bounds(middle, pseudo - middle)
    return None if bounds is None else (math.exp(bounds[0]), math.exp(bounds[1]))


METRIC = Metric(
    name="r2",
    title="R²",
    tasks=frozenset({"regression"}),
    needs=frozenset({"prediction"}),
    direction=Direction.HIGHER,
    lowest=None,
    highest=1.0,
    about="The part of the targets' variance that predictions explain.",
    interval="the jackknife on ln(1 - R²)",
    source="Kvålseth 1985, The American Statistician 39:279",
    undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.CONSTANT_TARGET}),
    compute=of_numbers(r2),
)
