"""Pairwise dependence: which pairs of columns are watched, and the products whose mean is their correlation."""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats


def chosen_pairs(correlation: Floats, number: int) -> tuple[tuple[int, int], ...]:
    """Return the pairs to watch, at most ``number``, in order of importance.

    First the tree that joins all columns by the strongest dependences (Chow and Liu 1968; Prim's and Kruskal's trees
    are one here): whatever column comes loose from the others, one of its strongest ties breaks. Then the strongest
    of the other pairs. Ties go by place.

    Parameters
    ----------
    correlation: of the columns' normal scores, shape (d, d).
    """
    d = len(correlation)
    first, second = np.triu_indices(d, 1)
    order = np.argsort(-np.abs(np.round(correlation[first, second], 6)), kind="stable")
    ranked = [(int(first[place]), int(second[place])) for place in order]
    tree = _tree(ranked, d)
    rest = [pair for pair in ranked if pair not in tree]
    return tuple([*(pair for pair in ranked if pair in tree), *rest][:number])


def _tree(ranked: list[tuple[int, int]], size: int) -> set[tuple[int, int]]:
    """Return the pairs of Kruskal's tree: each, in order, that joins two parts not joined before."""
    part = list(range(size))
    tree = set()
    for a, b in ranked:
        if part[a] != part[b]:
            gone, kept = part[b], part[a]
            part = [kept if each == gone else each for each in part]
            tree.add((a, b))
    return tree
