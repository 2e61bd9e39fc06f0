"""Mean absolute error, in the unit of the target."""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import mean_value, of_numbers
from monitor.performance.interval import Floats
from monitor.performance.metric import Direction, Metric, Undefined, Value


def mae(targets: Floats, predictions: Floats) -> Value:
    """Return the mean of |prediction - target|; both are (n,)."""
    return mean_value(np.abs(predictions - targets), 0.0)


METRIC = Metric(
    name="mae",
    title="Mean absolute error",
    tasks=frozenset({"regression"}),
    needs=frozenset({"prediction"}),
    direction=Direction.LOWER,
    lowest=0.0,
    highest=None,
    about="The mean of |prediction - target|.",
    interval="Hall, for skewed means",
    source="Hyndman and Koehler 2006, International Journal of Forecasting 22:679",
    undefined=frozenset({Undefined.NO_PREDICTIONS}),
    compute=of_numbers(mae),
)
