"""Log loss: the mean of -ln of the probability that was given to what came true, in nats.

Probabilities are held 2.2e-16 away from 0 and 1, as scikit-learn's ``log_loss`` does: a sure and wrong answer costs 36.
"""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import Scored, mean_value, of_probabilities
from monitor.performance.interval import Floats
from monitor.performance.metric import Direction, Metric, Undefined, Value
from monitor.performance.ranks import given

_LEAST = float(np.finfo(np.float64).eps)


def log_losses(rows: Scored) -> Floats:
    """Return the log loss of each row, (n,)."""
    losses: Floats = -np.log(np.clip(given(rows), _LEAST, 1 - _LEAST))
    return losses


def log_loss(rows: Scored) -> Value:
    """Return the log loss of probabilities of one class (n,), or of each (n, k)."""
    return mean_value(log_losses(rows), 0.0)


METRIC = Metric(
    name="log_loss",
    title="Log loss",
    tasks=frozenset({"binary", "multiclass"}),
    needs=frozenset({"score"}),
    direction=Direction.LOWER,
    lowest=0.0,
    highest=None,
    about="The mean of -ln of the probability that was given to what came true.",
    interval="Hall, for skewed means",
    source="Good 1952, Journal of the Royal Statistical Society B 14:107",
    undefined=frozenset({Undefined.NO_SCORES, Undefined.NOT_PROBABILITIES}),
    compute=of_probabilities(log_loss),
)
