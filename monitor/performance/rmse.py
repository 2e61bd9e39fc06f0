"""Root mean squared error, in the unit of the target.

Its interval is that of the mean of the jackknife's pseudo-values of the root itself (Tukey 1958, Annals of Mathematical
Statistics 29:614; Miller 1974, Biometrika 61:1), corrected for their skewness. The root of the squares' own interval
was too low twice as often: it takes the curve of the root as it is at the mean, and the few largest errors decide where
that is.
"""

from __future__ import annotations

import math

import numpy as np

from monitor.performance.answers import of_numbers, value_of
from monitor.performance.interval import Floats, mean_bounds, steady_mean
from monitor.performance.metric import Direction, Metric, Undefined, Value


def rmse(targets: Floats, predictions: Floats) -> Value:
    """Return the root of the mean of (prediction - target)²; both are (n,)."""
    squares = np.square(predictions - targets)
    root = math.sqrt(steady_mean(squares))
    bounds = mean_bounds(_pseudo_values(squares, root)) if root else (0.0, 0.0)
    return value_of(root, None if bounds is None else (max(bounds[0], 0.0), bounds[1]), len(squares))


def _pseudo_values(squares: Floats, root: float) -> Floats:
    """Return n times the root less n - 1 times that without each row, (n,), so written that nothing cancels out."""
    rows, mean = len(squares), root * root
    without = np.sqrt(np.maximum(mean + (mean - squares) / max(rows - 1, 1), 0.0))
    pseudo: Floats = root + (squares - mean) / (root + without)
    return pseudo


METRIC = Metric(
    name="rmse",
    title="Root mean squared error",
    tasks=frozenset({"regression"}),
    needs=frozenset({"prediction"}),
    direction=Direction.LOWER,
    lowest=0.0,
    highest=None,
    about="The root of the mean of (prediction - target)².",
    interval="the jackknife, by Hall's for skewed means",
    source="Hyndman and Koehler 2006, International Journal of Forecasting 22:679",
    undefined=frozenset({Undefined.NO_PREDICTIONS}),
    compute=of_numbers(rmse),
)
