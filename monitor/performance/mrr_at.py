"""MRR at k: the mean of one over the rank of the first hit, 0 where the first k places have none."""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import Found, mean_value
from monitor.performance.lists import DEFAULT_K, Hits, of_hits
from monitor.performance.metric import Direction, Metric, Undefined


def reciprocal_rank(hits: Hits) -> Found:
    """Return the mean reciprocal rank over the lists that have relevant items."""
    some = hits.relevant > 0
    if not some.any():
        return Undefined.NOTHING_RELEVANT
    first = np.searchsorted(hits.lists, hits.lists) == np.arange(len(hits.lists))
    return mean_value(hits.sums(first / hits.ranks)[some], 0.0, 1.0)


def mrr_at(k: int) -> Metric:
    """Return the metric within the first k places.

    Raises
    ------
    ValueError: k is less than 1.
    """
    return Metric(
        name=f"mrr_at_{k}",
        title=f"MRR at {k}",
        tasks=frozenset({"ranking"}),
        needs=frozenset({"prediction"}),
        direction=Direction.HIGHER,
        lowest=0.0,
        highest=1.0,
        about=(
            "The mean of one over the rank of the first hit, 0 where there is none, of the lists that have "
            "relevant items."
        ),
        interval="Hall, for skewed means",
        source="Voorhees 1999, TREC-8, 77",
        undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.NOTHING_RELEVANT}),
        compute=of_hits(reciprocal_rank, k),
    )


METRIC = mrr_at(DEFAULT_K)
