"""A fixed rule: a column is drifted from a distance, or under a p-value, that the user names.

A p-value becomes the distance whose p-value it is, given the rows of the window and of the reference (and where the
method needs them, their ties or spread), so that for either rule a column is drifted exactly when its distance is at
or over the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.comparison import Histogram
from monitor.drift.method import Chance, Method

FURTHEST = 1e18
"""No column is so far from its reference: the threshold where no distance has so small a p-value."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One of both: the least distance that is drift, or the p-value under which there is drift."""

    distance: float | None
    p_value: float | None

    def threshold(self, method: Method, reference: Histogram, current: Histogram) -> float:
        """Return the least distance of a window that is drift.

        Raises
        ------
        ValueError: the rule is on a p-value, and the method has none.
        """
        if self.distance is not None:
            return self.distance
        if method.tail is None or self.p_value is None:
            raise ValueError(f"{method.name} has no p-value")
        return least_distance(method.tail(reference, current), self.p_value)


def least_distance(chance: Chance, level: float) -> float:
    """Return the least distance with a chance under a level, to the last bit; at most ``FURTHEST``.

    Parameters
    ----------
    chance: never rises with the distance.

    >>> round(least_distance(lambda d: np.exp(-d), 0.01), 6)
    4.60517
    """
    near, far = 0.0, 1.0
    while float(chance(np.asarray(far))) >= level:
        near, far = far, far * 2
        if far > FURTHEST:
            return FURTHEST
    while near < (middle := near + (far - near) / 2) < far:
        if float(chance(np.asarray(middle))) < level:
            far = middle
        else:
            near = middle
    return far
