"""Attribution drift: whether the columns that decide a model's answers are still those that decided on the reference.

A column's weight is the mean of |attribution|, such as of its SHAP values. The rankings are compared by NDCG: the
reference's weights are what columns are worth, in the order of the window's weights, over their own order (Järvelin and
Kekäläinen 2002, ACM TOIS 20:422; Amazon SageMaker Clarify, "Feature attribution drift", takes less than 0.90 as drift).
It is 1 while the order holds, and a swap of two columns that weigh much costs most.

>>> import numpy as np
>>> ndcg_of_ranking(np.array([3.0, 2.0, 1.0]), np.array([5.0, 4.0, 1.0]))
1.0
>>> round(ndcg_of_ranking(np.array([3.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0])), 4)
0.79
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.performance.answers import value_of
from monitor.performance.interval import LOGIT, Floats, delta_bounds
from monitor.performance.metric import Undefined, Value, undefined


@dataclass(frozen=True, slots=True)
class Moved:
    """A column's part of all weight, with its rank from 1: on the reference, and in the window with an interval."""

    column: str
    before: float
    rank_before: int
    now: Value
    rank_now: int


def weights(attributions: Floats) -> Floats:
    """Return the mean |attribution| of each of d columns over n rows, (n, d) -> (d,); NaN where no row is known.

    A row that lacks any attribution does not enter: the columns are to be compared over the same rows.
    """
    sizes = _sizes(attributions)
    means: Floats = np.sort(sizes, axis=0).mean(axis=0) if len(sizes) else np.full(attributions.shape[1], np.nan)
    return means


def ndcg_of_ranking(reference: Floats, current: Floats) -> float:
    """Return the NDCG of the ranking by the current weights, worth what the reference weighs; both are (d,).

    Columns that weigh the same now stand in the order that is worst for the score, so that a tie is no agreement.

    Raises
    ------
    ValueError: the weights are not of the same columns, one is missing or negative, or the reference has none above 0.
    """
    both = np.concatenate((reference, current))
    if reference.shape != current.shape or not (both >= 0).all() or not reference.any():
        raise ValueError("weights are of the same columns, none missing or negative, and on the reference one above 0")
    worth = 1 / np.log2(np.arange(2, len(reference) + 2))
    ideal = float(np.sort(reference)[::-1] @ worth)
    return min(float(reference[np.lexsort((reference, -current))] @ worth) / ideal, 1.0)


def moved(names: tuple[str, ...], reference: Floats, attributions: Floats) -> list[Moved]:
    """Return how each column's part of all weight moved, the most first.

    Parameters
    ----------
    names, reference: the d columns, and their weights on the reference, (d,), of which one is above zero.
    attributions: of n rows of the window, (n, d).
    """
    sizes = _sizes(attributions)
    before = reference / reference.sum()
    found = [
        Moved(name, float(before[at]), int(old), _part(sizes, at), int(new))
        for at, (name, old, new) in enumerate(zip(names, ranks(reference), ranks(weights(attributions)), strict=True))
    ]
    return sorted(found, key=lambda one: -abs((one.now.value or 0.0) - one.before))


def _part(sizes: Floats, at: int) -> Value:
    """Return a column's part of all weight, a ratio of two means over the rows."""
    total = np.sort(sizes.sum(axis=1)).sum()
    if not total:
        return undefined(Undefined.TOO_FEW_ROWS)
    part = min(float(np.sort(sizes[:, at]).sum() / total), 1.0)
    influences = (sizes[:, at] - part * sizes.sum(axis=1)) * (len(sizes) / total)
    return value_of(part, delta_bounds(part, influences, LOGIT), len(sizes))


def _sizes(attributions: Floats) -> Floats:
    sizes: Floats = np.abs(attributions[np.isfinite(attributions).all(axis=1)])
    return sizes


def ranks(values: Floats) -> NDArray[np.intp]:
    """Return ranks from 1, the largest first, equal ones in the order they stand in."""
    ranks = np.empty(len(values), dtype=np.intp)
    ranks[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
    return ranks
