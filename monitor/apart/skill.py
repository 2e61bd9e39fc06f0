"""Which skill at telling two sides apart matters: 2 AUC - 1, 0 for guesses, 1 where the sides share nothing."""

from __future__ import annotations

from scipy.special import ndtr


def least_skill(tolerance: float) -> float:
    """Return the skill at telling normal columns of which one is shifted by so many standard deviations.

    >>> round(least_skill(0.02), 4)
    0.0113
    """
    return 2 * float(ndtr(tolerance / 2**0.5)) - 1
