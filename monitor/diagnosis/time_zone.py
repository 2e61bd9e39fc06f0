"""Time zone: hours of the day are the reference's own, a number of whole hours earlier or later."""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats, NumericBins
from monitor.diagnosis.atoms import carried
from monitor.diagnosis.finding import Found
from monitor.diagnosis.gap import moved, moved_by_chance
from monitor.diagnosis.seen import Evidence, Seen

_DAY = 24
_LEAST = 10
"""A column with fewer different hours is not taken for one."""
_FOLD, _NEAR = 2.5, 1.6
"""Without the shift the two sides lie so many times further apart; the second where no more than chance is left."""


def find(seen: Seen, evidence: Evidence) -> Found | None:  # noqa: ARG001 - every cause is asked alike
    """Return the cause, with the hours by which the clock moved as its factor, or ``None``."""
    if not seen.now.values or not _holds_hours(seen):
        return None
    old, new = seen.before.shares, seen.now.shares
    apart = moved(old, new)
    fits = [(moved(_later(seen, hours), new), abs(hours), hours) for hours in range(-11, 13) if hours]
    left, _, hours = min(fits)
    chance = moved_by_chance(old, seen.now.values, seen.before.values)
    if left > min(2 * seen.usual + chance, apart / _FOLD) and left > min(chance, apart / _NEAR):
        return None
    return Found("time_zone", seen.name, f"hours are shifted by {hours:+d}", float(hours), confidence=1 - left / apart)


def _holds_hours(seen: Seen) -> bool:
    """Say whether a column holds the hours from 0 to 23, most of them, and nothing else."""
    if int((seen.before.counts > 0).sum()) < _LEAST:
        return False
    if seen.numbers is None:
        levels = seen.levels
        return levels is not None and not levels.others and all(_is_hour(level) for level in levels.levels)
    values = seen.numbers.centres[seen.before.counts > 0]
    ends = (seen.before.least, seen.now.least, seen.before.greatest, seen.now.greatest)
    inside = min(ends) >= 0 and max(ends) < _DAY
    return inside and np.array_equal(values, np.rint(values)) and np.array_equal(ends, np.rint(ends))


def _is_hour(level: str) -> bool:
    return level.isdecimal() and int(level) < _DAY


def _later(seen: Seen, hours: int) -> Floats:
    """Return what the reference would be so many hours later, as shares by cell."""
    bins = seen.bins
    if isinstance(bins, NumericBins):
        return carried(bins, seen.before, lambda values: (values + hours) % _DAY)
    wide = min(len(level) for level in bins.levels)  # "07" or "7"
    names = [f"{(int(level) + hours) % _DAY:0{wide}}" for level in bins.levels]
    shares = seen.before.shares[: len(names)]
    later: Floats = np.bincount(bins.cells(names), weights=shares, minlength=bins.size).astype(np.float64)
    return later
