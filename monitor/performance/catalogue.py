"""What a recommender shows, whatever is relevant: its items, and how popular they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.performance.interval import Floats
from monitor.performance.lists import top
from monitor.performance.pairs import Lists, Places


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """The items in the first k places of n lists, no item twice in one: list and item of each, (m,)."""

    lists: Places
    items: Places
    size: int

    def means(self, values: Floats) -> Floats:
        """Return the mean of a value of each shown item, by list that shows any, (at most n,)."""
        counts = np.bincount(self.lists, minlength=self.size)
        sums = np.bincount(self.lists, values, self.size)
        some = counts > 0
        means: Floats = sums[some] / counts[some]
        return means


def shown(lists: Lists, k: int) -> Shown:
    """Return what stands in the first k places."""
    owner, _, items = top(lists, k)
    return Shown(owner, items, len(lists.ends))


def whole(lists: Lists) -> Shown:
    """Return all items of lists, none twice in one."""
    return shown(lists, max(len(lists.items), 1))


def popularity_of(found: Shown, items: int) -> Floats:
    """Return the share of lists that have each item, by its number, (items,)."""
    return np.bincount(found.items, minlength=items) / max(found.size, 1)


def of_each(popularity: Floats, items: Places) -> Floats:
    """Return the popularity of each item, 0 of those that it does not know, (m,)."""
    inside = items < len(popularity)
    return np.where(inside, popularity[np.minimum(items, len(popularity) - 1)], 0.0)
