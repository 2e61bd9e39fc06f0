"""Drift that a backtest puts into logged records, to see whether and how soon it would be found.

A spec is words of the form ``key=value``: a ``column``, one change, and perhaps ``from``, ``to``, ``model`` and
``version``, such as ``column=distance scale=1.609 from=2013-09-01``. What is random follows from a record's id, so that
a replay gives the same rows however they are read.

| change | does |
|---|---|
| ``scale=1.609`` | multiplies numbers, as a changed unit does |
| ``offset=5`` | adds to numbers |
| ``noise=2`` | adds normal noise of this standard deviation to numbers |
| ``missing=0.2`` | takes the value away from this share of the records |
| ``constant=0`` | gives every record this value, as a stuck sensor does |
| ``relabel=UA:XX`` | renames a category |
| ``swap=other`` | exchanges two columns, as a changed order of columns does |
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.special import ndtri

from monitor.bins import Floats
from monitor.errors import ConfigError, Fault
from monitor.instant import Instant, from_text
from monitor.pipeline.intake import row_hashes
from monitor.record import Column

OPTION = "--inject"
_OUT_OF_RANGE, _UNFIT, _UNKNOWN = "E103", "E102", "E166"


class Change(StrEnum):
    """What is done to a column."""

    SCALE = "scale"
    OFFSET = "offset"
    NOISE = "noise"
    MISSING = "missing"
    CONSTANT = "constant"
    RELABEL = "relabel"
    SWAP = "swap"


_OF_NUMBERS = frozenset({Change.SCALE, Change.OFFSET, Change.NOISE})
_KEYS = ("column", *Change, "from", "to", "model", "version")


@dataclass(frozen=True, slots=True)
class Injection:
    """One change of one column in a stretch [since, until) of event time.

    ``model`` and ``version``: the only ones it is meant for; ``None`` for all.
    """

    spec: str
    column: str
    change: Change
    value: str
    since: Instant | None = None
    until: Instant | None = None
    model: str | None = None
    version: str | None = None

    @property
    def number(self) -> float:
        """Return the value as a number."""
        return float(self.value)


def parse_injection(spec: str) -> Injection:
    """Read a spec.

    Raises
    ------
    ConfigError: it is none.

    >>> parse_injection("column=distance scale=1.609").number
    1.609
    """
    given = _words(spec)
    changes = [change for change in Change if change in given]
    if "column" not in given or len(changes) != 1:
        raise _fault(spec, _UNFIT, f"expected column=NAME and one of {', '.join(f'{change}=' for change in Change)}")
    change = changes[0]
    _check_value(spec, change, given[change])
    since, until = (_instant(spec, given.get(key)) for key in ("from", "to"))
    if since is not None and until is not None and since >= until:
        raise _fault(spec, _OUT_OF_RANGE, "from is not before to")
    model, version = given.get("model"), given.get("version")
    return Injection(spec, given["column"], change, given[change], since, until, model, version)


def _words(spec: str) -> dict[str, str]:
    try:
        pairs = [word.partition("=") for word in shlex.split(spec)]
    except ValueError:
        raise _fault(spec, _UNFIT, "a quote is left open") from None
    for key, _, _ in pairs:
        if key not in _KEYS:
            near = get_close_matches(key, _KEYS, n=1)
            hint = f'did you mean "{near[0]}"?' if near else None
            raise _fault(spec, _UNFIT, f"unknown word; expected one of {', '.join(_KEYS)}, each with =", hint)
    return {key: value for key, _, value in pairs}


def _check_value(spec: str, change: Change, value: str) -> None:
    if change in _OF_NUMBERS | {Change.MISSING}:
        try:
            number = float(value)
        except ValueError:
            raise _fault(spec, _UNFIT, f"{change}: not a number") from None
        if not math.isfinite(number) or (change is Change.NOISE and number < 0):
            raise _fault(spec, _OUT_OF_RANGE, f"{change}: out of range")
        if change is Change.MISSING and not 0 <= number <= 1:
            raise _fault(spec, _OUT_OF_RANGE, "missing: not a share from 0 to 1")
    if change is Change.RELABEL and ":" not in value:
        raise _fault(spec, _UNFIT, "relabel: expected OLD:NEW")
    if not value:
        raise _fault(spec, _UNFIT, f"{change}: no value")


def _instant(spec: str, text: str | None) -> Instant | None:
    try:
        return None if text is None else from_text(text)
    except ValueError:
        raise _fault(spec, _UNFIT, "from, to: not an instant; expected e.g. 2013-09-01 or 2013-09-01T06:00Z") from None


def _fault(spec: str, code: str, message: str, hint: str | None = None) -> ConfigError:
    return ConfigError([Fault(code, None, None, None, OPTION, f'"{spec}": {message}', hint)])


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
            raise _fault(injection.spec, _UNKNOWN, f'the model has no column "{name}"', hint)
    types = [known[name].type for name in names]
    if injection.change in _OF_NUMBERS and types[0] != pa.float64():
        raise _fault(injection.spec, _UNFIT, f"{injection.change} is for numbers; {names[0]} holds none")
    if types[0] != types[-1]:
        raise _fault(injection.spec, _UNFIT, "swap: the columns are not of one type")
    texts = {Change.CONSTANT: [injection.value], Change.RELABEL: injection.value.split(":", 1)}
    for text in texts.get(injection.change, []):
        if _scalar(text, types[0]) is None:
            raise _fault(injection.spec, _UNFIT, f"{injection.change}: not a value of the column's type")


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
        case Change.SCALE:
            return pc.multiply(values, injection.number)
        case Change.OFFSET:
            return pc.add(values, injection.number)
        case Change.NOISE:
            return pc.add(values, pa.array(ndtri(_chances(table, injection.spec)) * injection.number))
        case Change.MISSING:
            gone = pa.array(_chances(table, injection.spec) < injection.number)
            return pc.if_else(gone, pa.scalar(None, values.type), values)
        case Change.RELABEL:
            old, new = (_scalar(text, values.type) for text in injection.value.split(":", 1))
            return pc.if_else(pc.fill_null(pc.equal(values, old), fill_value=False), new, values)
        case _:
            return pa.repeat(_scalar(injection.value, values.type), len(values))


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
