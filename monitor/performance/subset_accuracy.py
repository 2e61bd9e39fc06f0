"""Subset accuracy: the share of rows whose labels are all right."""

from __future__ import annotations

from monitor.performance.answers import value_of
from monitor.performance.interval import wilson
from monitor.performance.labels import of_labels
from monitor.performance.metric import Direction, Metric, Value
from monitor.performance.pairs import LabelPairs


def subset_accuracy(pairs: LabelPairs) -> Value:
    """Return the share of rows with no wrong label."""
    right, rows = int((pairs.targets == pairs.predictions).all(axis=1).sum()), len(pairs.targets)
    return value_of(right / rows, wilson(right, rows), rows)


METRIC = Metric(
    name="subset_accuracy",
    title="Subset accuracy",
    tasks=frozenset({"multilabel"}),
    needs=frozenset({"prediction"}),
    direction=Direction.HIGHER,
    lowest=0.0,
    highest=1.0,
    about="The share of rows whose labels are all right.",
    interval="Wilson",
    source="Zhang and Zhou 2014, IEEE TKDE 26:1819",
    undefined=frozenset(),
    compute=of_labels(subset_accuracy),
)
