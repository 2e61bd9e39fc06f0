"""Segments: the rows that share the value of a column, or of a pair of columns.

Which values are segments is frozen with the reference: those with most of its rows. All other rows, also those without
a value, are in no segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.errors import PermanentError
from monitor.kinds import without_nan
from monitor.profile import texts
from monitor.record import Column, Kind, Role
from monitor.record_layout import ColumnUnknown

NONE = -1
"""The code of a row that is in no segment."""
_KINDS = frozenset({Kind.CATEGORICAL, Kind.BOOLEAN, Kind.CONSTANT})
_MOST_VALUES = 10_000
"""Values of a column that are told apart: among more, none is a segment worth judging."""


class SegmentUnfit(PermanentError):
    """A column of segments has no categories."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """How rows fall into the segments of a column, or of a pair.

    Attributes
    ----------
    columns: their names, sorted; ``keys``: in canonical rows.
    values: of each segment, as text, one a column; those with most rows of the reference first.
    rows: of the reference, in each segment.
    """

    columns: tuple[str, ...]
    keys: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    rows: tuple[int, ...]
    labels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        labels = (label_of(self.columns, values) for values in self.values)
        object.__setattr__(self, "labels", tuple(labels))

    @property
    def name(self) -> str:
        """Return the column, or both, as text.

        >>> Segmentation(("carrier", "origin"), ("carrier", "origin"), (), ()).name
        'carrier,origin'
        """
        return ",".join(self.columns)

    def codes(self, table: pa.Table) -> NDArray[np.intp]:
        """Return the segment of each canonical row, by its place, shape (n,); ``NONE`` for a row in none."""
        if any(key not in table.column_names for key in self.keys):
            return np.full(table.num_rows, NONE, np.intp)
        sides = [text_codes(table[key]) for key in self.keys]
        places = {values: place for place, values in enumerate(self.values)}
        if len(sides) == 1:
            found, codes = sides[0]
            known = [places.get((text,), NONE) for text in found]
            return np.array([*known, NONE], np.intp)[codes]
        (left, first), (right, second) = sides
        table_of_places = np.full((len(left) + 1, len(right) + 1), NONE, np.intp)
        at = [{text: place for place, text in enumerate(side)} for side in (left, right)]
        for (one, other), place in places.items():
            if one in at[0] and other in at[1]:
                table_of_places[at[0][one], at[1][other]] = place
        return np.asarray(table_of_places[first, second], dtype=np.intp)


def label_of(columns: Sequence[str], values: Sequence[str]) -> str:
    """Return the name of a segment.

    >>> label_of(("carrier", "origin"), ("UA", "JFK"))
    'carrier=UA,origin=JFK'
    """
    return ",".join(f"{column}={value}" for column, value in zip(columns, values, strict=True))


def text_codes(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.intp]]:
    """Return the distinct values of rows as text, and the place of each row's among them; beyond the last: missing."""
    array = column.combine_chunks()
    coded = array if pa.types.is_dictionary(array.type) else without_nan(array).dictionary_encode()
    found = texts(coded.dictionary)
    codes = pc.fill_null(coded.indices, len(found)).to_numpy(zero_copy_only=False).astype(np.intp)
    return found, codes


def segmentations(
    table: pa.Table, columns: Sequence[Column], wanted: Sequence[Sequence[str]], most: int
) -> tuple[Segmentation, ...]:
    """Freeze the segments of a reference.

    Parameters
    ----------
    table: its canonical rows. ``wanted``: names or paths of a column, or of two, each.
    most: segments of each.

    Raises
    ------
    ColumnUnknown: no feature has the name. SegmentUnfit: it has no categories, or far too many.
    """
    return tuple(_segmentation(table, [_found(columns, name) for name in names], most) for names in wanted)


def _found(columns: Sequence[Column], name: str) -> Column:
    features = [column for column in columns if column.role is Role.FEATURE]
    for column in features:
        if name in (column.name, column.path):
            return _fit(column)
    near = get_close_matches(name, [column.name for column in features], n=1)
    raise ColumnUnknown(name, near[0] if near else None)


def _fit(column: Column) -> Column:
    if column.kind not in _KINDS:
        raise SegmentUnfit(
            f'column "{column.name}" is {column.kind}: segments need categories', "name a categorical feature"
        )
    return column


def _segmentation(table: pa.Table, columns: list[Column], most: int) -> Segmentation:
    columns = sorted(columns, key=lambda column: column.name)
    sides = [text_codes(table[column.key]) for column in columns]
    for column, (found, _) in zip(columns, sides, strict=True):
        if len(found) > _MOST_VALUES:
            raise SegmentUnfit(f'column "{column.name}" has more than {_MOST_VALUES} values', "name another feature")
    known = np.logical_and.reduce([codes < len(found) for found, codes in sides])
    joined = sides[0][1][known]
    for found, codes in sides[1:]:
        joined = joined * len(found) + codes[known]
    cells, rows = np.unique(joined, return_counts=True)
    counted = [(_values(int(cell), [found for found, _ in sides]), int(n)) for cell, n in zip(cells, rows, strict=True)]
    counted = sorted(counted, key=lambda each: (-each[1], each[0]))[:most]
    names, keys = tuple(column.name for column in columns), tuple(column.key for column in columns)
    return Segmentation(names, keys, tuple(each for each, _ in counted), tuple(n for _, n in counted))


def _values(cell: int, sides: list[list[str]]) -> tuple[str, ...]:
    """Return the values that a cell of all combinations stands for."""
    found = []
    for side in reversed(sides):
        cell, place = divmod(cell, len(side))
        found.append(side[place])
    return tuple(reversed(found))
