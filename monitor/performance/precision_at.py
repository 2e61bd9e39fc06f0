"""Precision at k: the share of the first k places that hit, a place without an item being a miss."""

from __future__ import annotations

from monitor.performance.answers import mean_value
from monitor.performance.lists import DEFAULT_K, Hits, of_hits
from monitor.performance.metric import Direction, Metric, Undefined, Value


def precision(hits: Hits) -> Value:
    """Return the mean over all lists of hits / k."""
    return mean_value(hits.counts() / hits.k, 0.0, 1.0)


def precision_at(k: int) -> Metric:
    """Return the metric within the first k places.

    Raises
    ------
    ValueError: k is less than 1.
    """
    return Metric(
        name=f"precision_at_{k}",
        title=f"Precision at {k}",
        tasks=frozenset({"ranking"}),
        needs=frozenset({"prediction"}),
        direction=Direction.HIGHER,
        lowest=0.0,
        highest=1.0,
        about="The share of the first k places that hit, of all lists.",
        interval="Hall, for skewed means",
        source="Manning, Raghavan and Schütze 2008, Introduction to Information Retrieval, 8.4",
        undefined=frozenset({Undefined.NO_PREDICTIONS}),
        compute=of_hits(precision, k),
    )


METRIC = precision_at(DEFAULT_K)
