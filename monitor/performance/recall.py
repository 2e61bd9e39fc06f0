"""Recall: of the positive rows, the share that is predicted so; of several classes the mean of theirs."""

from __future__ import annotations

from monitor.performance.answers import Counts, Found, of_confusion
from monitor.performance.class_shares import POSITIVE, mean_share, share_of
from monitor.performance.metric import Direction, Metric, Undefined

_BINARY = 2


def recall(counts: Counts) -> Found:
    """Return the recall of rows counted by target and prediction, (k, k).

    A class without targets has no recall, and does not enter the mean.
    """
    among = counts.sum(axis=1)
    if len(counts) == _BINARY:
        return share_of(counts, POSITIVE, int(among[POSITIVE]), Undefined.NO_POSITIVES)
    return mean_share(counts, among)


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
    source="Manning, Raghavan and Schütze 2008, Introduction to Information Retrieval, 8.3",
    undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.NO_POSITIVES}),
    compute=of_confusion(recall),
)
