"""Novelty at k: how surprising what is shown is: the mean of -log2 of the popularity of the items, in bits.

The popularity of an item, in (0, 1], is given by its number, and one that has none counts as the least popular; else
it is the share of the rows' own lists that show it, which has no interval.
"""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import mean_value
from monitor.performance.catalogue import of_each, popularity_of, shown
from monitor.performance.interval import Floats
from monitor.performance.lists import DEFAULT_K, of_lists
from monitor.performance.metric import Direction, Metric, Undefined, Value
from monitor.performance.pairs import RankPairs


def novelty(pairs: RankPairs, k: int, popularity: Floats | None) -> Value:
    """Return the mean, over lists that show anything, of the mean surprise of their items."""
    found = shown(pairs.shown, k)
    known = of_each(popularity_of(found, 1) if popularity is None else popularity, found.items)
    least = 1 / found.size if popularity is None else float(popularity[popularity > 0].min(initial=1.0))
    told = mean_value(found.means(-np.log2(np.clip(known, least, 1))), 0.0)
    return told if popularity is not None else Value(told.value, None, None, told.rows)


def novelty_at(k: int, popularity: Floats | None = None) -> Metric:
    """Return the metric within the first k places, by the popularity of each item, (items,).

    Raises
    ------
    ValueError: k is less than 1.
    """
    return Metric(
        name=f"novelty_at_{k}",
        title=f"Novelty at {k}",
        tasks=frozenset({"ranking"}),
        needs=frozenset({"prediction"}),
        direction=Direction.NEITHER,
        lowest=0.0,
        highest=None,
        about="How surprising what is shown is: the mean of -log2 of the popularity of the items.",
        interval="Hall, for skewed means, where popularity is given",
        source="Zhou, Kuscsik, Liu, Medo, Wakeling and Zhang 2010, PNAS 107:4511",
        undefined=frozenset({Undefined.NO_PREDICTIONS}),
        compute=of_lists(lambda pairs: novelty(pairs, k, popularity), k),
    )


METRIC = novelty_at(DEFAULT_K)
