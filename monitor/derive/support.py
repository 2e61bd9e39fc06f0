"""Records outside what the reference holds: a sign of outliers, of a broken feed, or of an attack.

``records.outside`` says of each whole record whether any of its numbers lies in the reference's outermost tails, 0.01 %
on either side or a few rows where that is less, or any of its categories was never seen. Of many columns a record
passes many such limits, so that some are outside when nothing drifts: that share is what the engine knows.

The reference's own rows are held to the limits that the rest of it gives: to those of seven eighths for numbers, and
for categories as if the row's own thirty-second part were not there. Both in order of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.bins import CategoryBins, Floats, NumericBins
from monitor.comparison import DriftSettings
from monitor.derived import Derivation, Fitted, Ground, Values, record_column
from monitor.lone import coded, lone_rows
from monitor.profile import numbers
from monitor.record import Kind

Flags = NDArray[np.bool_]
GROUP, NAME = "records", "outside"
_TAIL = 1e-4
_PARTS = 8
_LONE_GAP = 2.0**-20
_WORDS = ("inside", "outside")


@dataclass(frozen=True, slots=True)
class Frozen:
    """The limits of each column, by key.

    Attributes
    ----------
    limits: of numbers: under the first or over the second is outside.
    levels: of categories: any other is outside.
    """

    limits: Mapping[str, tuple[float, float]]
    levels: Mapping[str, frozenset[str]] = field(repr=False)

    def __call__(self, table: pa.Table) -> Values:
        """Return of each row whether it is outside."""
        outside = np.zeros(table.num_rows, np.bool_)
        for key, (low, high) in self.limits.items():
            values = numbers(table.column(key).combine_chunks())
            outside |= (values < low) | (values > high)
        for key, known in self.levels.items():
            distinct, codes = coded(table.column(key))
            odd = np.array([level not in known for level in distinct] + [False], np.bool_)
            outside |= odd[codes]
        return [_told(outside)]


def compile_all(ground: Ground, drift: DriftSettings) -> Iterable[Fitted]:
    """Yield the one derivation of whole records, if it is asked for and there is a column to tell by."""
    if not drift.outside:
        return
    outside = np.zeros(ground.table.num_rows, np.bool_)
    limits, levels = {}, {}
    for watched in ground.columns:
        key = watched.column.key
        if watched.column.kind is Kind.NUMERIC and isinstance(watched.bins, NumericBins):
            values = numbers(ground.table.column(key).combine_chunks())
            if np.isfinite(values).any():
                limits[key] = number_limits(values, outside)
        elif watched.column.kind in (Kind.CATEGORICAL, Kind.BOOLEAN) and isinstance(watched.bins, CategoryBins):
            levels[key] = _known_levels(ground.table.column(key), outside)
    if limits or levels:
        columns = (record_column(GROUP, NAME, Kind.CATEGORICAL),)
        spec = repr((NAME, limits, sorted((key, sorted(known)) for key, known in levels.items())))
        yield Fitted(Derivation(columns, Frozen(limits, levels), spec), [_told(outside)])


def number_limits(values: Floats, outside: Flags) -> tuple[float, float]:
    """Return the limits of a column, and mark in ``outside`` the rows beyond those of the other parts, (n,)."""
    finite = np.isfinite(values)
    order = np.flatnonzero(finite)[np.argsort(values[finite], kind="stable")]
    part = np.arange(len(values)) * _PARTS // len(values)
    rows = _PARTS * max(1, round(_TAIL * len(order) / _PARTS))
    for place in range(_PARTS):
        others = order[part[order] != place]
        low, high = _limits(values[others], rows * (_PARTS - 1) // _PARTS)
        mine = part == place
        outside |= mine & ((values < low) | (values > high))
    return _limits(values[order], rows)


def _limits(ordered: Floats, rows: int) -> tuple[float, float]:
    """Return the limits that leave at most so many rows on either side; half-way between values, as cells end."""
    if not len(ordered):
        return -np.inf, np.inf
    rows = min(rows, (len(ordered) - 1) // 2)
    return _low(ordered, rows), -_low(-ordered[::-1], rows)


def _low(ordered: Floats, rows: int) -> float:
    inner = ordered[rows]
    place = int(np.searchsorted(ordered, inner, side="left"))
    if place:
        return float(ordered[place - 1] / 2 + inner / 2)
    after = int(np.searchsorted(ordered, inner, side="right"))
    gap = ordered[after] - inner if after < len(ordered) else max(abs(inner), 1.0) * _LONE_GAP
    return float(inner - gap / 2)


def _known_levels(column: pa.ChunkedArray, outside: Flags) -> frozenset[str]:
    distinct, codes = coded(column)
    outside |= lone_rows(codes, len(distinct))
    return frozenset(distinct)


def _told(outside: Flags) -> pa.Array:
    return pa.array(_WORDS).take(pa.array(outside.astype(np.int8)))
