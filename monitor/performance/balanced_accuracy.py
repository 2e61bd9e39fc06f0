"""Balanced accuracy: the mean over the classes of the share of their rows that is predicted right."""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import Counts, Found, of_confusion
from monitor.performance.class_shares import mean_share
from monitor.performance.metric import Direction, Metric, Undefined


def balanced_accuracy(counts: Counts) -> Found:
    """Return the balanced accuracy of rows counted by target and prediction, (k, k), over the classes with targets."""
    sizes = counts.sum(axis=1)
    return Undefined.ONE_CLASS if np.count_nonzero(sizes) == 1 else mean_share(counts, sizes)


METRIC = Metric(
    name="balanced_accuracy",
    title="Balanced accuracy",
    tasks=frozenset({"binary", "multiclass"}),
    needs=frozenset({"prediction"}),
    direction=Direction.HIGHER,
    lowest=0.0,
    highest=1.0,
    about="The mean over the classes of the share of their rows that is predicted right.",
    interval="MOVER over Wilson",
    source="Brodersen, Ong, Stephan and Buhmann 2010, ICPR, 3121",
    undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.ONE_CLASS}),
    compute=of_confusion(balanced_accuracy),
)
