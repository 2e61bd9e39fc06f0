"""Balanced accuracy: the mean over the classes of the share of their rows that is predicted right."""

from __future__ import annotations

from monitor.performance.answers import Counts, Found, of_confusion, value_of
from monitor.performance.interval import mean_of_shares
from monitor.performance.metric import Direction, Metric, Undefined


def balanced_accuracy(counts: Counts) -> Found:
    """Return the balanced accuracy of rows counted by target and prediction, (k, k), over the classes with targets."""
    sizes = counts.sum(axis=1)
    parts = [(int(counts[place, place]), int(size)) for place, size in enumerate(sizes) if size]
    if len(parts) == 1:
        return Undefined.ONE_CLASS
    mean = sum(hits / rows for hits, rows in parts) / len(parts)
    return value_of(mean, mean_of_shares(parts), int(counts.sum()))


METRIC = Metric(
    name="balanced_accuracy",
    title="Balanced accuracy",
    tasks=frozenset({"binary", "multiclass"}),
    needs=frozenset({"prediction"}),
    direction=Direction.HIGHER,
    lowest=0.0,
    highest=1.0,
    about="The mean over the classes of the share of their rows that is predicted right.",
    interval="MOVER over Wilson",
    undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.ONE_CLASS}),
    compute=of_confusion(balanced_accuracy),
)
