"""Precision: of the rows that are predicted positive, the share that is; of several classes the mean of theirs."""

from __future__ import annotations

from monitor.performance.answers import Counts, Found, of_confusion, value_of
from monitor.performance.interval import mean_of_shares, wilson
from monitor.performance.metric import Direction, Metric, Undefined

_BINARY = 2


def precision(counts: Counts) -> Found:
    """Return the precision of rows counted by target and prediction, (k, k).

    A class that is never predicted has no precision, and does not enter the mean.
    """
    predicted, rows = counts.sum(axis=0), int(counts.sum())
    if len(counts) == _BINARY:
        right, claimed = int(counts[1, 1]), int(predicted[1])
        if not claimed:
            return Undefined.NO_POSITIVE_PREDICTIONS
        return value_of(right / claimed, wilson(right, claimed), rows)
    parts = [(int(counts[place, place]), int(size)) for place, size in enumerate(predicted) if size]
    return value_of(sum(hits / size for hits, size in parts) / len(parts), mean_of_shares(parts), rows)


METRIC = Metric(
    name="precision",
    title="Precision",
    tasks=frozenset({"binary", "multiclass"}),
    needs=frozenset({"prediction"}),
    direction=Direction.HIGHER,
    lowest=0.0,
    highest=1.0,
    about=(
        "Of the rows that are predicted positive, the share that is; of several classes the mean over those "
        "that are predicted."
    ),
    interval="Wilson; of several classes MOVER over Wilson",
    undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.NO_POSITIVE_PREDICTIONS}),
    compute=of_confusion(precision),
)
