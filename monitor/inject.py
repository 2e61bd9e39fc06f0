"""Puts drift into canonical rows, as a spec of :mod:`monitor.injection` says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache, partial, reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.special import ndtri

from monitor.background import Background
from monitor.earlier import Earlier
from monitor.inject_rows import chances, mixed, repeated
from monitor.injection import OF_NUMBERS, UNFIT, UNKNOWN, Change, Injection, spec_fault
from monitor.profile import texts
from monitor.record import Column

_Step = Callable[[pa.Table], pa.Table]


def injector(
    injections: Iterable[Injection], model: str, columns: Iterable[Column], background: Background
) -> Callable[[pa.Table], pa.Table] | None:
    """Return what changes a model's canonical rows; ``None`` if nothing is meant for it.

    Raises
    ------
    ConfigError: a column that the model does not have, or that such a change is not for.
    """
    known = {column.name: column for column in columns}
    steps = [_step(each, known, background) for each in injections if each.model in (None, model)]
    return (lambda table: reduce(lambda rows, step: step(rows), steps, table)) if steps else None


def _step(injection: Injection, known: Mapping[str, Column], background: Background) -> _Step:
    if injection.column is None:
        return partial(_repeated, injection)
    _check_columns(injection, injection.column, known)
    column = known[injection.column]
    match injection.change:
        case Change.MIX:
            return _mixing(injection, column, background)
        case Change.DELAY:
            earlier = cache(partial(background.earlier, column))
            return partial(_delayed, injection, column, earlier)
        case Change.SWAP:
            return partial(_swapped, injection, (column.key, known[injection.value].key))
        case _:
            return partial(_recast, injection, column.key)


def _check_columns(injection: Injection, column: str, known: Mapping[str, Column]) -> None:
    names = [column, *([injection.value] if injection.change is Change.SWAP else [])]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f'did you mean "{near[0]}"?' if near else "name a watched column"
            raise spec_fault(injection.spec, UNKNOWN, f'the model has no column "{name}"', hint)
    types = [known[name].type for name in names]
    if injection.change in OF_NUMBERS and types[0] != pa.float64():
        raise spec_fault(injection.spec, UNFIT, f"{injection.change} is for numbers; {names[0]} holds none")
    if types[0] != types[-1]:
        raise spec_fault(injection.spec, UNFIT, "swap: the columns are not of one type")
    for text in _texts(injection):
        if _scalar(text, types[0]) is None:
            raise spec_fault(injection.spec, UNFIT, f"{injection.change}: not a value of the column's type")


def _texts(injection: Injection) -> list[str]:
    """Return what a spec gives as values of its column."""
    match injection.change:
        case Change.CONSTANT:
            return [injection.value]
        case Change.RELABEL:
            return injection.value.split(":", 1)
        case Change.MIX:
            return [injection.level[0]]
        case _:
            return []


def _repeated(injection: Injection, table: pa.Table) -> pa.Table:
    return repeated(table, _meant(table, injection), injection.spec, injection.number)


def _mixing(injection: Injection, column: Column, background: Background) -> _Step:
    text, after = injection.level
    value = pa.scalar(text).cast(column.type)
    before = background.share(column, texts(pa.array([value.as_py()], column.type))[0])
    if not 0 < before < 1:
        what = "no row of this category" if before <= 0 else "no row of another category"
        raise spec_fault(injection.spec, UNFIT, f"mix: the reference has {what}")

    def mix(table: pa.Table) -> pa.Table:
        return mixed(table, column.key, value, (_meant(table, injection), injection.spec, before, after))

    return mix


def _delayed(injection: Injection, column: Column, earlier: Callable[[], Earlier], table: pa.Table) -> pa.Table:
    meant = _meant(table, injection)
    if not meant.any():
        return table
    before = table[column.key].combine_chunks()
    stale = earlier().stale(before, _times(table), injection.length)
    return _replaced(table, column.key, pc.if_else(pa.array(meant), stale, before))


def _swapped(injection: Injection, keys: tuple[str, str], table: pa.Table) -> pa.Table:
    mask = pa.array(_meant(table, injection))
    first, second = (table[key].combine_chunks() for key in keys)
    table = _replaced(table, keys[0], pc.if_else(mask, second, first))
    return _replaced(table, keys[1], pc.if_else(mask, first, second))


def _recast(injection: Injection, key: str, table: pa.Table) -> pa.Table:
    meant = _meant(table, injection)
    if not meant.any():
        return table
    before = table[key].combine_chunks()
    return _replaced(table, key, pc.if_else(pa.array(meant), _changed(before, injection, table), before))


def _times(table: pa.Table) -> NDArray[np.int64]:
    return np.asarray(table["timestamp"].to_numpy(), dtype=np.int64)


def _meant(table: pa.Table, injection: Injection) -> NDArray[np.bool_]:
    times = _times(table)
    meant = np.ones(len(times), dtype=np.bool_)
    if injection.since is not None:
        meant &= times >= injection.since
    if injection.until is not None:
        meant &= times < injection.until
    if injection.version is not None:
        meant &= np.asarray(pc.equal(table["version"], injection.version).to_numpy(), dtype=np.bool_)
    return meant


def _changed(values: pa.Array, injection: Injection, table: pa.Table) -> pa.Array:
    match injection.change:
        case change if change in OF_NUMBERS:
            return _recalculated(values, injection, table)
        case Change.MISSING:
            gone = pa.array(chances(table, injection.spec) < injection.number)
            return pc.if_else(gone, pa.scalar(None, values.type), values)
        case Change.RELABEL:
            old, new = (_scalar(text, values.type) for text in injection.value.split(":", 1))
            return pc.if_else(pc.fill_null(pc.equal(values, old), fill_value=False), new, values)
        case _:
            return pa.repeat(_scalar(injection.value, values.type), len(values))


def _recalculated(values: pa.Array, injection: Injection, table: pa.Table) -> pa.Array:
    match injection.change:
        case Change.SCALE:
            return pc.multiply(values, injection.number)
        case Change.OFFSET:
            return pc.add(values, injection.number)
        case Change.CLIP:
            return _clipped(values, *(pa.scalar(each, pa.float64()) for each in injection.pair))
        case Change.ROUND:
            return pc.round_to_multiple(values, injection.number)
        case Change.NOISE:
            noise = ndtri(chances(table, injection.spec)) * injection.number
        case _:
            share, spread = (each or 0.0 for each in injection.pair)
            struck = chances(table, injection.spec) < share
            noise = ndtri(chances(table, f"{injection.spec} size")) * spread * struck
    return pc.add(values, pa.array(noise))


def _clipped(values: pa.Array, low: pa.Scalar, high: pa.Scalar) -> pa.Array:
    """Hold numbers between bounds; what is missing stays missing, a bound that is null is none."""
    bounded = pc.min_element_wise(pc.max_element_wise(values, low), high)
    return pc.if_else(pc.is_valid(values), bounded, values)


def _scalar(text: str, type_: pa.DataType) -> pa.Scalar | None:
    """Return a value of a column's type, or ``None`` if the text is none."""
    try:
        return None if pa.types.is_nested(type_) else pa.scalar(text).cast(type_)
    except pa.ArrowInvalid:
        return None


def _replaced(table: pa.Table, key: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(key), key, values)
