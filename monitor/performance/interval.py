"""95 % intervals in closed form: of shares, of means, and of whatever is smooth in the rows by the delta method.

A statistic of n independent rows is v + mean of its influences, to the first order, so that its variance is the mean
square of them over n (Hampel 1974, JASA 69:383). Chance is asked nowhere, and rows are summed from the least to the
greatest: the same rows give the same interval, bit for bit, in whatever order they come.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats: TypeAlias = NDArray[np.float64]
Bounds: TypeAlias = tuple[float, float]

LEVEL = 0.95
Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""
_LEAST_DEGREES = 1.0
_ROUNDING = 1e-14


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale on which a statistic is nearer to normal: there, its slope there, and back."""

    there: Callable[[float], float]
    slope: Callable[[float], float]
    back: Callable[[float], float]
    ends: tuple[float, ...] = ()


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


PLAIN = Scale(lambda v: v, lambda _: 1.0, lambda x: x)
LOGIT = Scale(lambda v: math.log(v / (1 - v)), lambda v: 1 / (v * (1 - v)), _logistic, (0.0, 1.0))
FISHER = Scale(math.atanh, lambda v: 1 / (1 - v * v), math.tanh, (-1.0, 1.0))
LOG = Scale(math.log, lambda v: 1 / v, math.exp, (0.0,))


def wilson(hits: float, rows: float, z: float = Z) -> Bounds:
    """Return Wilson's score interval of a share (1927, JASA 22:209), z errors wide; there is at least one row.

    >>> [round(end, 4) for end in wilson(9, 10)]
    [0.5958, 0.9821]
    """
    middle = (hits + z * z / 2) / (rows + z * z)
    half = z / (rows + z * z) * math.sqrt(hits * (rows - hits) / rows + z * z / 4)
    return max(middle - half, 0.0) if hits else 0.0, min(middle + half, 1.0) if hits < rows else 1.0


def steady_mean(values: Floats) -> float:
    """Return the mean of n values, the same to the last bit in whatever order they come."""
    return float(np.sort(values).mean())


def unseen(value: float, rows: float, ends: tuple[float, ...]) -> Bounds:
    """Return bounds where all rows agree, as Wilson's are for what was never seen: towards each end of the range."""
    share = Z * Z / (rows + Z * Z)
    reach = [value + (end - value) * share for end in ends]
    return min([value, *reach]), max([value, *reach])


def mean_bounds(values: Floats, counts: Floats | None = None, ends: tuple[float, ...] = ()) -> Bounds | None:
    """Return the interval of the mean of independent rows, corrected for their skewness; none for a single row.

    Hall (1992, JRSS B 54:221): a cubic of Student's t that has no skewness to the second order, inverted in closed
    form. A few rows far out count as few, as they do in :func:`delta_bounds`.

    Parameters
    ----------
    values: of n rows, or of as many kinds of row, and then ``counts`` says how many rows each has, (n,).
    ends: of the range of the values, which rows that all agree cannot rule out.
    """
    rows = float(len(values) if counts is None else counts.sum())
    if rows < 2:  # noqa: PLR2004 - one row says nothing of its spread
        return None
    values = np.sort(values) if counts is None else values
    weights = np.ones(len(values)) if counts is None else counts
    mean = float(weights @ values) / rows
    apart = values - mean
    squares = weights * apart * apart
    spread = math.sqrt(float(squares.sum()) / (rows - 1))
    if spread <= abs(mean) * _ROUNDING:
        return unseen(mean, rows, ends)
    skewness = float(squares @ apart) / rows / spread**3
    degrees = _degrees(float(squares.sum()), float(squares @ (apart * apart)), rows)
    t = float(stdtrit(degrees, (1 + LEVEL) / 2)) / math.sqrt(rows)
    return mean - spread * _unskewed(t, skewness, rows), mean - spread * _unskewed(-t, skewness, rows)


def _degrees(second: float, fourth: float, rows: float) -> float:
    """Return the degrees of freedom of a variance, from the sums of second and fourth powers of n rows."""
    spare = fourth / second**2 - 1 / rows if second else 0.0
    return rows - 1 if spare <= 0 else min(max(2 / spare, _LEAST_DEGREES), rows - 1)


def _unskewed(x: float, skewness: float, rows: float) -> float:
    """Return g⁻¹(x) of Hall's g(t) = t + s t²/3 + s² t³/27 + s / (6n), s the skewness."""
    if abs(skewness) < 1e-6:  # noqa: PLR2004 - the formula divides by it
        return x
    return 3 / skewness * (math.cbrt(1 + skewness * (x - skewness / (6 * rows))) - 1)


def delta_bounds(
    value: float,
    influences: Floats,
    scale: Scale = PLAIN,
    counts: Floats | None = None,
    more: float = 0.0,
) -> Bounds | None:
    """Return the interval of a smooth statistic from the influence of each row, (n,); none for a single row.

    Parameters
    ----------
    scale: on which the statistic is taken as normal.
    counts: how many rows have each influence, if they are of cells rather than of rows.
    more: what is known to be missing from the variance of the statistic, or with a minus to be too much of it.

    Student's t has the degrees of freedom that the influences' own kurtosis leaves their variance (Satterthwaite 1946,
    Biometrics 2:110): a few rows that decide all count as few.
    """
    squares = np.square(influences if counts is not None else np.sort(influences))
    rows = float(len(influences) if counts is None else counts.sum())
    if rows < 2:  # noqa: PLR2004 - one row says nothing of its spread
        return None
    second, fourth = (float(part.sum() if counts is None else counts @ part) for part in (squares, squares * squares))
    if value in scale.ends or (second <= 0 and more <= 0):
        return unseen(value, rows, scale.ends)
    degrees = _degrees(second, fourth, rows)
    error = math.sqrt(second / (rows * (rows - 1)) + more)
    half = float(stdtrit(degrees, (1 + LEVEL) / 2)) * error * scale.slope(value)
    middle = scale.there(value)
    return scale.back(middle - half), scale.back(middle + half)


def mean_of_shares(parts: Sequence[tuple[float, float]]) -> Bounds:
    """Return the interval of the mean of independent shares, each (hits, rows): MOVER over Wilson's intervals.

    Zou and Donner (2008, Statistics in Medicine 27:1693).
    """
    below = above = 0.0
    for hits, rows in parts:
        lower, upper = wilson(hits, rows)
        below += (hits / rows - lower) ** 2
        above += (upper - hits / rows) ** 2
    mean = sum(hits / rows for hits, rows in parts) / len(parts)
    return mean - math.sqrt(below) / len(parts), mean + math.sqrt(above) / len(parts)
