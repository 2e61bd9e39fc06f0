"""Rows of a stretch of steps, column by column: what worlds make, faults change and the counter counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from monitor.calibration.arrays import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """The rows of ``steps`` steps, of which some may be empty.

    Attributes
    ----------
    columns: by name, (rows,); NaN is a missing value; a category is the index of its level.
    levels: the names of a category's levels; an index past their end is a level that nobody has seen.
    step: of each row, rising, 0 to steps - 1, (rows,).
    """

    columns: Mapping[str, Floats]
    levels: Mapping[str, tuple[str, ...]]
    step: Ints
    steps: int

    @property
    def numeric(self) -> tuple[str, ...]:
        """Return the names of the columns that are no category."""
        return tuple(name for name in self.columns if name not in self.levels)

    def having(self, **columns: Floats) -> Sheet:
        """Return the sheet with other values in some columns."""
        return replace(self, columns={**self.columns, **columns})


def level_names(levels: tuple[str, ...], values: Floats) -> list[str | None]:
    """Return the values of a category in words; ``None`` where missing.

    >>> level_names(("a", "b"), np.array([1.0, np.nan, 2.0]))
    ['b', None, 'new']
    """
    words = [*levels, "new"]
    return [None if np.isnan(value) else words[int(value)] for value in values]
