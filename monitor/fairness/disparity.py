"""The worst difference between any two groups, with an interval that holds however many groups there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from monitor.performance.interval import LEVEL, wilson
from monitor.performance.metric import Undefined

LEAST_ROWS = 30
"""A group with fewer rows to measure does not enter: three rows are treated unlike any others by chance alone."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is measured of one group: its value over some rows; a share has no ``error``, a mean its standard one."""

    group: str
    value: float
    rows: int
    error: float | None = None

    def reach(self, z: float) -> tuple[float, float]:
        """Return how far below and above its value the group's interval reaches, z errors wide."""
        if self.error is not None:
            return z * self.error, z * self.error
        lower, upper = wilson(self.value * self.rows, self.rows, z)
        return self.value - lower, upper - self.value


@dataclass(frozen=True, slots=True)
class Disparity:
    """The worst difference between groups with a 95 % interval, or why there is none.

    Attributes
    ----------
    highest, lowest: the groups that it is between, ``None`` without a value.
    groups: the value of each group that entered, by its name.
    left_out: the names of the groups that have too few rows.
    sides: the values of the groups in each comparison, always in one order, where the measure makes several.
    """

    value: float | None
    lower: float | None
    upper: float | None
    highest: str | None
    lowest: str | None
    groups: dict[str, float]
    left_out: tuple[str, ...]
    rows: int
    why: Undefined | None = None
    sides: tuple[dict[str, float], ...] = ()

    @property
    def compared(self) -> tuple[dict[str, float], ...]:
        """Return the values of the groups in each comparison."""
        return self.sides or (self.groups,)


def without(why: Undefined, left_out: tuple[str, ...] = (), groups: dict[str, float] | None = None) -> Disparity:
    """Return a disparity that has no value."""
    return Disparity(None, None, None, None, None, groups or {}, left_out, 0, why)


def worst(parts: Sequence[Part], least: int = LEAST_ROWS, questions: int = 1) -> Disparity:
    """Return the largest difference between two groups of the parts.

    Each pair of groups has Newcombe's interval (1998, Statistics in Medicine 17:873, method 10; for means the normal
    one), at a level that is divided among all pairs (Bonferroni): with 95 % all of them hold at once, and then the
    worst true difference is at least the largest of their lower ends, and at most the largest of their upper ends.
    Chance makes the worst of many groups look worse than it is; the lower end does not.

    Parameters
    ----------
    least: groups with fewer rows are left out.
    questions: how many disparities share the level.
    """
    known = [part for part in parts if part.rows >= least]
    left_out = tuple(part.group for part in parts if part.rows < least)
    values = {part.group: part.value for part in known}
    if len(known) <= 1:
        return without(Undefined.ONE_GROUP if known else Undefined.TOO_FEW_ROWS, left_out, values)
    pairs = len(known) * (len(known) - 1) / 2
    z = float(ndtri(1 - (1 - LEVEL) / 2 / (pairs * questions)))
    at = np.array([part.value for part in known])
    below, above = np.array([part.reach(z) for part in known]).T
    apart = at[:, np.newaxis] - at
    lower = apart - np.hypot(below[:, np.newaxis], above)
    upper = apart + np.hypot(above[:, np.newaxis], below)
    np.fill_diagonal(upper, 0)
    highest, lowest = known[int(at.argmax())], known[int(at.argmin())]
    value, rows = float(apart.max()), sum(part.rows for part in known)
    bounds = max(float(lower.max()), 0.0), max(float(upper.max()), value)
    return Disparity(value, *bounds, highest.group, lowest.group, values, left_out, rows)


def worse(first: Disparity, second: Disparity) -> Disparity:
    """Return the larger of two disparities that shared a level, with an interval of the larger of both truths.

    Without a value of both there is none: what is not known may be the larger.
    """
    for side in (first, second):
        if side.value is None or side.lower is None or side.upper is None:
            return side
    larger, other = (first, second) if (first.value or 0) >= (second.value or 0) else (second, first)
    ends = [max(a or 0.0, b or 0.0) for a, b in ((first.lower, second.lower), (first.upper, second.upper))]
    left_out = tuple(dict.fromkeys((*first.left_out, *second.left_out)))
    return replace(
        larger,
        lower=ends[0],
        upper=ends[1],
        left_out=left_out,
        rows=larger.rows + other.rows,
        sides=(first.groups, second.groups),
    )
