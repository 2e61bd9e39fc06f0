"""Median absolute error, in the unit of the target.

The interval has order statistics for ends, by the binomial law of how many rows are under the median (Hahn and Meeker
1991, Statistical Intervals, 5.2): it assumes nothing of the errors, and is exact or a little wide.
"""

from __future__ import annotations

import numpy as np
from scipy.special import bdtr, bdtrik

from monitor.performance.answers import of_numbers, value_of
from monitor.performance.interval import LEVEL, Bounds, Floats
from monitor.performance.metric import Direction, Metric, Undefined, Value


def median_error(targets: Floats, predictions: Floats) -> Value:
    """Return the median of |prediction - target|; both are (n,)."""
    errors = np.sort(np.abs(predictions - targets))
    return value_of(float(np.median(errors)), _bounds(errors), len(errors))


def _bounds(errors: Floats) -> Bounds | None:
    """Return the innermost order statistics that the median is below, and above, with a chance of 2.5 % at most."""
    rows, outside = len(errors), (1 - LEVEL) / 2
    if float(bdtr(0, rows, 0.5)) > outside:
        return None
    place = int(bdtrik(outside, rows, 0.5))
    return float(errors[place]), float(errors[rows - 1 - place])


METRIC = Metric(
    name="median_error",
    title="Median absolute error",
    tasks=frozenset({"regression"}),
    needs=frozenset({"prediction"}),
    direction=Direction.LOWER,
    lowest=0.0,
    highest=None,
    about="The median of |prediction - target|.",
    interval="order statistics, by the binomial law",
    source="Hyndman and Koehler 2006, International Journal of Forecasting 22:679",
    undefined=frozenset({Undefined.NO_PREDICTIONS}),
    compute=of_numbers(median_error),
)
