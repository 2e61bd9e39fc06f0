"""MAP at k: the mean of the precision at each hit, over the relevant items that could stand in the first k places.

AP = sum over hits of (hits up to its rank) / rank, over min(k, relevant items).
"""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import Found, mean_value
from monitor.performance.lists import DEFAULT_K, Hits, of_hits
from monitor.performance.metric import Direction, Metric, Undefined


def average_precision(hits: Hits) -> Found:
    """Return the mean average precision over the lists that have relevant items."""
    some = hits.relevant > 0
    if not some.any():
        return Undefined.NOTHING_RELEVANT
    number = np.arange(len(hits.lists)) - np.searchsorted(hits.lists, hits.lists) + 1
    sums = hits.sums(number / hits.ranks)
    return mean_value(sums[some] / np.minimum(hits.relevant[some], hits.k), 0.0, 1.0)


def map_at(k: int) -> Metric:
    """Return the metric within the first k places.

    Raises
    ------
    ValueError: k is less than 1.
    """
    return Metric(
        name=f"map_at_{k}",
        title=f"MAP at {k}",
        tasks=frozenset({"ranking"}),
        needs=frozenset({"prediction"}),
        direction=Direction.HIGHER,
        lowest=0.0,
        highest=1.0,
        about=(
            "The mean of the precision at each hit, over the relevant items that could be in the first k places, "
            "of the lists that have any."
        ),
        interval="Hall, for skewed means",
        source="Manning, Raghavan and Schütze 2008, Introduction to Information Retrieval, 8.4",
        undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.NOTHING_RELEVANT}),
        compute=of_hits(average_precision, k),
    )


METRIC = map_at(DEFAULT_K)
