"""The rows of a window that a metric can read, and computing of them alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.performance.interval import Bounds, Floats, mean_bounds, steady_mean
from monitor.performance.metric import Undefined, Value, undefined
from monitor.performance.pairs import UNKNOWN, ClassPairs, NumberPairs, Pairs, Places

Counts: TypeAlias = NDArray[np.int64]
Found: TypeAlias = Value | Undefined
Classes: TypeAlias = Callable[[ClassPairs, np.random.Generator], Value]
Numbers: TypeAlias = Callable[[NumberPairs, np.random.Generator], Value]
_SUM_TOLERANCE = 1e-3
"""Probabilities of all classes may miss 1 by so much: some models log them rounded."""
_STRAY = 0.05
"""So many rows, or a single one, may be no probabilities and be left out; more of them are another kind of score."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Rows with scores: whether each is positive, and its score, (n,); of several classes places and (n, k)."""

    targets: Places
    scores: Floats


def value_of(value: float, bounds: Bounds | None, rows: int) -> Value:
    """Return a value with its bounds, which rounding may not put on the wrong side of it."""
    if bounds is None:
        return Value(value, None, None, rows)
    return Value(value, min(bounds[0], value), max(bounds[1], value), rows)


def mean_value(values: Floats, lowest: float = -math.inf, highest: float = math.inf) -> Value:
    """Return the mean of n values, at least one, with its interval within the range of the values."""
    bounds = mean_bounds(values, ends=tuple(end for end in (lowest, highest) if math.isfinite(end)))
    if bounds is not None:
        bounds = max(bounds[0], lowest), min(bounds[1], highest)
    return value_of(steady_mean(values), bounds, len(values))


def told(found: Found) -> Value:
    """Return a value, also where there is but a reason for none."""
    return undefined(found) if isinstance(found, Undefined) else found


def confusion(pairs: ClassPairs) -> Counts | Undefined:
    """Count rows by target and prediction, (k, k), or say why that cannot be; only those with a prediction."""
    if pairs.predictions is None:
        return Undefined.NO_PREDICTIONS
    if not len(pairs.targets):
        return Undefined.TOO_FEW_ROWS
    known = pairs.predictions != UNKNOWN
    size = len(pairs.classes)
    cells = pairs.targets[known] * size + pairs.predictions[known]
    counts = np.bincount(cells, minlength=size * size).reshape(size, size)
    return counts if counts.any() else Undefined.NO_PREDICTIONS


def of_confusion(measure: Callable[[Counts], Found]) -> Classes:
    """Compute a metric from the counts of :func:`confusion`, which are not all zero."""

    def compute(pairs: ClassPairs, _: np.random.Generator) -> Value:
        counts = confusion(pairs)
        return told(counts if isinstance(counts, Undefined) else measure(counts))

    return compute


def scored(pairs: ClassPairs) -> Scored | Undefined:
    """Return the rows that have scores, or say why there are none."""
    if pairs.scores is None:
        return Undefined.NO_SCORES
    if not len(pairs.targets):
        return Undefined.TOO_FEW_ROWS
    missing = np.isnan(pairs.scores)
    known = ~(missing if missing.ndim == 1 else missing.any(axis=1))
    if not known.any():
        return Undefined.NO_SCORES
    return Scored(pairs.targets[known], pairs.scores[known])


def of_scores(measure: Callable[[Scored], Found]) -> Classes:
    """Compute a metric from the rows of :func:`scored`, of which there is one at least."""

    def compute(pairs: ClassPairs, _: np.random.Generator) -> Value:
        rows = scored(pairs)
        return told(rows if isinstance(rows, Undefined) else measure(rows))

    return compute


def of_probabilities(measure: Callable[[Scored], Found]) -> Classes:
    """Compute a metric from the rows whose scores are probabilities; a few others are left out, many are a reason."""

    def compute(rows: Scored) -> Found:
        proper = probable(rows.scores)
        stray, total = int((~proper).sum()), len(proper)
        if stray > max(1, _STRAY * total) or 2 * stray >= total:
            return Undefined.NOT_PROBABILITIES
        return measure(Scored(rows.targets[proper], rows.scores[proper]) if stray else rows)

    return of_scores(compute)


def improper_share(pairs: Pairs) -> float | None:
    """Return the share of rows with scores whose scores are no probabilities; ``None`` where no row has scores."""
    rows = scored(pairs) if isinstance(pairs, ClassPairs) else Undefined.NO_SCORES
    return None if isinstance(rows, Undefined) else 1 - float(probable(rows.scores).mean())


def probable(scores: Floats) -> NDArray[np.bool_]:
    """Say of each row whether its scores lie in [0, 1], and those of all classes sum to one, (n,)."""
    inside: NDArray[np.bool_] = (scores >= 0) & (scores <= 1)
    return inside if scores.ndim == 1 else inside.all(axis=1) & (np.abs(scores.sum(axis=1) - 1) <= _SUM_TOLERANCE)


def of_numbers(measure: Callable[[Floats, Floats], Found]) -> Numbers:
    """Compute a metric from the targets and predictions of the rows that have both, one at least."""

    def compute(pairs: NumberPairs, _: np.random.Generator) -> Value:
        if not len(pairs.targets):
            return undefined(Undefined.TOO_FEW_ROWS)
        known = np.isfinite(pairs.predictions)
        if not known.any():
            return undefined(Undefined.NO_PREDICTIONS)
        return told(measure(pairs.targets[known], pairs.predictions[known]))

    return compute
