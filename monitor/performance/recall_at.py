"""Recall at k: the share of the relevant items that stand in the first k places."""

from __future__ import annotations

from monitor.performance.answers import Found, mean_value
from monitor.performance.lists import DEFAULT_K, Hits, of_hits
from monitor.performance.metric import Direction, Metric, Undefined


def recall(hits: Hits) -> Found:
    """Return the mean of hits / relevant items over the lists that have any."""
    some = hits.relevant > 0
    if not some.any():
        return Undefined.NOTHING_RELEVANT
    return mean_value(hits.counts()[some] / hits.relevant[some], 0.0, 1.0)


def recall_at(k: int) -> Metric:
    """Return the metric within the first k places.

    Raises
    ------
    ValueError: k is less than 1.
    """
    return Metric(
        name=f"recall_at_{k}",
        title=f"Recall at {k}",
        tasks=frozenset({"ranking"}),
        needs=frozenset({"prediction"}),
        direction=Direction.HIGHER,
        lowest=0.0,
        highest=1.0,
        about="The share of the relevant items that stand in the first k places, of the lists that have any.",
        interval="Hall, for skewed means",
        source="Herlocker, Konstan, Terveen and Riedl 2004, ACM TOIS 22:5",
        undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.NOTHING_RELEVANT}),
        compute=of_hits(recall, k),
    )


METRIC = recall_at(DEFAULT_K)
