"""Identifiers: their format. That one was never seen before is no news; that they look otherwise is.

``format`` is the class of characters and the length, such as ``hex-:36`` of a UUID. Numbers that count up grow longer
by themselves, so that digits alone have no length.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from monitor.comparison import DriftSettings
from monitor.derived import Fitted, Ground, Values, facet, fitted
from monitor.profile import texts
from monitor.record import Kind

_CLASSES = (
    ("digits", r"^[0-9]+$"),
    ("hex", r"^[0-9a-f]+$"),
    ("HEX", r"^[0-9A-F]+$"),
    ("hex-", r"^[0-9a-fA-F-]+$"),
    ("lower", r"^[a-z]+$"),
    ("UPPER", r"^[A-Z]+$"),
    ("letters", r"^[A-Za-z]+$"),
    ("alphanumeric", r"^[A-Za-z0-9]+$"),
    ("word", r"^[A-Za-z0-9_-]+$"),
    ("base64", r"^[A-Za-z0-9+/=_-]+$"),
    ("address", r"^[^@\s]+@[^@\s]+$"),
    ("ascii", r"^[ -~]+$"),
)
"""The first that fits; anything else is ``other``."""
_LONG = 64
"""Longer ones are of one class."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """Where the identifiers stand."""

    key: str

    def __call__(self, table: pa.Table) -> Values:
        """Return the format of each row; null where there is none."""
        array = table.column(self.key).combine_chunks()
        return [formats(array if pa.types.is_string(array.type) else _as_logged(array))]


def compile_all(ground: Ground, drift: DriftSettings) -> Iterable[Fitted]:
    """Yield the derivation of every column of identifiers."""
    for watched in ground.columns:
        column = watched.column
        if column.kind is Kind.IDENTIFIER and drift.with_facets(column):
            columns = [facet(column, "format", Kind.CATEGORICAL)]
            yield fitted(columns, Frozen(column.key), "identifier", ground.table)


def formats(array: pa.Array) -> pa.Array:
    """Return the format of each text.

    >>> formats(pa.array(["1001", "ab12-7", "é"])).to_pylist()
    ['digits', 'hex-:6', 'other:1']
    """
    length = pc.min_element_wise(pc.utf8_length(array), _LONG)
    fits = [pc.match_substring_regex(array, pattern) for _, pattern in _CLASSES]
    conditions = pa.StructArray.from_arrays(fits, names=[name for name, _ in _CLASSES])
    found = pc.case_when(conditions, *(pa.scalar(name) for name, _ in _CLASSES), pa.scalar("other"))
    full = pc.binary_join_element_wise(found, length.cast(pa.string()), ":")
    return pc.if_else(array.is_null(), None, pc.if_else(fits[0], "digits", full))


def _as_logged(array: pa.Array) -> pa.Array:
    """Return identifiers that a reference holds as numbers as the texts that a log's are read as."""
    if pa.types.is_integer(array.type) or pa.types.is_large_string(array.type):
        return array.cast(pa.string())
    return pa.array([None if v is None else texts(pa.array([v]))[0] for v in array.to_pylist()], pa.string())
