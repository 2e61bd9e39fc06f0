"""What a diagnosis looks at: each column on both sides, counted in the same frozen cells, and what is known beside.

All of it is kept by the store or follows from it, so that a diagnosis is the same in a replay and after a restart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from monitor.bins import Bins, CategoryBins, Floats, NumericBins
from monitor.comparison import Side, sides_of
from monitor.diagnosis.gap import gaps_of_steps, moments_of_steps
from monitor.profile import Integers, Profile
from monitor.record import Column, Role
from monitor.reference import Reference

Json = Mapping[str, Any]
_USUAL_POINT = 0.9
"""Nine in ten steps of the reference lie no further from all of it than what is called usual."""
_LEAST_VALUES, _SHARED, _SHARED_TIMES = 30, 0.05, 3.0
"""Of so many values a step's fullest cell has no such share by chance, over so many times that of all steps."""
_FAR, _WIDE, _TIMES = 4.0, 1.6, 4.0
"""Standard deviations by which a mean moves, and the logarithm of a spread; and so many times what is usual."""


@dataclass(frozen=True, slots=True)
class Half:
    """A column on one side.

    Attributes
    ----------
    counts: rows by cell, int64 (cells,). ``absent``: rows without a value. ``rows``: all.
    least, greatest: the extremes, exactly; infinite where there is no value.
    """

    counts: Integers = field(repr=False)
    rows: int
    absent: int
    side: Side
    least: float
    greatest: float

    @property
    def values(self) -> int:
        """Return how many rows have a value."""
        return int(self.counts.sum())

    @property
    def shares(self) -> Floats:
        """Return the share of the values in each cell, (cells,)."""
        shares: Floats = self.counts / max(self.values, 1)
        return shares


@dataclass(frozen=True, slots=True)
class Seen:
    """A column as it was in the reference and as it is now.

    Attributes
    ----------
    usual: how far a step of the reference usually lies from all of it, as :func:`monitor.diagnosis.gap.gap` tells.
    usual_mean: the same of its mean, in standard deviations. ``usual_spread``: of the logarithm of its spread.
    usual_top: the largest share that one cell had of a step's values, where rows share what was measured once, such as
        the weather; 0 where they do not.
    """

    column: Column
    bins: Bins
    before: Half
    now: Half
    usual: float = 0.0
    usual_mean: float = 0.0
    usual_spread: float = 0.0
    usual_top: float = 0.0

    @property
    def name(self) -> str:
        """Return the column's name."""
        return self.column.name

    @property
    def numbers(self) -> NumericBins | None:
        """Return the cells of a column of numbers, or ``None``."""
        return self.bins if isinstance(self.bins, NumericBins) else None

    @property
    def levels(self) -> CategoryBins | None:
        """Return the cells of a column of categories, or ``None``."""
        return self.bins if isinstance(self.bins, CategoryBins) else None

    @property
    def noise(self) -> float:
        """Return how far apart the two sides are by chance, at most, if nothing changed."""
        return 0.6 * float(np.sqrt(1 / max(self.now.values, 1) + 1 / max(self.before.values, 1)))

    @property
    def slack(self) -> float:
        """Return how far apart two sides may lie and still be called alike."""
        return self.noise + self.usual

    @property
    def shared(self) -> bool:
        """Say whether the rows of a step share values that were measured once."""
        return self.usual_top > 0

    @property
    def far(self) -> bool:
        """Say whether mean or spread moved further than a population moves: many times what steps differ in."""
        old, new = self.before.side, self.now.side
        if old.mean is None or new.mean is None or not old.sd or not new.sd:
            return False
        moved = abs(new.mean - old.mean) / old.sd
        wider = abs(float(np.log(new.sd / old.sd)))
        return moved > max(_FAR, _TIMES * self.usual_mean) or wider > max(_WIDE, _TIMES * self.usual_spread)

    @property
    def is_input(self) -> bool:
        """Say whether it is a feature of the log, and not what the model or the monitor makes of some."""
        return self.column.role is Role.FEATURE and self.column.parent is None and not self.name.startswith("joint.")


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a stretch that is to be explained.

    Attributes
    ----------
    columns: all watched columns that have cells, by name.
    violations: the window's ``quality_violations``.
    losing: whether an alert on performance fires.
    """

    columns: Mapping[str, Seen] = field(default_factory=dict)
    violations: Sequence[Json] = ()
    losing: bool = False

    def broken(self, check: str, column: str | None) -> Json | None:
        """Return the violation of a check in a column, if there is one."""
        found = (each for each in self.violations if each["check"] == check and each["column"] == column)
        return next(found, None)


def columns_seen(reference: Reference, now: Profile) -> dict[str, Seen]:
    """Return every column that has cells, as it was in the reference and as it is in a stretch."""
    binning, before = reference.binning, reference.profile
    old, new = sides_of(before, binning), sides_of(now, binning)
    found = {}
    for place, (watched, span) in enumerate(binning.spans()):
        if watched.bins is None:
            continue
        before_half, now_half = (
            Half(
                profile.counts[span],
                profile.rows,
                int(profile.absent[place]),
                sides[place],
                float(profile.least[place]),
                float(profile.greatest[place]),
            )
            for profile, sides in ((before, old), (now, new))
        )
        usual = _usual(reference, place, before_half)
        top = _usual_top(reference, place, before_half)
        found[watched.column.name] = Seen(watched.column, watched.bins, before_half, now_half, *usual, usual_top=top)
    return found


def _usual_top(reference: Reference, place: int, before: Half) -> float:
    """Return the largest share of a step's values in one cell, where steps are of fewer values than their rows are."""
    steps = reference.steps
    if steps is None or len(steps.rows) <= 1:
        return 0.0
    values = steps.counts[place].sum(axis=1)
    known = values >= max(_LEAST_VALUES, np.median(values) / 2)
    if not known.any():
        return 0.0
    tops = steps.facts.top[known, place] / values[known]
    return float(tops.max()) if np.median(tops) > _SHARED + _SHARED_TIMES * before.shares.max() else 0.0


def _usual(reference: Reference, place: int, before: Half) -> tuple[float, float, float]:
    """Return how far steps usually lie from the whole: their rows, their mean and their spread."""
    steps, bins, fold = reference.steps, reference.binning.columns[place].bins, reference.folds[place]
    if steps is None or fold is None or len(steps.rows) <= 1:
        return 0.0, 0.0, 0.0
    counts = steps.counts[place]
    numeric = isinstance(bins, NumericBins)
    gaps = float(np.quantile(gaps_of_steps(counts, ordered=numeric), _USUAL_POINT))
    if not isinstance(bins, NumericBins) or not before.side.sd or before.side.mean is None:
        return gaps, 0.0, 0.0
    weights = np.maximum(before.counts, 1e-9)
    values = np.bincount(fold, weights=weights * bins.centres) / np.bincount(fold, weights=weights)
    mean, spread = moments_of_steps(counts, values)
    if not len(mean):
        return gaps, 0.0, 0.0
    off = np.abs(mean - before.side.mean) / before.side.sd
    wide = np.abs(np.log(np.maximum(spread, 1e-12) / before.side.sd))
    return gaps, float(np.quantile(off, _USUAL_POINT)), float(np.quantile(wide, _USUAL_POINT))
