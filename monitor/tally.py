"""Rows that break a plain rule, counted as they come: what the cells of a profile cannot tell afterwards.

A tally is a rule on single rows that needs no memory, so that its counts add up over panes, in any order. A row without
a value that the rule is about keeps it: what is missing is counted by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.record import Column

Mask: TypeAlias = NDArray[np.bool_]
Relation: TypeAlias = Literal["<", "<=", "==", "!=", ">=", ">"]
Ends: TypeAlias = tuple[float | None, float | None]
MISMATCH = "\x1fmismatched"
"""A column of this ending says in which rows a value was not of its type; there is none where all were."""

_HOLDS: dict[Relation, Callable[[NDArray[np.float64], NDArray[np.float64]], Mask]] = {
    "<": np.less,
    "<=": np.less_equal,
    "==": np.equal,
    "!=": np.not_equal,
    ">=": np.greater_equal,
    ">": np.greater,
}


@dataclass(frozen=True, slots=True)
class Mismatched:
    """Rows in which the value of a column was not of its type."""

    key: str

    @property
    def name(self) -> str:
        """Return what tells this tally from others."""
        return f"type {self.key}"

    def broken(self, table: pa.Table) -> Mask | None:
        """Return which rows break the rule, shape (n,); ``None`` where none does."""
        marks = self.key + MISMATCH
        return as_mask(table[marks]) if marks in table.column_names else None


@dataclass(frozen=True, slots=True)
class Outside:
    """Rows in which a number, or the length of a text, lies outside of a range; ``None``: without an end there."""

    key: str
    least: float | None
    most: float | None

    @property
    def name(self) -> str:
        """Return what tells this tally from others."""
        return f"range {self.key} {self.least} {self.most}"

    def broken(self, table: pa.Table) -> Mask | None:
        """Return which rows break the rule, shape (n,). What is not finite is counted by itself."""
        values = floats(table[self.key])
        low = -np.inf if self.least is None else self.least
        high = np.inf if self.most is None else self.most
        outside: Mask = np.isfinite(values) & ((values < low) | (values > high))
        return outside


@dataclass(frozen=True, slots=True)
class Pair:
    """Rows in which two numbers do not stand to each other as they must."""

    left: str
    relation: Relation
    right: str

    @property
    def name(self) -> str:
        """Return what tells this tally from others."""
        return f"{self.left} {self.relation} {self.right}"

    def broken(self, table: pa.Table) -> Mask | None:
        """Return which rows break the rule, shape (n,).

        >>> Pair("a", "<=", "b").broken(pa.table({"a": [1.0, 2.0, None], "b": [1.0, 1.0, 1.0]})).tolist()
        [False, True, False]
        """
        left, right = floats(table[self.left]), floats(table[self.right])
        known = ~(np.isnan(left) | np.isnan(right))
        broken: Mask = known & ~_HOLDS[self.relation](left, right)
        return broken


Tally: TypeAlias = Mismatched | Outside | Pair


def no_tallies(_columns: Sequence[Column], _ranges: Mapping[str, Ends]) -> tuple[Tally, ...]:
    """Tally nothing."""
    return ()


def floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column as floats, the length of texts; NaN stands where there is no value."""
    array = column.combine_chunks()
    if pa.types.is_string(array.type):
        array = pc.utf8_length(array)
    values: NDArray[np.float64] = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def as_mask(column: pa.ChunkedArray) -> Mask:
    """Return a boolean column as a mask; null is false."""
    return np.asarray(pc.fill_null(column, fill_value=False).to_numpy(), dtype=np.bool_)


def without_marks(table: pa.Table) -> pa.Table:
    """Return rows without the columns that say what was mismatched."""
    return table.select([name for name in table.column_names if not name.endswith(MISMATCH)])
