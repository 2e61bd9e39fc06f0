"""What describes a fairness measure, and what one reads."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.fairness.disparity import Disparity, Part
from monitor.performance.interval import Floats
from monitor.performance.metric import Direction, Undefined
from monitor.performance.pairs import UNKNOWN, ClassPairs, Places


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The group of each row by its place among ``names``, (n,), ``UNKNOWN`` where it has none."""

    names: tuple[str, ...]
    places: Places = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """Answers of a model of two classes, and the groups of the same rows."""

    pairs: ClassPairs
    groups: Groups


@dataclass(frozen=True, slots=True)
class Measure:
    """A fairness measure, described as data.

    Attributes
    ----------
    needs: ``prediction``, ``score``, ``target`` and ``reference``: what must be there.
    about: what it is, in one sentence for the docs.
    interval: how that of a pair of groups is found, in words for the docs. ``source``: of the definition.
    undefined: why it may have no value, besides there being too few rows in all groups, or in all but one.
    compute: the rows of a window, and those of the reference where they are needed -> :class:`Disparity`.
    least: the smallest that one group less another can be.
    """

    name: str
    title: str
    needs: frozenset[str]
    about: str
    interval: str
    source: str
    undefined: frozenset[Undefined]
    compute: Callable[[Observed, Observed | None], Disparity]
    direction: Direction = Direction.LOWER
    least: float = -1.0


def share_parts(groups: Groups, hit: NDArray[np.bool_], among: NDArray[np.bool_]) -> list[Part]:
    """Return, of each group, the share of its rows ``among`` which to count that are hits; both are (n,)."""
    chosen = among & (groups.places != UNKNOWN)
    size = len(groups.names)
    rows = np.bincount(groups.places[chosen], minlength=size)
    hits = np.bincount(groups.places[chosen & hit], minlength=size)
    shares = hits / np.maximum(rows, 1)
    return [Part(name, float(a), int(b)) for name, a, b in zip(groups.names, shares, rows, strict=True)]


def mean_parts(groups: Groups, values: Floats) -> list[Part]:
    """Return, of each group, the mean of the values of its rows, (n,), of those that have one."""
    return [_mean(name, values[groups.places == place]) for place, name in enumerate(groups.names)]


def _mean(name: str, values: Floats) -> Part:
    mine = np.sort(values[~np.isnan(values)])
    if len(mine) <= 1:
        return Part(name, 0.0, 0, 0.0)
    return Part(name, float(mine.mean()), len(mine), float(mine.std(ddof=1)) / math.sqrt(len(mine)))


def predicted(observed: Observed) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Return which rows are predicted positive, and which are predicted at all, (n,); nothing without predictions."""
    predictions = observed.pairs.predictions
    return None if predictions is None else (predictions == 1, predictions != UNKNOWN)
