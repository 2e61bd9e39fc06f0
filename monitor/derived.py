"""Derived columns: values computed from a record's own columns by a transform that the reference froze.

A derived column is binned, profiled and judged like any other numeric or categorical column, so that the promise
covers it by construction. Those of one parent are its *facets*: they stand as ``parent.facet``, and share its weight.

What a transform learnt from the reference's rows, such as a vocabulary, fits those rows better than any others: their
own values must not be taken from it as it is, or every stream would look drifted. A derivation therefore gives the
reference's values itself, each computed as if its row had not been learnt from, or NaN where it cannot be: such a row
of the reference then counts neither as a value nor as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.profile import ColumnBins
from monitor.record import Column, Kind, Role

Values: TypeAlias = Sequence[pa.Array]
"""One array a derived column: float64 of a numeric one, string of a categorical one; null where there is no value."""
Transform: TypeAlias = Callable[[pa.Table], Values]
"""From rows of the canonical table to the derived values of each row. A row's values depend on that row alone, bit for
bit: a transform sums only whole numbers below 2**53, and calls nothing whose last bit depends on a row's place."""
TIMESTAMP = "timestamp"
"""The canonical table's column of event times, int64 microseconds; the reference may have none."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What derivations are compiled from: the rows of the reference, in order of time.

    Attributes
    ----------
    table: the columns of the reference by key, with ``timestamp`` if it has one; n rows.
    columns: its columns, each with its frozen bins.
    """

    table: pa.Table
    columns: tuple[ColumnBins, ...]

    @property
    def timed(self) -> bool:
        """Say whether rows have an event time."""
        return TIMESTAMP in self.table.column_names


@dataclass(frozen=True, slots=True)
class Derivation:
    """A frozen transform, and the columns that it yields.

    Attributes
    ----------
    spec: what was frozen, in words and numbers: part of the reference's fingerprint.
    """

    columns: tuple[Column, ...]
    transform: Transform = field(repr=False)
    spec: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A compiled derivation with the values that it gives the reference's own rows."""

    derivation: Derivation
    values: Values = field(repr=False)


def facet(parent: Column, name: str, kind: Kind) -> Column:
    """Return the column of one facet of a parent; it comes from the parent's place in the log, and has its role."""
    return Column(f"{parent.name}.{name}", parent.path, parent.role, kind, parent=parent.name)


def record_column(group: str, name: str, kind: Kind) -> Column:
    """Return a derived column that is of the whole record; those of one group share the weight of one column."""
    return Column(f"{group}.{name}", "", Role.FEATURE, kind, parent=group)


def fitted(columns: Sequence[Column], transform: Transform, spec: object, table: pa.Table) -> Fitted:
    """Return a derivation that learnt nothing a row would show in: it gives the reference what it gives the stream."""
    derivation = Derivation(tuple(columns), transform, repr(spec))
    return Fitted(derivation, transform(table))


def widen(table: pa.Table, derivations: Sequence[Derivation]) -> pa.Table:
    """Return rows with their derived columns appended; the very table where there are none."""
    for derivation in derivations:
        table = _append(table, derivation.columns, derivation.transform(table))
    return table


def appended(table: pa.Table, derived: Sequence[Fitted]) -> tuple[pa.Table, list[Column]]:
    """Return the reference's rows with their derived columns appended, and those columns."""
    columns: list[Column] = []
    for each in derived:
        table = _append(table, each.derivation.columns, each.values)
        columns += each.derivation.columns
    return table, columns


def _append(table: pa.Table, columns: Sequence[Column], values: Values) -> pa.Table:
    for column, array in zip(columns, values, strict=True):
        table = table.append_column(column.key, array)
    return table


def read_as(table: pa.Table, key: str, wanted: Callable[[pa.DataType], bool], type_: pa.DataType) -> pa.Array:
    """Return a column; all missing where the log is read as the type that another version's reference has."""
    array = table.column(key).combine_chunks()
    return array if wanted(array.type) else pa.nulls(len(array), type_)


def sample(rows: int, most: int) -> NDArray[np.intp]:
    """Return which of the reference's rows are learnt from: at most so many, spread evenly, always the same.

    >>> sample(10, 4).tolist()
    [0, 2, 5, 7]
    """
    if rows <= most:
        return np.arange(rows)
    return (np.arange(most) * rows // most).astype(np.intp)
