"""Which columns two tables share, and what their values are: the reference decides, as it does for a log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from monitor.apart.values import TAKES_NO_PART
from monitor.bins import Floats
from monitor.errors import PermanentError, ReferenceUnusable
from monitor.kinds import infer_kind
from monitor.profile import numbers
from monitor.record import Column, Role
from monitor.record_layout import NATIVE_FEATURES, ColumnsSettings, feature_names, fixed_part
from monitor.sources.formats.values import Converted, convert

NOT_COMPARED = TAKES_NO_PART
"""Kinds whose values say nothing by being other ones."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A column that both tables have, its values read as the reference's kind; n and m rows.

    ``mismatched``: how many values of each table are not of that kind, and so missing.
    """

    column: Column
    reference: pa.Array = field(repr=False)
    current: pa.Array = field(repr=False)
    mismatched: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Shared:
    """What two tables have in common: ``gone`` stands in the reference only, ``new`` in the current one only.

    ``new`` has the path of each name.
    """

    pairs: tuple[Pair, ...]
    gone: tuple[Column, ...]
    new: Mapping[str, str]


def shared_columns(reference: pa.Table, current: pa.Table, settings: ColumnsSettings, task: str) -> Shared:
    """Pair the columns of two flat tables by path, then by name.

    Raises
    ------
    ReferenceUnusable: the reference has no column to compare.
    ColumnUnknown, ColumnRepeated: the config names a column that is nowhere, or two with one name.
    """
    wanted = _columns(reference.column_names, settings)
    if not wanted:
        raise ReferenceUnusable("E165", "the reference has no column to compare", "name features under columns")
    start = fixed_part(settings.features) if isinstance(settings.features, str) else fixed_part(NATIVE_FEATURES)
    pairs, gone, found = [], [], set()
    for name, path, role in wanted:
        column = Column(name, path, role, *infer_kind(reference[path], role, task))
        place = next((each for each in (path, name, start + name) if each in current.column_names), None)
        if place is None:
            gone.append(column)
            continue
        found.add(place)
        pairs.append(paired(column, reference[path], current[place]))
    known = {name for name, _, _ in wanted}
    there = [(name, path) for name, path, _ in _columns(current.column_names, _without_lists(settings))]
    dropped = {*settings.exclude, *(path.removeprefix(start) for path in settings.exclude)}
    new = {
        name: path
        for name, path in sorted(there)
        if path not in found and name not in known | dropped and path not in dropped
    }
    return Shared(tuple(pairs), tuple(sorted(gone, key=lambda column: column.name)), new)


def paired(column: Column, reference: pa.ChunkedArray, current: pa.ChunkedArray) -> Pair:
    """Return the values of two tables, read as a column's kind."""
    old, new = (_read(array, column) for array in (reference, current))
    return Pair(column, old.values, new.values, (_mismatched(old), _mismatched(new)))


def _columns(available: list[str], settings: ColumnsSettings) -> list[tuple[str, str, Role]]:
    """Return name, path and role of every column to compare."""
    outputs: Iterable[tuple[Role, str | None]] = (
        (Role.PREDICTION, settings.prediction),
        (Role.SCORE, settings.score),
        (Role.TARGET, settings.target),
    )
    taken = [(role.value, path, role) for role, path in outputs if path and path in available]
    features = feature_names(available, settings)
    for name, _, _ in taken:
        if name in features:
            raise PermanentError(f'two columns have the name "{name}"', "list one of them under exclude")
    return [*((name, path, Role.FEATURE) for name, path in features.items()), *taken]


def _without_lists(settings: ColumnsSettings) -> ColumnsSettings:
    """Return settings that find what a table has, whatever the config expects of it."""
    pattern = settings.features if isinstance(settings.features, str) else None
    return settings.model_copy(update={"features": pattern, "exclude": []})


def _read(array: pa.ChunkedArray, column: Column) -> Converted:
    whole = array.combine_chunks()
    return Converted(whole) if column.kind in NOT_COMPARED else convert(whole, column.type)


def _mismatched(read: Converted) -> int:
    return 0 if read.mismatch is None else read.mismatch.true_count


def values_of(array: pa.Array) -> Floats:
    """Return the numbers of a column, or the lengths of its texts, without what is missing; infinities stay."""
    found = numbers(array)
    return found[~np.isnan(found)]
