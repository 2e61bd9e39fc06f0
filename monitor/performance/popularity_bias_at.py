"""Popularity bias at k: by how much more popular the items are that are shown than those that turn out relevant.

The mean over lists of the mean popularity of what is shown, over that of what is relevant, less 1: 0.5 is half as
popular again. The popularity of an item is given, by its number; else it is the share of the rows' own lists to which
it is relevant, which has no interval.
"""

from __future__ import annotations

from monitor.performance.answers import Found, value_of
from monitor.performance.catalogue import of_each, popularity_of, shown, whole
from monitor.performance.interval import LOG, Floats, delta_bounds, steady_mean
from monitor.performance.lists import DEFAULT_K, of_lists
from monitor.performance.metric import Direction, Metric, Undefined, Value
from monitor.performance.pairs import RankPairs


def bias(pairs: RankPairs, k: int, popularity: Floats | None) -> Found:
    """Return the popularity of what is shown over that of what is relevant, less 1."""
    wanted, offered = whole(pairs.relevant), shown(pairs.shown, k)
    if not len(wanted.items):
        return Undefined.NOTHING_RELEVANT
    known = popularity_of(wanted, 1) if popularity is None else popularity
    ours, theirs = (side.means(of_each(known, side.items)) for side in (offered, wanted))
    base = steady_mean(theirs)
    if base <= 0:
        return Undefined.NOTHING_RELEVANT
    ratio, rows = steady_mean(ours) / base, len(pairs.shown.ends)
    if popularity is None or len(ours) != rows or len(theirs) != rows:
        return Value(ratio - 1, None, None, rows)
    bounds = delta_bounds(ratio, (ours - ratio * theirs) / base, LOG) if ratio > 0 else None
    return value_of(ratio - 1, None if bounds is None else (bounds[0] - 1, bounds[1] - 1), rows)


def popularity_bias_at(k: int, popularity: Floats | None = None) -> Metric:
    """Return the metric within the first k places, by the popularity of each item, (items,).

    Raises
    ------
    ValueError: k is less than 1.
    """
    return Metric(
        name=f"popularity_bias_at_{k}",
        title=f"Popularity bias at {k}",
        tasks=frozenset({"ranking"}),
        needs=frozenset({"prediction"}),
        direction=Direction.NEITHER,
        lowest=-1.0,
        highest=None,
        about=(
            "By how much more popular the items are that are shown than those that turn out relevant: 0.5 is half "
            "as popular again."
        ),
        interval="the delta method on the logarithm, where popularity is given and every list has items on both sides",
        source="Abdollahpouri, Mansoury, Burke and Mobasher 2020, RecSys: the popularity lift",
        undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.NOTHING_RELEVANT}),
        compute=of_lists(lambda pairs: bias(pairs, k, popularity), k),
    )


METRIC = popularity_bias_at(DEFAULT_K)
