"""Hit rate at k: the share of lists that have a relevant item in the first k places."""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import value_of
from monitor.performance.interval import wilson
from monitor.performance.lists import DEFAULT_K, Hits, of_hits
from monitor.performance.metric import Direction, Metric, Undefined, Value


def hit_rate(hits: Hits) -> Value:
    """Return the share of all lists with a hit."""
    number, rows = int(np.count_nonzero(hits.counts())), len(hits.relevant)
    return value_of(number / rows, wilson(number, rows), rows)


def hit_rate_at(k: int) -> Metric:
    """Return the metric within the first k places.

    Raises
    ------
    ValueError: k is less than 1.
    """
    return Metric(
        name=f"hit_rate_at_{k}",
        title=f"Hit rate at {k}",
        tasks=frozenset({"ranking"}),
        needs=frozenset({"prediction"}),
        direction=Direction.HIGHER,
        lowest=0.0,
        highest=1.0,
        about="The share of lists that have a relevant item in the first k places.",
        interval="Wilson",
        source="Deshpande and Karypis 2004, ACM TOIS 22:143",
        undefined=frozenset({Undefined.NO_PREDICTIONS}),
        compute=of_hits(hit_rate, k),
    )


METRIC = hit_rate_at(DEFAULT_K)
