"""What a drift method is: a distance of two histograms, described as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.bins import Floats
from monitor.comparison import Histogram
from monitor.profile import Integers
from monitor.record import Kind

NUMBERS = frozenset({Kind.NUMERIC, Kind.TEXT})
CATEGORIES = frozenset({Kind.CATEGORICAL, Kind.BOOLEAN, Kind.CONSTANT})

Distance = Callable[[Histogram, Histogram], Floats]
FromReference = Callable[[Histogram], Floats]
"""The distance of one reference from a current histogram, or from each of a stack."""
Chance = Callable[[Floats], Floats]
"""The chance of a distance at least as large, for each of some distances."""
Tail = Callable[[Histogram, Histogram], Chance]
"""What a p-value takes of two histograms besides their distance: their rows, and where it must their ties or spread."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to compare a column's window with its reference.

    Attributes
    ----------
    name: as in the config, metrics and output.
    kinds: the kinds of column it is for.
    grain: whether it reads the fine ``cells`` or the coarser ``bins`` (for categories they are the same).
    least_rows: with fewer rows on either side there is no distance.
    shrink: without drift, ``distance ** shrink`` falls like one over the rows.
    per_sd: ``distance ** (shrink / 2)`` of a small shift of a normal column, for each standard deviation.
    distance: reference and current, the current one perhaps a stack; shape of the stack.
    tail: the chance of a distance at least as large, were both sides independent rows of one distribution; it never
        rises with the distance. ``None`` where the method has no p-value.
    missing: whether missing values are a bin of their own, and so count among the rows.
    prepared: ``distance`` in two steps, where much of it depends on the reference alone; the same to the last bit.
    """

    name: str
    kinds: frozenset[Kind]
    grain: Literal["cells", "bins"]
    least_rows: int
    shrink: Literal[1, 2]
    per_sd: float
    distance: Distance
    tail: Tail | None = None
    missing: bool = True
    prepared: Callable[[Histogram], FromReference] | None = None

    def from_reference(self, reference: Histogram) -> FromReference:
        """Return the distance from one reference, for many windows."""
        return partial(self.distance, reference) if self.prepared is None else self.prepared(reference)

    @property
    def p_value(self) -> Distance | None:
        """Return the p-value of a reference and a current histogram as a function of them, where there is one."""
        return None if self.tail is None else self._p_value

    def _p_value(self, reference: Histogram, current: Histogram) -> Floats:
        if self.tail is None:
            raise ValueError(f"{self.name} has no p-value")
        return self.tail(reference, current)(self.distance(reference, current))

    def rows(self, sample: Histogram) -> Floats:
        """Return how many rows the method sees of a histogram, or of each of a stack."""
        return value_rows(sample) + sample.missing if self.missing else value_rows(sample)


def shares(counts: Floats | Integers) -> Floats:
    """Return counts as shares of their last axis; zeros where there is no row."""
    total = counts.sum(axis=-1, keepdims=True)
    divided: Floats = counts / np.where(total > 0, total, 1)
    return divided


def filled_shares(reference: Histogram, current: Histogram) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return both sides' shares, missing values as a bin, where an empty bin counts as half a row.

    Bins that are empty on both sides do not enter: their shares are 0, and the third array says so.
    """
    old, new = reference.with_missing(), current.with_missing()
    used = (old > 0) | (new > 0)
    p, q = (shares(np.where(used, np.where(side > 0, side, 0.5), 0.0)) for side in (old, new))
    return p, q, used


def value_rows(sample: Histogram) -> Floats:
    """Return how many values a histogram, or each of a stack, holds."""
    rows: Floats = np.asarray(sample.counts.sum(axis=-1), dtype=np.float64)
    return rows


def harmonic_rows(reference: Histogram, current: Histogram) -> Floats:
    """Return n m / (n + m), the rows that a two-sample statistic is worth."""
    return worth(value_rows(reference), value_rows(current))


def worth(n: Floats, m: Floats) -> Floats:
    """Return n m / (n + m), and 0 where both are 0."""
    rows: Floats = n * m / np.maximum(n + m, 1)
    return rows
