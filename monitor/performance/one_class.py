"""One class against the rest: what any metric of two classes says of each class of several."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from monitor.performance.metric import Metric, Value
from monitor.performance.pairs import UNKNOWN, ClassPairs


def against_rest(pairs: ClassPairs, place: int) -> ClassPairs:
    """Return the answers as of a binary model whose positive class is the one at a place."""
    predictions = pairs.predictions
    if predictions is not None:
        predictions = np.where(predictions == UNKNOWN, UNKNOWN, predictions == place).astype(np.intp)
    scores = pairs.scores
    if scores is not None and scores.ndim > 1:
        scores = scores[:, place]
    elif scores is not None and place == 0:
        scores = 1 - scores
    targets = (pairs.targets == place).astype(np.intp)
    return ClassPairs((f"not {pairs.classes[place]}", pairs.classes[place]), targets, predictions, scores)


def per_class(metric: Metric, pairs: ClassPairs, rng: np.random.Generator) -> dict[str, Value]:
    """Return a metric of two classes for each class against the rest, by its name.

    Raises
    ------
    ValueError: the metric is none of two classes.
    """
    if "binary" not in metric.tasks:
        raise ValueError(f"{metric.name} is no metric of two classes")
    compute: Callable[[ClassPairs, np.random.Generator], Value] = metric.compute
    return {name: compute(against_rest(pairs, place), rng) for place, name in enumerate(pairs.classes)}
