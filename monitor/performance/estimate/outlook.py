"""What an estimator says of a window before it is a value with a band."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from monitor.performance.estimate.band import Misses, widened
from monitor.performance.estimate.expected import Expected
from monitor.performance.estimate.taught import Knowledge
from monitor.performance.metric import Undefined, Value
from monitor.performance.pairs import UNKNOWN, Floats, Places

Asked: TypeAlias = Collection[str] | None
"""The metrics that are wanted; ``None``: all."""
Columns = Mapping[str, Floats]
"""What an estimator keeps of each record, by name, each (n,)."""
RANGES: Mapping[str, tuple[float | None, float | None]] = {
    "mcc": (-1.0, 1.0),
    "log_loss": (0.0, None),
    "business_value": (None, None),
    "mae": (0.0, None),
    "mse": (0.0, None),
    "rmse": (0.0, None),
}
"""Where a metric's values lie, if not between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """An expected value of n rows and its variance, or why there is none."""

    value: float | None
    variance: float
    rows: int
    why: Undefined | None = None


def outlook(expected: Expected | Undefined, probabilities: Floats, scores: Floats, taught: Knowledge | None) -> Outlook:
    """Return the outlook of an expectation of rows with these probabilities and scores, (n,).

    Two things scatter it: which targets are drawn, and what the reference did not know of the probabilities.
    """
    if isinstance(expected, Undefined):
        return Outlook(None, 0.0, len(probabilities), expected)
    unknown = 0.0 if taught is None else taught.variance(scores, expected.slope)
    return Outlook(expected.value, expected.variance(probabilities) + unknown, len(probabilities))


def places_told(predictions: Places | None, rows: int) -> Floats:
    """Return predictions as floats, NaN where there is none, (n,)."""
    if predictions is None:
        return np.full(rows, np.nan)
    return np.where(predictions == UNKNOWN, np.nan, predictions.astype(np.float64))


def wanted(outlooks: Mapping[str, Outlook], asked: Asked) -> dict[str, Outlook]:
    """Return the outlooks of the metrics asked for."""
    return {name: seen for name, seen in outlooks.items() if asked is None or name in asked}


def all_banded(outlooks: Mapping[str, Outlook], misses: Mapping[str, Misses]) -> dict[str, Value]:
    """Return the values with their bands."""
    return {name: banded(name, seen, misses[name]) for name, seen in outlooks.items()}


def banded(name: str, seen: Outlook, misses: Misses) -> Value:
    """Return the value with its 95 % band, widened by past misses and kept in the metric's range."""
    if seen.value is None:
        return Value(None, None, None, seen.rows, seen.why)
    lowest, highest = RANGES.get(name, (0.0, 1.0))
    lower, upper = widened(seen.value, seen.variance, misses)
    lower = lower if lowest is None else max(lower, lowest)
    upper = upper if highest is None else min(upper, highest)
    return Value(seen.value, lower, upper, seen.rows)
