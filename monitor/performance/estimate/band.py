"""How far an estimate may lie from what will be realised."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from scipy.special import stdtrit

from monitor.performance.pairs import Floats

SURE = 0.975
"""The band leaves out 2.5 % on either side."""
_NORMAL = 1.959963984540054


@dataclass(frozen=True, slots=True, eq=False)
class Misses:
    """How far estimates of one metric were from what was realised.

    Attributes
    ----------
    errors: realised less estimated, (m,).
    variances: of each estimate, (m,).
    """

    errors: Floats = field(default_factory=lambda: np.empty(0), repr=False)
    variances: Floats = field(default_factory=lambda: np.empty(0), repr=False)

    def later(self, others: Misses, most: int) -> Misses:
        """Return these misses and then others, the last ``most`` of them."""
        errors = np.concatenate((self.errors, others.errors))[-most:]
        return Misses(errors, np.concatenate((self.variances, others.variances))[-most:])


def excess(misses: Misses) -> float:
    """Return the variance of past errors beyond what the estimates expected; 0 if they expected all.

    The moment estimate of the variance between studies in a meta-analysis (DerSimonian and Laird 1986), a miss being
    a study: large windows, whose errors say most, weigh most. A lasting bias is part of it.
    """
    if not len(misses.errors):
        return 0.0
    weights = 1 / (misses.variances + max(misses.variances.mean(), np.finfo(np.float64).tiny)) ** 2
    return max(float(np.sum(weights * (misses.errors**2 - misses.variances)) / weights.sum()), 0.0)


def widened(value: float, variance: float, misses: Misses) -> tuple[float, float]:
    """Return the 95 % band of what will be realised where a value is estimated.

    Two reasons to miss add up: the estimate's own variance (normal), and what past errors show beyond it (Student's t
    with as many degrees of freedom as there are past errors).

    >>> [round(bound, 3) for bound in widened(0.8, 0.01**2, Misses())]
    [0.78, 0.82]
    >>> [round(bound, 3) for bound in widened(0.8, 0.01**2, Misses(np.full(60, 0.03), np.full(60, 0.01**2)))]
    [0.74, 0.86]
    """
    half = float(np.sqrt(_NORMAL**2 * variance + _beyond(misses)))
    return value - half, value + half


@lru_cache(maxsize=256)  # windows ask again and again
def _beyond(misses: Misses) -> float:
    """Return the square of what past errors add to half a band."""
    beyond = excess(misses)
    return float(stdtrit(len(misses.errors), SURE)) ** 2 * beyond if beyond else 0.0
