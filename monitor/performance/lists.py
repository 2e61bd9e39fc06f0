"""What recommendations hit: which of the first k items shown were relevant, and at which rank.

An item that is shown again in one list hits once, where it stood first; relevant items count once each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.performance.answers import Found, told
from monitor.performance.interval import Floats
from monitor.performance.metric import Undefined, Value
from monitor.performance.pairs import Lists, Places, RankPairs

DEFAULT_K = 10
Ranks: TypeAlias = Callable[[RankPairs, np.random.Generator], Value]


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """The hits of n lists within the first k places.

    Attributes
    ----------
    lists, ranks: the place of each hit's list, and its rank from 1, in order of both, (h,).
    relevant: how many items are relevant to each list, (n,).
    """

    k: int
    lists: Places
    ranks: Places
    relevant: Places

    def counts(self) -> Floats:
        """Return how many hits each list has, (n,)."""
        return self.sums(np.ones(len(self.lists)))

    def sums(self, values: Floats) -> Floats:
        """Return the sum of a value of each hit by list, (n,)."""
        summed: Floats = np.bincount(self.lists, values, len(self.relevant)).astype(np.float64)
        return summed


def top(lists: Lists, k: int) -> tuple[Places, Places, Places]:
    """Return the list, rank from 1 and item of whatever stands in the first k places, each (m,), no item twice."""
    sizes = np.diff(lists.ends, prepend=0)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    rank = np.arange(len(lists.items)) - np.repeat(lists.ends - sizes, sizes) + 1
    near = rank <= k
    owner, rank, items = owner[near], rank[near], lists.items[near]
    first = _firsts(owner, items)
    return owner[first], rank[first], items[first]


def _firsts(owner: Places, items: Places) -> Places:
    """Return the places at which an item stands in a list for the first time, in order."""
    order = np.lexsort((items, owner))
    again = (np.diff(owner[order], prepend=-1) == 0) & (np.diff(items[order], prepend=-1) == 0)
    return np.sort(order[~again])


def hits_of(pairs: RankPairs, k: int) -> Hits:
    """Return the hits of n lists within the first k places."""
    owner, rank, items = top(pairs.shown, k)
    wanted, _, wants = top(pairs.relevant, max(int(np.diff(pairs.relevant.ends, prepend=0).max(initial=0)), 1))
    span = 1 + max(int(items.max(initial=0)), int(wants.max(initial=0)))
    hit: NDArray[np.bool_] = np.isin(owner * span + items, wanted * span + wants)
    return Hits(k, owner[hit], rank[hit], np.bincount(wanted, minlength=len(pairs.relevant.ends)))


def of_lists(measure: Callable[[RankPairs], Found], k: int) -> Ranks:
    """Compute a metric of the first k places, where anything is shown at all.

    Raises
    ------
    ValueError: k is less than 1.
    """
    if k < 1:
        raise ValueError("the first k places are 1 at least")

    def compute(pairs: RankPairs, _: np.random.Generator) -> Value:
        if not len(pairs.shown.ends):
            return told(Undefined.TOO_FEW_ROWS)
        return told(measure(pairs) if len(pairs.shown.items) else Undefined.NO_PREDICTIONS)

    return compute


def of_hits(measure: Callable[[Hits], Found], k: int) -> Ranks:
    """Compute a metric from the hits within the first k places, as :func:`of_lists`."""
    return of_lists(lambda pairs: measure(hits_of(pairs, k)), k)
