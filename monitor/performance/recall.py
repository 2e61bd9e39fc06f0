"""Recall: of the positive rows, the share that is predicted so; of several classes the mean of theirs."""

from __future__ import annotations

from monitor.performance.answers import Counts, Found, of_confusion, value_of
from monitor.performance.interval import mean_of_shares, wilson
from monitor.performance.metric import Direction, Metric, Undefined

_BINARY = 2


def recall(counts: Counts) -> Found:
    """Return the recall of rows counted by target and prediction, (k, k).

    A class without targets has no recall, and does not enter the mean.
    """
    sizes, rows = counts.sum(axis=1), int(counts.sum())
    if len(counts) == _BINARY:
        found, positives = int(counts[1, 1]), int(sizes[1])
        if not positives:
            return Undefined.NO_POSITIVES
        return value_of(found / positives, wilson(found, positives), rows)
    parts = [(int(counts[place, place]), int(size)) for place, size in enumerate(sizes) if size]
    return value_of(sum(hits / size for hits, size in parts) / len(parts), mean_of_shares(parts), rows)


METRIC = Metric(
    name="recall",
    title="Recall",
    tasks=frozenset({"binary", "multiclass"}),
    needs=frozenset({"prediction"}),
    direction=Direction.HIGHER,
    lowest=0.0,
    highest=1.0,
    about=(
        "Of the positive rows, the share that is predicted so; of several classes the mean over those that "
        "have targets."
    ),
    interval="Wilson; of several classes MOVER over Wilson",
    undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.NO_POSITIVES}),
    compute=of_confusion(recall),
)
