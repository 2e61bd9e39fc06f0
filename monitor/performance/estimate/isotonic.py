"""Isotonic regression: the rising curve nearest to the targets, by pooling adjacent violators."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from monitor.performance.pairs import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Straight lines between knots, level beyond them.

    Attributes
    ----------
    at: where the knots are, rising, (k,); ``values``: the curve there, (k,).
    """

    at: Floats = field(repr=False)
    values: Floats = field(repr=False)

    def __call__(self, points: Floats) -> Floats:
        """Return the curve at points, any shape; NaN where a point is NaN.

        Each point is read alone by the same sums, so that a row gets the same value bit for bit in any batch.
        """
        if len(self.at) == 1:
            return np.where(np.isnan(points), np.nan, self.values[0])
        inside = np.clip(points, self.at[0], self.at[-1])
        left = np.clip(np.searchsorted(self.at, inside, side="right") - 1, 0, len(self.at) - 2)
        share = (inside - self.at[left]) / (self.at[left + 1] - self.at[left])
        curve: Floats = self.values[left] * (1 - share) + self.values[left + 1] * share
        return curve


def fit_rising(points: Floats, targets: Floats, weights: Floats | None = None) -> Curve:
    """Return the curve that minimises the weighted squared distance to targets and never falls.

    Pool adjacent violators (Ayer et al. 1955; Zadrozny and Elkan 2002: as a calibration). Equal points are one, knots
    in the middle of a level stretch are left out.

    Parameters
    ----------
    points, targets: (n,), n >= 1, without NaN.
    weights: (n,), not negative, at least one positive; 1 each by default.

    >>> fit_rising(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.0])).values.tolist()
    [0.0, 0.5, 0.5]
    """
    mass = np.ones(len(points)) if weights is None else weights
    order = np.argsort(points, kind="stable")[mass[np.argsort(points, kind="stable")] > 0]
    at, first = np.unique(points[order], return_index=True)
    masses = np.add.reduceat(mass[order], first)
    means = np.add.reduceat(mass[order] * targets[order], first) / masses
    values = _pooled(means, masses)
    keep = np.ones(len(at), np.bool_)
    keep[1:-1] = (values[1:-1] != values[:-2]) | (values[1:-1] != values[2:])
    return Curve(at[keep], values[keep])


def _pooled(means: Floats, masses: Floats) -> Floats:
    """Return the means (n,) with each stretch that falls replaced by its own mean."""
    levels: list[float] = []
    weights: list[float] = []
    sizes: list[int] = []
    for mean, mass in zip(means.tolist(), masses.tolist(), strict=True):
        level, weight, size = mean, mass, 1
        while levels and levels[-1] >= level:
            level = (level * weight + levels[-1] * weights[-1]) / (weight + weights[-1])
            weight += weights.pop()
            size += sizes.pop()
            levels.pop()
        levels.append(level)
        weights.append(weight)
        sizes.append(size)
    return np.repeat(levels, sizes)
