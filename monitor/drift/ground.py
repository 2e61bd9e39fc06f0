"""Where a reference's cells stand: what every method that needs the values of rows, not only their order, begins with.

Values are scaled to 0 to 1, so that no square is too large or too small for a float. The *reach* is the inner range of
the reference (0.1 % to 99.9 % point) and as much again on either side; the mean and the spread take the reference's
rows beyond it as standing at its end: one outlier in the reference would else be most of both, and hide every shift.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.drift.method import FromReference, shares

_INNER = (0.001, 0.999)


@dataclass(frozen=True, slots=True)
class Ground:
    """A reference as a distance of values sees it.

    Attributes
    ----------
    order: of the cells, by where they stand, (cells,).
    at: where they stand, rising, (cells,).
    shares: of the reference's values in them, (..., cells).
    low, high: the reach, (..., 1).
    mean, spread: of the reference within its reach, (..., 1) and (...).
    """

    order: NDArray[np.intp] = field(repr=False)
    at: Floats = field(repr=False)
    shares: Floats = field(repr=False)
    low: Floats
    high: Floats
    mean: Floats
    spread: Floats

    @property
    def reached(self) -> Floats:
        """Return where each cell stands, or the end of the reach before it, (..., cells)."""
        return np.clip(self.at, self.low, self.high)

    def shares_of(self, side: Histogram) -> Floats:
        """Return the shares of a histogram, or of each of a stack, in the order of the ground, (..., cells)."""
        ordered: Floats = np.take(
            shares(side.counts), self.order, axis=-1
        )  # in the layout of its axes: sums keep their order
        return ordered

    def over_spread(self, value: Floats) -> Floats:
        """Return a length in standard deviations of the reference; 0 where it has no spread."""
        normed: Floats = np.where(self.spread > 0, value / np.where(self.spread > 0, self.spread, 1.0), 0.0)
        return normed


def ground_of(reference: Histogram) -> Ground:
    """Return the ground of a reference; without centres, cells stand one apart."""
    centres = reference.centres if reference.centres is not None else np.arange(reference.counts.shape[-1])
    order = np.argsort(centres, kind="stable")
    at = _scaled(centres[order])
    old = shares(reference.counts)[..., order]
    low, high = _reach(old, at)
    reached = np.clip(at, low, high)
    mean = (old * reached).sum(axis=-1, keepdims=True)
    spread = np.sqrt((old * (reached - mean) ** 2).sum(axis=-1))
    return Ground(order, at, old, low, high, mean, spread)


def gap_over_values(ground: Ground, power: int) -> FromReference:
    """Return what gives ∫ |F - G|^power of a window, or of each of a stack, over the ground's values.

    Beyond the reach only rows that the window has more of count.
    """
    inside, below = np.diff(ground.reached), np.diff(np.minimum(ground.at, ground.low))
    above = np.diff(np.maximum(ground.at, ground.high))
    low, high = _places(below), _places(above)

    def integral(current: Histogram) -> Floats:
        more = np.cumsum(ground.shares_of(current) - ground.shares, axis=-1)[..., :-1]
        far = np.abs(more) ** power * inside
        far[..., low] += np.maximum(more[..., low], 0) ** power * below[..., low]
        far[..., high] += np.maximum(-more[..., high], 0) ** power * above[..., high]
        total: Floats = far.sum(axis=-1)
        return total

    return integral


def _places(widths: Floats) -> slice:
    """Return the places that hold every width over 0: beyond the reach there are few."""
    wide = np.flatnonzero((widths > 0).any(axis=tuple(range(widths.ndim - 1))))
    return slice(int(wide[0]), int(wide[-1]) + 1) if len(wide) else slice(0)


def _scaled(ordered: Floats | NDArray[np.intp]) -> Floats:
    quarters = ordered / 4
    reach = quarters[-1] - quarters[0]
    scaled: Floats = (quarters - quarters[0]) / (reach if reach > 0 else 1.0)
    return scaled


def _reach(old: Floats, at: Floats) -> tuple[Floats, Floats]:
    reached = np.cumsum(old, axis=-1)
    points = [(reached < share * reached[..., -1:]).sum(axis=-1, keepdims=True) for share in _INNER]
    low, high = (at[np.minimum(point, len(at) - 1)] for point in points)
    width = np.where(high > low, high - low, 1.0)
    return low - width, high + width
