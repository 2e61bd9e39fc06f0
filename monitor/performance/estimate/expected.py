"""What a metric is expected to be, and how it hangs on each row's target."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from monitor.performance.metric import Undefined
from monitor.performance.pairs import Floats

LEAST_EXPECTED = 0.5
"""With fewer rows of a kind expected, a metric that divides by them is more likely undefined than not."""


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """The value of a metric of rows whose targets are known by their probabilities alone.

    Attributes
    ----------
    value: with each target replaced by its probability; with targets 0 and 1 it is the realised value.
    slope: by how much the value grows if a row's target is positive and not negative, (n,).
    """

    value: float
    slope: Floats = field(repr=False)

    def variance(self, probabilities: Floats) -> float:
        """Return how far targets, drawn one by one with their probabilities (n,), scatter the value (delta method)."""
        return float(np.sum(probabilities * (1 - probabilities) * self.slope**2))


def mean_loss(probabilities: Floats, if_positive: Floats, if_negative: Floats) -> Expected | Undefined:
    """Return the expected mean of a loss that is known for either target, each (n,)."""
    if not len(probabilities):
        return Undefined.TOO_FEW_ROWS
    slope = (if_positive - if_negative) / len(probabilities)
    return Expected(float(np.mean(probabilities * if_positive + (1 - probabilities) * if_negative)), slope)


def log_loss(probabilities: Floats, scores: Floats) -> Expected | Undefined:
    """Return the expected log loss of scores (n,), in nats; scores are kept a machine epsilon from 0 and 1."""
    tiny = float(np.finfo(np.float64).eps)
    kept = np.clip(scores, tiny, 1 - tiny)
    return mean_loss(probabilities, -np.log(kept), -np.log1p(-kept))


def brier(probabilities: Floats, scores: Floats) -> Expected | Undefined:
    """Return the expected Brier score of scores (n,)."""
    return mean_loss(probabilities, (1 - scores) ** 2, scores**2)
