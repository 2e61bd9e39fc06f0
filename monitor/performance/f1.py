"""F1: the harmonic mean of precision and recall; of several classes the mean of theirs.

F1 = 2 J / (1 + J) with J = tp / (tp + fp + fn). Given the rows that are positive or predicted so, tp is binomial, so
that Wilson's interval of J, carried over, is one of F1: it needs no delta method, and holds for few positives too.
"""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import Counts, Found, of_confusion, value_of
from monitor.performance.interval import LOGIT, delta_bounds, wilson
from monitor.performance.metric import Direction, Metric, Undefined

_BINARY = 2


def f1(counts: Counts) -> Found:
    """Return the F1 of rows counted by target and prediction, (k, k).

    A class without targets that is never predicted either has none, and does not enter the mean.
    """
    return _of_positives(counts) if len(counts) == _BINARY else _of_classes(counts)


def _of_positives(counts: Counts) -> Found:
    hits, concerned = int(counts[1, 1]), int(counts.sum() - counts[0, 0])
    if not concerned:
        return Undefined.NO_POSITIVES
    lower, upper = (2 * share / (1 + share) for share in wilson(hits, concerned))
    return value_of(2 * hits / (concerned + hits), (lower, upper), int(counts.sum()))


def _of_classes(counts: Counts) -> Found:
    rows = int(counts.sum())
    both = (counts.sum(axis=0) + counts.sum(axis=1)) / rows
    seen = both > 0
    parts = np.divide(2 * counts.diagonal() / rows, both, out=np.zeros(len(counts)), where=seen)
    weights = np.divide(1, both, out=np.zeros(len(counts)), where=seen) / seen.sum()
    pulled = parts * weights
    slopes = np.diag(2 * weights) - pulled[:, np.newaxis] - pulled
    value = float(parts.sum() / seen.sum())
    return value_of(value, delta_bounds(value, slopes.ravel(), LOGIT, counts.ravel().astype(np.float64)), rows)


METRIC = Metric(
    name="f1",
    title="F1",
    tasks=frozenset({"binary", "multiclass"}),
    needs=frozenset({"prediction"}),
    direction=Direction.HIGHER,
    lowest=0.0,
    highest=1.0,
    about="The harmonic mean of precision and recall; of several classes the mean of theirs.",
    interval="Wilson's of the Jaccard index, carried over; of several classes the delta method on the logit",
    source="van Rijsbergen 1979, Information Retrieval, chapter 7",
    undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.NO_POSITIVES}),
    compute=of_confusion(f1),
)
