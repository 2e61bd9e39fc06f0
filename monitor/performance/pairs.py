"""Predictions with their targets, as performance metrics read them: one class a kind of answer, n rows each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]

UNKNOWN = -1
"""The place of a class that is none of the known ones, or is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassPairs:
    """Answers of a classifier; classes are given by their place among ``classes``.

    Attributes
    ----------
    classes: k names; of a binary model the positive class is the second.
    targets: (n,); ``UNKNOWN`` never occurs.
    predictions: (n,), ``UNKNOWN`` where there is none; ``None`` if the model logs none.
    scores: probabilities: of the positive class (n,) if binary, else of each class (n, k); NaN where there is none;
        ``None`` if the model logs none.
    """

    classes: tuple[str, ...]
    targets: Places = field(repr=False)
    predictions: Places | None = field(repr=False)
    scores: Floats | None = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class NumberPairs:
    """Answers of a regression.

    Attributes
    ----------
    targets: (n,), finite.
    predictions: (n,), NaN where there is none.
    lower, upper: bounds of the model's own prediction interval, (n,), or ``None`` if the model logs none.
    """

    targets: Floats = field(repr=False)
    predictions: Floats = field(repr=False)
    lower: Floats | None = field(default=None, repr=False)
    upper: Floats | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """n lists of items, one after the other: list i is ``items[ends[i - 1] : ends[i]]``; equal items, equal numbers."""

    items: Places = field(repr=False)
    ends: Places = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class RankPairs:
    """Answers of a recommender: what it showed, best first, and what turned out to be relevant."""

    shown: Lists
    relevant: Lists


@dataclass(frozen=True, slots=True, eq=False)
class LabelPairs:
    """Answers of a multilabel model: which of k labels each row has, bool (n, k), and which were predicted."""

    labels: tuple[str, ...]
    targets: NDArray[np.bool_] = field(repr=False)
    predictions: NDArray[np.bool_] = field(repr=False)


Pairs: TypeAlias = ClassPairs | NumberPairs | RankPairs | LabelPairs
