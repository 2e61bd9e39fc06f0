"""Precision: of the rows that are predicted positive, the share that is; of several classes the mean of theirs."""

from __future__ import annotations

from monitor.performance.answers import Counts, Found, of_confusion
from monitor.performance.class_shares import POSITIVE, mean_share, share_of
from monitor.performance.metric import Direction, Metric, Undefined

_BINARY = 2


def precision(counts: Counts) -> Found:
    """Return the precision of rows counted by target and prediction, (k, k).

    A class that is never predicted has no precision, and does not enter the mean.
    """
    among = counts.sum(axis=0)
    if len(counts) == _BINARY:
        return share_of(counts, POSITIVE, int(among[POSITIVE]), Undefined.NO_POSITIVE_PREDICTIONS)
    return mean_share(counts, among)


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
    source="Manning, Raghavan and Schütze 2008, Introduction to Information Retrieval, 8.3",
    undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.NO_POSITIVE_PREDICTIONS}),
    compute=of_confusion(precision),
)
