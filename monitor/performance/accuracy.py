"""Accuracy: the share of rows whose prediction is the target."""

from __future__ import annotations

from monitor.performance.answers import Counts, of_confusion, value_of
from monitor.performance.interval import wilson
from monitor.performance.metric import Direction, Metric, Undefined, Value


def accuracy(counts: Counts) -> Value:
    """Return the accuracy of rows counted by target and prediction, (k, k)."""
    right, rows = int(counts.trace()), int(counts.sum())
    return value_of(right / rows, wilson(right, rows), rows)


METRIC = Metric(
    name="accuracy",
    title="Accuracy",
    tasks=frozenset({"binary", "multiclass"}),
    needs=frozenset({"prediction"}),
    direction=Direction.HIGHER,
    lowest=0.0,
    highest=1.0,
    about="The share of rows whose prediction is the target.",
    interval="Wilson",
    source="Manning, Raghavan and Schütze 2008, Introduction to Information Retrieval, 8.3",
    undefined=frozenset({Undefined.NO_PREDICTIONS}),
    compute=of_confusion(accuracy),
)
