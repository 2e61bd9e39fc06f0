"""When an estimate cannot be trusted, and why."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from monitor.performance.estimate.band import Misses
from monitor.performance.metric import Value
from monitor.performance.pairs import Floats

OUTSIDE_TOLERANCE = 0.05
"""So much more of a window than of the reference may lie outside the reference's own range."""
LAST, MOST_OUTSIDE = 8, 3
"""Of the last 8 windows whose targets came 3 may lie outside their bands: more do by chance once in 2,700 times."""
_NORMAL = 1.959963984540054


class Distrust(StrEnum):
    """Why an estimate is not to be relied on."""

    CONCEPT_CHANGE = "concept_change"
    SUPPORT_LEFT = "support_left"
    UNTRIED = "untried"


def distrust(outside: Floats, own_outside: float, missed: Sequence[bool], past: Misses) -> Distrust | None:
    """Return the gravest reason not to trust a window's estimates, or ``None``.

    Parameters
    ----------
    outside: whether each row lies outside the reference, 0 or 1, (n,); ``own_outside``: the share of the reference's
        rows that lie outside the rest of it.
    missed: of windows whose targets came, oldest first, whether the realised value was outside the band shown then.
    past: how far estimates were off; without any the band holds only what drawn targets do.

    >>> distrust(np.zeros(100), 0.0, [True] * 4, Misses(np.zeros(1), np.ones(1)))
    <Distrust.CONCEPT_CHANGE: 'concept_change'>
    """
    if sum(missed[-LAST:]) > MOST_OUTSIDE:
        return Distrust.CONCEPT_CHANGE
    if len(outside):
        share = float(np.mean(outside))
        surely = share - _NORMAL * float(np.sqrt(share * (1 - share) / len(outside)))
        if surely > own_outside + OUTSIDE_TOLERANCE:
            return Distrust.SUPPORT_LEFT
    return None if len(past.errors) else Distrust.UNTRIED


def is_missed(estimated: Value, realised: Value) -> bool | None:
    """Say whether a realised value lies outside the band of its estimate; ``None`` if either has no value."""
    if realised.value is None or estimated.lower is None or estimated.upper is None:
        return None
    return not estimated.lower <= realised.value <= estimated.upper
