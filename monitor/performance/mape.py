"""Mean absolute percentage error, as a ratio: 0.1 is ten percent."""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import Found, mean_value, of_numbers
from monitor.performance.interval import Floats
from monitor.performance.metric import Direction, Metric, Undefined


def mape(targets: Floats, predictions: Floats) -> Found:
    """Return the mean of |prediction - target| / |target|; both are (n,)."""
    if not targets.all():
        return Undefined.ZERO_TARGETS
    return mean_value(np.abs((predictions - targets) / targets), 0.0)


METRIC = Metric(
    name="mape",
    title="Mean absolute percentage error",
    tasks=frozenset({"regression"}),
    needs=frozenset({"prediction"}),
    direction=Direction.LOWER,
    lowest=0.0,
    highest=None,
    about="The mean of |prediction - target| / |target|, a ratio; a target of zero leaves it undefined.",
    interval="Hall, for skewed means",
    source="Hyndman and Koehler 2006, International Journal of Forecasting 22:679",
    undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.ZERO_TARGETS}),
    compute=of_numbers(mape),
)
