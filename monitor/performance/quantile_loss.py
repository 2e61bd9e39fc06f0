"""Quantile loss at q: how far predictions of the q-quantile are off, in the unit of the target.

A target above its prediction costs q times the gap, one below (1 - q) times: the mean is least at the true quantile.
"""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import mean_value, of_numbers
from monitor.performance.interval import Floats
from monitor.performance.metric import Direction, Metric, Undefined, Value

DEFAULT_QUANTILE = 0.5


def loss_at(targets: Floats, predictions: Floats, quantile: float) -> Value:
    """Return the mean loss of predictions of a quantile in (0, 1); both are (n,)."""
    under = targets - predictions
    return mean_value(np.maximum(quantile * under, (quantile - 1) * under), 0.0)


def quantile_loss(quantile: float) -> Metric:
    """Return the metric at a quantile.

    Raises
    ------
    ValueError: the quantile is not in (0, 1).
    """
    if not 0 < quantile < 1:
        raise ValueError("a quantile lies between 0 and 1")
    return Metric(
        name=f"quantile_loss_at_{quantile:g}",
        title=f"Quantile loss at {quantile:g}",
        tasks=frozenset({"regression"}),
        needs=frozenset({"prediction"}),
        direction=Direction.LOWER,
        lowest=0.0,
        highest=None,
        about="How far predictions of a quantile are off: a target above costs q times the gap, one below 1 - q times.",
        interval="Hall, for skewed means",
        source="Koenker and Bassett 1978, Econometrica 46:33",
        undefined=frozenset({Undefined.NO_PREDICTIONS}),
        compute=of_numbers(lambda targets, predictions: loss_at(targets, predictions, quantile)),
    )


METRIC = quantile_loss(DEFAULT_QUANTILE)
