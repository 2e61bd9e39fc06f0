"""Answers of models whose faults are known, for the tests of performance metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.special import expit

from monitor.performance.pairs import ClassPairs, LabelPairs, Lists, NumberPairs, Pairs, RankPairs

POSITIVE = 0.4


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


def lists(rng: np.random.Generator, rows: int, items: int = 200, shown: int = 12) -> RankPairs:
    """Return what a recommender showed and what was relevant: some of it, some else, sometimes nothing."""
    ranks = rng.random((rows, items)) ** np.linspace(0.3, 3, items)
    order = np.argsort(-ranks, axis=1)[:, :shown]
    wanted = [
        np.union1d(
            row[rng.random(shown) < 0.4 / np.arange(1, shown + 1) ** 0.5], rng.integers(0, items, rng.poisson(1.5))
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
    return LabelPairs(tuple("abcdefgh"[:labels]), targets, targets ^ (rng.random((rows, labels)) < 0.1))


WORLDS: dict[str, Callable[[np.random.Generator, int], Pairs]] = {
    "binary": binary,
    "multiclass": several,
    "regression": numbers,
    "ranking": lists,
    "multilabel": labelled,
}


def shuffled(pairs: Pairs, rng: np.random.Generator) -> Pairs:
    """Return the same rows in another order."""
    match pairs:
        case RankPairs():
            order = rng.permutation(len(pairs.shown.ends))
            return RankPairs(_taken(pairs.shown, order), _taken(pairs.relevant, order))
        case _:
            order = rng.permutation(len(pairs.targets))
            given = {
                name: getattr(pairs, name)
                for name in ("targets", "predictions", "scores", "lower", "upper")
                if hasattr(pairs, name)
            }
            return replace(pairs, **{name: column[order] for name, column in given.items() if column is not None})


def _taken(given: Lists, order: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Lists:
    parts = np.split(given.items, given.ends[:-1])
    taken = [parts[place] for place in order]
    return Lists(np.concatenate(taken), np.cumsum([len(part) for part in taken]))


def perfect(pairs: Pairs) -> Pairs:
    """Return the same targets with predictions, and scores, that are all right."""
    match pairs:
        case RankPairs():
            return RankPairs(pairs.relevant, pairs.relevant)
        case ClassPairs():
            binary_ = len(pairs.classes) == 2
            sure = pairs.targets.astype(np.float64) if binary_ else np.eye(len(pairs.classes))[pairs.targets]
            return replace(pairs, predictions=pairs.targets, scores=sure)
        case NumberPairs():
            return replace(pairs, predictions=pairs.targets)
        case LabelPairs():
            return replace(pairs, predictions=pairs.targets)
