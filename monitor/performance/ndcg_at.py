"""NDCG at k: how near the hits stand to the top, as a part of the best there could be.

A hit at rank r is worth 1 / log2(1 + r), and the best list has all its relevant items first.
"""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import Found, mean_value
from monitor.performance.interval import Floats
from monitor.performance.lists import DEFAULT_K, Hits, of_hits
from monitor.performance.metric import Direction, Metric, Undefined


def ndcgs(hits: Hits) -> Floats:
    """Return the NDCG of each list that has relevant items, NaN of the others, (n,)."""
    best = np.cumsum(1 / np.log2(np.arange(2, hits.k + 2)))
    most = np.minimum(hits.relevant, hits.k)
    ideal = np.where(most > 0, best[np.maximum(most, 1) - 1], np.nan)
    return np.minimum(hits.sums(1 / np.log2(1 + hits.ranks)) / ideal, 1.0)


def ndcg(hits: Hits) -> Found:
    """Return the mean NDCG over the lists that have relevant items."""
    each = ndcgs(hits)
    some = ~np.isnan(each)
    return mean_value(each[some], 0.0, 1.0) if some.any() else Undefined.NOTHING_RELEVANT


def ndcg_at(k: int) -> Metric:
    """Return the metric within the first k places.

    Raises
    ------
    ValueError: k is less than 1.
    """
    return Metric(
        name=f"ndcg_at_{k}",
        title=f"NDCG at {k}",
        tasks=frozenset({"ranking"}),
        needs=frozenset({"prediction"}),
        direction=Direction.HIGHER,
        lowest=0.0,
        highest=1.0,
        about=(
            "How near the hits stand to the top, as a part of the best there could be, of the lists that have "
            "relevant items."
        ),
        interval="Hall, for skewed means",
        source="Järvelin and Kekäläinen 2002, ACM TOIS 20:422",
        undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.NOTHING_RELEVANT}),
        compute=of_hits(ndcg, k),
    )


METRIC = ndcg_at(DEFAULT_K)
