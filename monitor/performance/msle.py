"""Mean squared logarithmic error: the square of the error of ln(1 + value)."""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import Found, mean_value, of_numbers
from monitor.performance.interval import Floats
from monitor.performance.metric import Direction, Metric, Undefined


def msle(targets: Floats, predictions: Floats) -> Found:
    """Return the mean of (ln(1 + prediction) - ln(1 + target))²; both are (n,)."""
    if min(float(targets.min()), float(predictions.min())) <= -1:
        return Undefined.VALUES_TOO_LOW
    return mean_value(np.square(np.log1p(predictions) - np.log1p(targets)), 0.0)


METRIC = Metric(
    name="msle",
    title="Mean squared logarithmic error",
    tasks=frozenset({"regression"}),
    needs=frozenset({"prediction"}),
    direction=Direction.LOWER,
    lowest=0.0,
    highest=None,
    about="The mean of (ln(1 + prediction) - ln(1 + target))²; a value of -1 or less leaves it undefined.",
    interval="Hall, for skewed means",
    source="scikit-learn, mean_squared_log_error",
    undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.VALUES_TOO_LOW}),
    compute=of_numbers(msle),
)
