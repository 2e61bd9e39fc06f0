"""Catalogue coverage at k: the share of the catalogue's items that stand in the first k places of any list.

The catalogue's size is given; else it is the items that the rows themselves know, shown or relevant. The share grows
with the rows, so that only windows of like size compare, and it has no interval: the lists say nothing of items that
none of them shows.
"""

from __future__ import annotations

import numpy as np

from monitor.performance.catalogue import shown
from monitor.performance.lists import DEFAULT_K, of_lists
from monitor.performance.metric import Direction, Metric, Undefined, Value
from monitor.performance.pairs import RankPairs


def coverage(pairs: RankPairs, k: int, catalogue: int | None) -> Value:
    """Return the share of the catalogue that is shown."""
    seen = len(np.unique(shown(pairs.shown, k).items))
    known = len(np.union1d(pairs.shown.items, pairs.relevant.items)) if catalogue is None else max(catalogue, seen)
    return Value(seen / known, None, None, len(pairs.shown.ends))


def catalogue_coverage_at(k: int, catalogue: int | None = None) -> Metric:
    """Return the metric within the first k places, of a catalogue of so many items.

    Raises
    ------
    ValueError: k is less than 1.
    """
    return Metric(
        name=f"catalogue_coverage_at_{k}",
        title=f"Catalogue coverage at {k}",
        tasks=frozenset({"ranking"}),
        needs=frozenset({"prediction"}),
        direction=Direction.HIGHER,
        lowest=0.0,
        highest=1.0,
        about="The share of the catalogue's items that stand in the first k places of any list.",
        interval="",
        source="Ge, Delgado-Battenfeld and Jannach 2010, RecSys, 257",
        undefined=frozenset({Undefined.NO_PREDICTIONS}),
        compute=of_lists(lambda pairs: coverage(pairs, k, catalogue), k),
    )


METRIC = catalogue_coverage_at(DEFAULT_K)
