"""Bias: by how much predictions are too high, in the unit of the target."""

from __future__ import annotations

from monitor.performance.answers import mean_value, of_numbers
from monitor.performance.interval import Floats
from monitor.performance.metric import Direction, Metric, Undefined, Value


def bias(targets: Floats, predictions: Floats) -> Value:
    """Return the mean of prediction - target; both are (n,)."""
    return mean_value(predictions - targets)


METRIC = Metric(
    name="bias",
    title="Bias",
    tasks=frozenset({"regression"}),
    needs=frozenset({"prediction"}),
    direction=Direction.NEITHER,
    lowest=None,
    highest=None,
    about="The mean of prediction - target: above zero, predictions are too high.",
    interval="Hall, for skewed means",
    source="Walther and Moore 2005, Ecography 28:815",
    undefined=frozenset({Undefined.NO_PREDICTIONS}),
    compute=of_numbers(bias),
)
