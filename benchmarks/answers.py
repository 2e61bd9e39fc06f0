"""Answers of models whose faults are known: what performance metrics are tested and measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from monitor.performance.pairs import ClassPairs, LabelPairs, Lists, NumberPairs, Pairs, RankPairs

POSITIVE = 0.4
_WRONG = 0.1
_BINARY = 2


def binary(rng: np.random.Generator, rows: int, positive: float = POSITIVE) -> ClassPairs:
    """Return answers of a calibrated model of two classes, from one normal feature."""
    targets = (rng.random(rows) < positive).astype(np.intp)
    feature = rng.normal(size=rows) + 1.5 * targets
    scores = expit(1.5 * feature - 1.125 + np.log(positive / (1 - positive)))
    return ClassPairs(("no", "yes"), targets, (scores > min(0.5, 2 * positive)).astype(np.intp), scores)


def several(rng: np.random.Generator, rows: int, classes: int = 4) -> ClassPairs:
    """Return answers of a calibrated model of several classes."""
    scores = rng.dirichlet(np.full(classes, 0.4), rows)
    targets = (rng.random(rows)[:, np.newaxis] > np.cumsum(scores, axis=1)[:, :-1]).sum(axis=1)
    return ClassPairs(tuple("abcdefgh"[:classes]), targets, scores.argmax(axis=1), scores)


def numbers(rng: np.random.Generator, rows: int) -> NumberPairs:
    """Return answers of a regression with normal errors, for positive targets."""
    targets = 5 + rng.gamma(4.0, 1.0, rows)
    predictions = targets + rng.normal(size=rows)
    return NumberPairs(targets, predictions, predictions - 1.5, predictions + 1.5)


def skewed(rng: np.random.Generator, rows: int) -> NumberPairs:
    """Return answers of a regression whose targets are log-normal, and whose errors grow with them."""
    targets = np.exp(rng.normal(size=rows))
    predictions = targets * np.exp(0.3 * rng.normal(size=rows))
    return NumberPairs(targets, predictions, predictions / 1.5, predictions * 1.5)


def lists(rng: np.random.Generator, rows: int, items: int = 200, shown: int = 12) -> RankPairs:
    """Return what a recommender showed and what was relevant: some of it, some else, sometimes nothing."""
    ranks = rng.random((rows, items)) ** np.linspace(0.3, 3, items)
    order = np.argsort(-ranks, axis=1)[:, :shown]
    wanted = [
        np.union1d(
            row[rng.random(shown) < 0.4 / np.sqrt(np.arange(1, shown + 1))], rng.integers(0, items, rng.poisson(1.5))
        )
        for row in order
    ]
    ends = np.cumsum([len(one) for one in wanted])
    return RankPairs(
        Lists(order.ravel(), np.arange(1, rows + 1) * shown),
        Lists(np.concatenate(wanted).astype(np.intp), ends.astype(np.intp)),
    )


def labelled(rng: np.random.Generator, rows: int, labels: int = 5) -> LabelPairs:
    """Return answers of a model of several labels, each wrong in a tenth of rows."""
    targets = rng.random((rows, labels)) < np.linspace(0.1, 0.5, labels)
    return LabelPairs(tuple("abcdefgh"[:labels]), targets, targets ^ (rng.random((rows, labels)) < _WRONG))


WORLDS: dict[str, Callable[[np.random.Generator, int], Pairs]] = {
    "binary": binary,
    "multiclass": several,
    "regression": numbers,
    "ranking": lists,
    "multilabel": labelled,
}


def taken(pairs: Pairs, places: NDArray[np.intp]) -> Pairs:
    """Return the rows at some places, (m,), which may be there several times."""
    match pairs:
        case ClassPairs():
            scores = None if pairs.scores is None else pairs.scores[places]
            predictions = None if pairs.predictions is None else pairs.predictions[places]
            return replace(pairs, targets=pairs.targets[places], predictions=predictions, scores=scores)
        case NumberPairs():
            bounds = (None if part is None else part[places] for part in (pairs.lower, pairs.upper))
            return NumberPairs(pairs.targets[places], pairs.predictions[places], *bounds)
        case LabelPairs():
            return replace(pairs, targets=pairs.targets[places], predictions=pairs.predictions[places])
        case RankPairs():
            return RankPairs(_lists_at(pairs.shown, places), _lists_at(pairs.relevant, places))


def _lists_at(given: Lists, places: NDArray[np.intp]) -> Lists:
    sizes = np.diff(given.ends, prepend=0)[places]
    ends = np.cumsum(sizes)
    first = np.repeat(given.ends[places] - ends, sizes)
    return Lists(given.items[first + np.arange(len(first))], ends)


def shuffled(pairs: Pairs, rng: np.random.Generator) -> Pairs:
    """Return the same rows in another order."""
    rows = len(pairs.shown.ends) if isinstance(pairs, RankPairs) else len(pairs.targets)
    return taken(pairs, rng.permutation(rows))


def perfect(pairs: Pairs) -> Pairs:
    """Return the same targets with predictions, and scores, that are all right."""
    match pairs:
        case RankPairs():
            return RankPairs(pairs.relevant, pairs.relevant)
        case ClassPairs():
            binary_ = len(pairs.classes) == _BINARY
            sure = pairs.targets.astype(np.float64) if binary_ else np.eye(len(pairs.classes))[pairs.targets]
            return replace(pairs, predictions=pairs.targets, scores=sure)
        case NumberPairs():
            return replace(pairs, predictions=pairs.targets)
        case LabelPairs():
            return replace(pairs, predictions=pairs.targets)
