"""The range that a column's values are usually in, told so that the reference does not break it itself.

Of 32 stretches of a reference, one after the other in time, each is held against the extremes of the others, and a
reach beyond them. The least of some reaches that none goes beyond, doubled, is the reach of the whole. Where one
stretch lies far out of all others, there is no usual range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from monitor.bins import Floats
from monitor.record import Column, Kind, Role
from monitor.tally import Ends, floats

Ranges: TypeAlias = Mapping[str, Ends]
"""By a column's key; without those that have none."""

_PARTS = 32
"""As many as :mod:`monitor.lone` has."""
_REACHES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Beyond the extremes, in the width between them."""


def usual_ranges(table: pa.Table, columns: Sequence[Column]) -> Ranges:
    """Return the usual ranges of numbers, and of the lengths of texts.

    Parameters
    ----------
    table: the reference's rows, in order of time.
    """
    found = {}
    for column in columns:
        if column.kind in (Kind.NUMERIC, Kind.TEXT):
            ends = range_of(column, floats(table[column.key]))
            if ends is not None:
                found[column.key] = ends
    return found


def range_of(column: Column, values: Floats) -> Ends | None:
    """Return the usual range of a column's numbers or lengths; that of a score which is a probability is within [0, 1].

    A score is taken to be one where no value of it lies outside.
    """
    ends = usual_range(values)
    finite = values[np.isfinite(values)]
    if column.role is not Role.SCORE or not len(finite) or finite.min() < 0 or finite.max() > 1:
        return ends
    low, high = ends or (None, None)
    return max(low or 0.0, 0.0), 1.0 if high is None else min(high, 1.0)


def usual_range(values: Floats) -> Ends | None:
    """Return the least and the greatest usual value; ``None`` where there is no such range.

    Where no value is negative the range ends at zero, and where none is positive.

    >>> usual_range(np.tile(np.arange(1.0, 12.0), 32))
    (0.0, 21.0)
    """
    parts = [part[np.isfinite(part)] for part in np.array_split(values, _PARTS)]
    told = [(part.min(), part.max()) for part in parts if len(part)]
    if not told:
        return None
    least, greatest = np.array(told).T
    reach = _reach(least, greatest)
    if reach is None:
        return None
    low, high = _ends(float(least.min()), float(greatest.max()), 2 * reach)
    return low + 0.0, high + 0.0


def _reach(least: Floats, greatest: Floats) -> float | None:
    """Return the least reach that leaves each part within the range of the others."""
    if len(least) == 1:
        return _REACHES[0]
    places = np.arange(len(least))
    others = [(float(least[places != own].min()), float(greatest[places != own].max())) for own in places.tolist()]
    for reach in _REACHES:
        ends = np.array([_ends(*each, reach) for each in others])
        if (least >= ends[:, 0]).all() and (greatest <= ends[:, 1]).all():
            return reach
    return None


def _ends(least: float, greatest: float, reach: float) -> tuple[float, float]:
    beyond = reach * ((greatest - least) or max(abs(least), 1.0))
    low, high = least - beyond, greatest + beyond
    return max(low, 0.0) if least >= 0 else low, min(high, 0.0) if greatest <= 0 else high
