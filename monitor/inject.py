"""Puts drift into canonical rows, as a spec of :mod:`monitor.injection` says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.special import ndtri

from monitor.bins import Floats
from monitor.injection import OF_NUMBERS, UNFIT, UNKNOWN, Change, Injection, spec_fault
from monitor.pipeline.intake import row_hashes
from monitor.record import Column


def injector(
    injections: Iterable[Injection], model: str, columns: Iterable[Column]
) -> Callable[[pa.Table], pa.Table] | None:
    """Return what changes a model's canonical rows; ``None`` if nothing is meant for it.

    Raises
    ------
    ConfigError: a column that the model does not have, or that such a change is not for.
    """
    known = {column.name: column for column in columns}
    mine = [injection for injection in injections if injection.model in (None, model)]
    for injection in mine:
        _check_columns(injection, known)
    if not mine:
        return None

    def change(table: pa.Table) -> pa.Table:
        for injection in mine:
            table = _injected(table, injection, known)
        return table

    return change


def _check_columns(injection: Injection, known: Mapping[str, Column]) -> None:
    names = [injection.column, *([injection.value] if injection.change is Change.SWAP else [])]
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
    texts = {Change.CONSTANT: [injection.value], Change.RELABEL: injection.value.split(":", 1)}
    for text in texts.get(injection.change, []):
        if _scalar(text, types[0]) is None:
            raise spec_fault(injection.spec, UNFIT, f"{injection.change}: not a value of the column's type")


def _injected(table: pa.Table, injection: Injection, known: Mapping[str, Column]) -> pa.Table:
    meant = _meant(table, injection)
    if not meant.any():
        return table
    key = known[injection.column].key
    before = table[key].combine_chunks()
    if injection.change is Change.SWAP:
        other = known[injection.value].key
        mask = pa.array(meant)
        first, second = before, table[other].combine_chunks()
        table = _replaced(table, key, pc.if_else(mask, second, first))
        return _replaced(table, other, pc.if_else(mask, first, second))
    return _replaced(table, key, pc.if_else(pa.array(meant), _changed(before, injection, table), before))


def _meant(table: pa.Table, injection: Injection) -> NDArray[np.bool_]:
    times = np.asarray(table["timestamp"].to_numpy(), dtype=np.int64)
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
            gone = pa.array(_chances(table, injection.spec) < injection.number)
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
            noise = ndtri(_chances(table, injection.spec)) * injection.number
        case _:
            share, spread = (each or 0.0 for each in injection.pair)
            struck = _chances(table, injection.spec) < share
            noise = ndtri(_chances(table, f"{injection.spec} size")) * spread * struck
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


def _chances(table: pa.Table, spec: str) -> Floats:
    """Return a number between 0 and 1 of each record: the same for one id and one spec, and as good as random."""
    salt = int.from_bytes(blake2b(spec.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
    mixed = row_hashes(table) ^ np.uint64(salt)
    # The finisher of SplitMix64 (Steele, Lea, Flood 2014): the hashes of one id under two specs are not alike.
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    high = (mixed ^ (mixed >> np.uint64(31))) >> np.uint64(12)
    return high.astype(np.float64) * 2.0**-52 + 2.0**-53


def _replaced(table: pa.Table, key: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(key), key, values)
