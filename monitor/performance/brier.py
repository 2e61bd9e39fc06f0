"""Brier score: the mean square of what probabilities were away from what came true.

Of several classes half the sum of the squares over them, so that it lies in [0, 1] as for one (scikit-learn's
``scale_by_half=True``).
"""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import Scored, mean_value, of_probabilities
from monitor.performance.interval import Floats
from monitor.performance.metric import Direction, Metric, Undefined, Value
from monitor.performance.ranks import sides


def brier_losses(rows: Scored) -> Floats:
    """Return the squared error of each row, (n,), in [0, 1]."""
    scores, positives = sides(rows)
    squares = (scores - positives) ** 2
    losses: Floats = squares[:, 0] if rows.scores.ndim == 1 else squares.sum(axis=1) / 2
    return np.minimum(losses, 1.0)


def brier(rows: Scored) -> Value:
    """Return the Brier score of probabilities of one class (n,), or of each (n, k)."""
    return mean_value(brier_losses(rows), 0.0, 1.0)


METRIC = Metric(
    name="brier",
    title="Brier score",
    tasks=frozenset({"binary", "multiclass"}),
    needs=frozenset({"score"}),
    direction=Direction.LOWER,
    lowest=0.0,
    highest=1.0,
    about=(
        "The mean square of what probabilities were away from what came true; of several classes half the sum "
        "over them."
    ),
    interval="Hall, for skewed means",
    source="Brier 1950, Monthly Weather Review 78:1",
    undefined=frozenset({Undefined.NO_SCORES, Undefined.NOT_PROBABILITIES}),
    compute=of_probabilities(brier),
)
