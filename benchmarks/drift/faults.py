"""Thirteen kinds of drift, as a change of some rows' values in one column; and one too small to matter.

Each is a function of a sheet, a :class:`Target` and a size, and draws what is random from a generator of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.drift.sheet import Sheet
from monitor.calibration.arrays import Bools, Floats, Ints

MILE = 1.609  # kilometres
_FAR = 8.0  # standard deviations, of an outlier
_SURGE_EVERY = 8  # steps


@dataclass(frozen=True, slots=True)
class Target:
    """A column and what its reference says of it.

    ``spread`` and ``middle``: standard deviation and median of a number; ``order``: a category's levels by how many
    rows have them, most first. ``beside``: another number, which a correlation is made with.
    """

    column: str
    spread: float = 1.0
    middle: float = 0.0
    order: tuple[int, ...] = ()
    beside: str | None = None


Change = Callable[[Sheet, Target, float, np.random.Generator], Sheet]


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of drift at one size, in a column, or in several with commas between."""

    kind: str
    size: float
    column: str

    @property
    def name(self) -> str:
        """Return what a table calls it."""
        return f"{self.kind} {self.size:g}"


def target_of(reference: Sheet, column: str) -> Target:
    """Return what a fault needs to know of a column."""
    values = reference.columns[column]
    values = values[~np.isnan(values)]
    if column in reference.levels:
        return Target(column, order=tuple(np.argsort(-np.bincount(values.astype(np.intp)), kind="stable").tolist()))
    beside = next((name for name in reference.numeric if name != column), None)
    return Target(column, float(values.std()), float(np.median(values)), beside=beside)


def inject(sheet: Sheet, reference: Sheet, fault: Fault, rng: np.random.Generator) -> Sheet:
    """Return the sheet with a fault in all of its steps."""
    for column in fault.column.split(","):
        sheet = KINDS[fault.kind](sheet, target_of(reference, column), fault.size, rng)
    return sheet


def _some(sheet: Sheet, share: float, rng: np.random.Generator) -> Bools:
    chosen: Bools = rng.random(len(sheet.step)) < share
    return chosen


def _put(sheet: Sheet, column: str, where: Bools, values: Floats | float) -> Sheet:
    return sheet.having(**{column: np.where(where, values, sheet.columns[column])})


def _location(sheet: Sheet, target: Target, size: float, _: np.random.Generator) -> Sheet:
    return sheet.having(**{target.column: sheet.columns[target.column] + size * target.spread})


def _add(sheet: Sheet, target: Target, size: float, _: np.random.Generator) -> Sheet:
    return sheet.having(**{target.column: sheet.columns[target.column] + size})


def _scale(sheet: Sheet, target: Target, size: float, _: np.random.Generator) -> Sheet:
    values = sheet.columns[target.column]
    return sheet.having(**{target.column: target.middle + size * (values - target.middle)})


def _outliers(sheet: Sheet, target: Target, size: float, rng: np.random.Generator) -> Sheet:
    far = target.middle + _FAR * target.spread * rng.choice([-1.0, 1.0], len(sheet.step))
    return _put(sheet, target.column, _some(sheet, size, rng) & _valued(sheet, target), far)


def _unit(sheet: Sheet, target: Target, size: float, rng: np.random.Generator) -> Sheet:
    return _put(sheet, target.column, _some(sheet, size, rng), sheet.columns[target.column] * MILE)


def _missing(sheet: Sheet, target: Target, size: float, rng: np.random.Generator) -> Sheet:
    return _put(sheet, target.column, _some(sheet, size, rng), np.nan)


def _surge(sheet: Sheet, target: Target, size: float, rng: np.random.Generator) -> Sheet:
    stricken: Ints = sheet.step % _SURGE_EVERY
    return _put(sheet, target.column, _some(sheet, size, rng) & (stricken == 0), np.nan)


def _new_level(sheet: Sheet, target: Target, size: float, rng: np.random.Generator) -> Sheet:
    return _put(sheet, target.column, _of_top(sheet, target, size, rng), len(sheet.levels[target.column]))


def _mix(sheet: Sheet, target: Target, size: float, rng: np.random.Generator) -> Sheet:
    drawn = rng.integers(len(sheet.levels[target.column]), size=len(sheet.step)).astype(np.float64)
    return _put(sheet, target.column, _some(sheet, size, rng) & _valued(sheet, target), drawn)


def _relabel(sheet: Sheet, target: Target, size: float, rng: np.random.Generator) -> Sheet:
    return _put(sheet, target.column, _of_top(sheet, target, size, rng), target.order[1])


def _stuck(sheet: Sheet, target: Target, size: float, rng: np.random.Generator) -> Sheet:
    return _put(sheet, target.column, _some(sheet, size, rng), target.middle)


def _clip(sheet: Sheet, target: Target, size: float, _: np.random.Generator) -> Sheet:
    return sheet.having(
        **{target.column: np.minimum(sheet.columns[target.column], target.middle + size * target.spread)}
    )


def _correlation(sheet: Sheet, target: Target, size: float, rng: np.random.Generator) -> Sheet:
    """Reorder the column within each step until its ranks follow those of another: no value changes."""
    values, other = sheet.columns[target.column], sheet.columns[target.beside or target.column]
    order = np.lexsort((values, sheet.step))
    noise = rng.standard_normal(len(values)) * np.nanstd(other)
    pulled = size * np.nan_to_num(other) + np.sqrt(1 - size**2) * noise
    ranked = np.empty_like(values)
    ranked[np.lexsort((pulled, sheet.step))] = values[order]
    return sheet.having(**{target.column: ranked})


def _valued(sheet: Sheet, target: Target) -> Bools:
    has: Bools = ~np.isnan(sheet.columns[target.column])
    return has


def _of_top(sheet: Sheet, target: Target, share: float, rng: np.random.Generator) -> Bools:
    chosen: Bools = _some(sheet, share, rng) & (sheet.columns[target.column] == target.order[0])
    return chosen


KINDS: Mapping[str, Change] = {
    "location": _location,
    "scale": _scale,
    "outliers": _outliers,
    "unit": _unit,
    "add": _add,
    "offset of all": _location,
    "missing": _missing,
    "missing surge": _surge,
    "new level": _new_level,
    "mix": _mix,
    "relabel": _relabel,
    "stuck": _stuck,
    "clip": _clip,
    "correlation": _correlation,
    "trivial": _location,
}
"""What each does with its size: see :data:`SIZES`; ``add`` is a location in the column's own unit."""

SYMMETRIC = ",".join(f"f{i}" for i in range(10))
"""The simulated columns that are normal: of a skewed one a standard deviation is large where most rows are."""

SIZES: Mapping[str, tuple[str, tuple[float, float, float]]] = {
    "location": ("f0", (0.1, 0.3, 1.0)),  # standard deviations
    "scale": ("f0", (1.1, 1.25, 1.5)),  # times the standard deviation
    "outliers": ("f0", (0.005, 0.02, 0.05)),  # share of the rows, 8 standard deviations away
    "unit": ("f0", (0.1, 0.5, 1.0)),  # share of the rows times 1.609
    "offset of all": (SYMMETRIC, (0.05, 0.1, 0.2)),  # standard deviations
    "missing": ("f1", (0.01, 0.04, 0.2)),  # share of the rows besides those missing anyway
    "missing surge": ("f1", (0.1, 0.3, 1.0)),  # the same, in each eighth step alone
    "new level": ("f16", (0.01, 0.1, 1.0)),  # share of the most frequent level
    "mix": ("f18", (0.05, 0.1, 0.3)),  # share of the rows, which get any level
    "relabel": ("f16", (0.25, 0.5, 1.0)),  # share of the most frequent level, made the second
    "stuck": ("f0", (0.1, 0.5, 1.0)),  # share of the rows, which get the median
    "clip": ("f0", (1.645, 1.036, 0.0)),  # standard deviations above the median: 5, 15, 50 % of the rows
    "correlation": ("f0", (0.3, 0.6, 0.9)),  # with another column: no column by itself changes
}
"""The simulated column, and three sizes of each kind."""
