"""What describes a performance metric, and what one yields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np


class Direction(StrEnum):
    """Which values are better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Undefined(StrEnum):
    """Why a metric has no value."""

    TOO_FEW_ROWS = "too_few_rows"
    ONE_CLASS = "one_class"
    NO_PREDICTIONS = "no_predictions"
    NO_SCORES = "no_scores"
    NO_POSITIVES = "no_positives"
    NO_NEGATIVES = "no_negatives"
    NO_POSITIVE_PREDICTIONS = "no_positive_predictions"
    ONE_CLASS_PREDICTED = "one_class_predicted"
    NOT_PROBABILITIES = "not_probabilities"
    CONSTANT_TARGET = "constant_target"
    ZERO_TARGETS = "zero_targets"
    VALUES_TOO_LOW = "values_too_low"
    NO_BOUNDS = "no_bounds"
    NOTHING_RELEVANT = "nothing_relevant"
    ONE_GROUP = "one_group"
    NO_REFERENCE = "no_reference"


@dataclass(frozen=True, slots=True)
class Value:
    """What a metric says of n rows: its value with a 95 % interval, or why it has none.

    ``lower`` and ``upper`` are ``None`` where the metric has no interval; ``rows`` are those that entered.
    """

    value: float | None
    lower: float | None
    upper: float | None
    rows: int
    why: Undefined | None = None


def undefined(why: Undefined) -> Value:
    """Return the value of a metric that has none."""
    return Value(None, None, None, 0, why)


@dataclass(frozen=True, slots=True)
class Metric:
    """A performance metric, described as data.

    Attributes
    ----------
    name: as users write it, such as ``roc_auc``; ``title``: as a page shows it.
    tasks: of ``binary``, ``multiclass``, ``regression``, ``ranking``, ``multilabel``.
    needs: ``prediction``, ``score``, or both.
    lowest, highest: the range of its values, ``None`` where it has no bound.
    about: what it is, in one sentence for the docs.
    interval: how the interval is found, in words for the docs; empty if it has none.
    source: of the formula; of the interval its module's docstring says it.
    undefined: why it may have no value, besides there being no rows.
    compute: pairs of its task and a generator for what is random in its interval -> :class:`Value`.
    """

    name: str
    title: str
    tasks: frozenset[str]
    needs: frozenset[str]
    direction: Direction
    lowest: float | None
    highest: float | None
    about: str
    interval: str
    source: str
    undefined: frozenset[Undefined]
    compute: Callable[[Any, np.random.Generator], Value]
