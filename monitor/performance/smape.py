"""Symmetric mean absolute percentage error, as a ratio from 0 to 2: 0 where both are zero.

As in its source, but with absolute values in the divisor.
"""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import mean_value, of_numbers
from monitor.performance.interval import Floats
from monitor.performance.metric import Direction, Metric, Undefined, Value


def smape(targets: Floats, predictions: Floats) -> Value:
    """Return the mean of 2 |prediction - target| / (|prediction| + |target|); both are (n,)."""
    both = np.abs(predictions) + np.abs(targets)
    return mean_value(
        np.divide(2 * np.abs(predictions - targets), both, out=np.zeros_like(both), where=both > 0), 0.0, 2.0
    )


METRIC = Metric(
    name="smape",
    title="Symmetric mean absolute percentage error",
    tasks=frozenset({"regression"}),
    needs=frozenset({"prediction"}),
    direction=Direction.LOWER,
    lowest=0.0,
    highest=2.0,
    about="The mean of 2 |prediction - target| / (|prediction| + |target|), a ratio.",
    interval="Hall, for skewed means",
    source="Armstrong 1985, Long-Range Forecasting, 348",
    undefined=frozenset({Undefined.NO_PREDICTIONS}),
    compute=of_numbers(smape),
)
