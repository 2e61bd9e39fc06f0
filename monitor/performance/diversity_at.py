"""Diversity at k: how different lists are from each other, one less the mean share of places two of them share.

Needs nothing but the lists (what its source calls personalisation):
0 if all see the same items, 1 if no two lists share one. The mean over all pairs of lists is a U-statistic, and the
influence of a list is twice its mean overlap with the others (Hoeffding 1948, Annals of Mathematical Statistics
19:293).
"""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import Found, value_of
from monitor.performance.catalogue import shown
from monitor.performance.interval import LOGIT, delta_bounds, steady_mean
from monitor.performance.lists import DEFAULT_K, of_lists
from monitor.performance.metric import Direction, Metric, Undefined
from monitor.performance.pairs import RankPairs

_LEAST_LISTS = 2


def diversity(pairs: RankPairs, k: int) -> Found:
    """Return one less the mean over all pairs of lists of shared items / k."""
    found, rows = shown(pairs.shown, k), len(pairs.shown.ends)
    if rows < _LEAST_LISTS:
        return Undefined.TOO_FEW_ROWS
    others = np.bincount(found.items)[found.items] - 1.0
    overlaps = np.bincount(found.lists, others, rows) / (rows - 1) / k
    mean = steady_mean(overlaps)
    value = min(max(1 - mean, 0.0), 1.0)
    return value_of(value, delta_bounds(value, -2 * (overlaps - mean), LOGIT), rows)


def diversity_at(k: int) -> Metric:
    """Return the metric within the first k places.

    Raises
    ------
    ValueError: k is less than 1.
    """
    return Metric(
        name=f"diversity_at_{k}",
        title=f"Diversity at {k}",
        tasks=frozenset({"ranking"}),
        needs=frozenset({"prediction"}),
        direction=Direction.NEITHER,
        lowest=0.0,
        highest=1.0,
        about=(
            "How different lists are from each other: one less the mean share of places that two of them have in "
            "common."
        ),
        interval="the delta method on the logit",
        source="Zhou, Kuscsik, Liu, Medo, Wakeling and Zhang 2010, PNAS 107:4511",
        undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.TOO_FEW_ROWS}),
        compute=of_lists(lambda pairs: diversity(pairs, k), k),
    )


METRIC = diversity_at(DEFAULT_K)
