"""Root mean squared error, in the unit of the target."""

from __future__ import annotations

import math

import numpy as np

from monitor.performance.answers import mean_value, of_numbers
from monitor.performance.interval import Floats
from monitor.performance.metric import Direction, Metric, Undefined, Value


def rmse(targets: Floats, predictions: Floats) -> Value:
    """Return the root of the mean of (prediction - target)²; both are (n,)."""
    squared = mean_value(np.square(predictions - targets), 0.0)
    roots = [None if part is None else math.sqrt(part) for part in (squared.value, squared.lower, squared.upper)]
    return Value(roots[0], roots[1], roots[2], squared.rows)


METRIC = Metric(
    name="rmse",
    title="Root mean squared error",
    tasks=frozenset({"regression"}),
    needs=frozenset({"prediction"}),
    direction=Direction.LOWER,
    lowest=0.0,
    highest=None,
    about="The root of the mean of (prediction - target)².",
    interval="the root of Hall's, for skewed means",
    source="Hyndman and Koehler 2006, International Journal of Forecasting 22:679",
    undefined=frozenset({Undefined.NO_PREDICTIONS}),
    compute=of_numbers(rmse),
)
