"""Swapped columns: each of two columns looks like what the other was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from monitor.bins import CategoryBins, Floats
from monitor.diagnosis.atoms import carried, mean_fits
from monitor.diagnosis.finding import Found
from monitor.diagnosis.gap import gap, moved
from monitor.diagnosis.seen import Evidence, Seen

_LOOSE, _CLOSE = 0.75, 0.35
"""Each is nearer to what the other was, by this factor, than to what it was itself; and one of them by the second."""
_KNOWN = 0.5
"""So large a share of the other's values must be known to this column, or new categories would fit as well."""


def find(seen: Seen, evidence: Evidence) -> Found | None:
    """Return the cause with the column that this one was swapped with, or ``None``."""
    if not seen.now.values or not seen.is_input:
        return None
    best: tuple[float, str] | None = None
    for other in evidence.columns.values():
        if other.name == seen.name or not other.is_input or not other.now.values:
            continue
        fits = [_fit(seen, other), _fit(other, seen)]
        known = [fit for fit in fits if fit is not None]
        if len(known) == len(fits) and min(known) <= _CLOSE and (best is None or sum(known) / 2 < best[0]):
            best = sum(known) / 2, other.name
    if best is None:
        return None
    return Found("swapped_columns", seen.name, f"holds what {best[1]} held, and the other way round", None, 1 - best[0])


def _fit(seen: Seen, other: Seen) -> float | None:
    """Return how ill a column fits what the other was, as a part of how ill it fits itself; ``None`` if it does not."""
    expected = _as_other(seen, other)
    if expected is None:
        return None
    measure = gap if seen.numbers is not None else moved
    apart, left = measure(seen.before.shares, seen.now.shares), measure(expected, seen.now.shares)
    if seen.numbers is not None and not mean_fits(replace(other, now=seen.now), other.before.side.mean, 1.0):
        return None
    slack = seen.slack + other.usual
    return left / apart if left <= min(slack, apart * _LOOSE) and apart > seen.noise else None


def _as_other(seen: Seen, other: Seen) -> Floats | None:
    """Return what the other column was, in this one's cells; ``None`` if they are not of one sort."""
    mine, theirs = seen.bins, other.bins
    if isinstance(mine, CategoryBins) and isinstance(theirs, CategoryBins):
        cells = mine.cells(list(theirs.levels))
        cells = np.append(cells, [mine.unseen, mine.unseen])
        shares: Floats = np.bincount(cells, weights=other.before.shares, minlength=mine.size).astype(np.float64)
        known = float(shares[: mine.other].sum())
        return shares if known > _KNOWN else None
    if seen.numbers is not None and other.numbers is not None:
        return carried(other.numbers, other.before, lambda values: values, seen.numbers)
    return None
