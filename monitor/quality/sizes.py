"""Mean sizes of attributions, read from the cells that they were counted in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from monitor.bins import NumericBins
from monitor.profile import Integers
from monitor.quality.usual import Floats
from monitor.record import Role
from monitor.reference import Reference


@dataclass(frozen=True, slots=True)
class Sizes:
    """Where d columns of attributions stand in a binning.

    Attributes
    ----------
    places: of the columns. ``spans``: of their cells. ``each``: |value| that a row of each cell counts as.
    """

    places: tuple[int, ...]
    spans: tuple[slice, ...]
    each: tuple[Floats, ...] = field(repr=False)

    def of_cells(self, cells: Sequence[Integers]) -> Floats:
        """Return the mean |value| of each column, (d,), NaN where it has none; within a cell all count as its mean."""
        found = [self.summed(at, counts) for at, counts in enumerate(cells)]
        return np.array([float(total / rows) if rows else np.nan for total, rows in found])

    def summed(self, at: int, counts: Integers) -> tuple[Floats, Floats]:
        """Return the sum of |value| of a column, and of how many rows, given counts of shape (..., cells)."""
        return counts @ self.each[at], counts.sum(axis=-1).astype(np.float64)


def sizes_of(reference: Reference) -> Sizes | None:
    """Return where a reference has attributions; ``None`` where it has fewer than two, so that nothing ranks."""
    found = [
        (place, span, np.abs(watched.bins.centres))
        for place, (watched, span) in enumerate(reference.binning.spans())
        if watched.column.role is Role.ATTRIBUTION and isinstance(watched.bins, NumericBins)
    ]
    if len(found) < 2:  # noqa: PLR2004 - two to rank
        return None
    places, spans, each = zip(*found, strict=True)
    return Sizes(places, spans, each)
