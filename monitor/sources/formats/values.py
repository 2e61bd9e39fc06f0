"""Turn the values of a log into the type a column is watched as: without loss, or null and counted.

Every format ends here, whichever way it read its bytes, so that one value means one thing everywhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MAX_TEXT_BYTES = 2**20  # a longer text is no value of a column
EXACT = 2.0**53  # beyond it a float64 no longer tells neighbouring integers apart
_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|nan|inf(?:inity)?)", re.IGNORECASE)
_WRITTEN = {bool: pa.bool_(), float: pa.float64(), str: pa.string()}
_BOOLEANS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "1": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "0": False,
}


@dataclass(frozen=True, slots=True)
class Converted:
    """Values of the wanted type, and where a value was given that is not of it (``None``: nowhere)."""

    values: pa.Array
    mismatch: pa.Array | None = None


def convert(values: pa.Array, wanted: pa.DataType) -> Converted:
    """Read values as float64, string, bool, a list of float64 or a list of names.

    Lossless: ``"12"`` and 12, true and ``"true"``, 1 and true. A number as text is written the shortest
    way, and without a fraction when it has none, so that 3 and 3.0 are one category.
    A timestamp as text is ISO 8601. A number beyond float64's precision is rounded.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if values.type == wanted:
        return Converted(values)
    if pa.types.is_null(values.type):
        return Converted(pa.nulls(len(values), wanted))
    if pa.types.is_float64(wanted):
        return _to_numbers(values)
    if pa.types.is_boolean(wanted):
        return _to_booleans(values)
    if pa.types.is_list(wanted):
        return _to_lists(values, wanted)
    return _to_texts(values)


def _nothing(values: pa.Array, wanted: pa.DataType) -> Converted:
    return Converted(pa.nulls(len(values), wanted), pc.is_valid(values))


def _by_value(values: pa.Array, wanted: pa.DataType, read: Callable[[Any], Any]) -> Converted:
    """Convert each distinct value once; ``read`` returns ``None`` for a value that is not of the type."""
    coded = values.dictionary_encode()
    read_values = pa.array([None if v is None else read(v) for v in coded.dictionary.to_pylist()], wanted)
    result = read_values.take(coded.indices)
    return Converted(result, pc.and_(pc.is_null(result), pc.is_valid(values)))


def is_text(type_: pa.DataType) -> bool:
    """Tell whether a type is one of Arrow's texts."""
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))


def _is_number(type_: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_))


def _read_number(text: str) -> float | None:
    trimmed = text.strip(" \t")
    return float(trimmed) if _NUMBER.fullmatch(trimmed) else None


def _to_numbers(values: pa.Array) -> Converted:
    if _is_number(values.type) or pa.types.is_boolean(values.type):
        return Converted(values.cast(pa.float64(), safe=False))
    if not is_text(values.type):
        return _nothing(values, pa.float64())
    try:
        return Converted(values.cast(pa.float64()))
    except pa.ArrowInvalid:
        return _by_value(values, pa.float64(), _read_number)


def _to_booleans(values: pa.Array) -> Converted:
    if is_text(values.type):
        return _by_value(values, pa.bool_(), _BOOLEANS.get)
    if not _is_number(values.type):
        return _nothing(values, pa.bool_())
    numbers = values.cast(pa.float64(), safe=False)
    known = pc.or_(pc.equal(numbers, 0.0), pc.equal(numbers, 1.0))
    result = pc.if_else(known, pc.equal(numbers, 1.0), pa.scalar(None, pa.bool_()))
    return Converted(result, pc.and_(pc.is_null(result), pc.is_valid(values)))


def _to_texts(values: pa.Array) -> Converted:
    if is_text(values.type):
        return Converted(values.cast(pa.string()))
    if pa.types.is_floating(values.type):
        return _by_value(values.cast(pa.float64()), pa.string(), number_text)
    if pa.types.is_integer(values.type) or pa.types.is_boolean(values.type) or pa.types.is_temporal(values.type):
        return Converted(values.cast(pa.string()))
    if pa.types.is_decimal(values.type):
        return _by_value(values, pa.string(), lambda value: format(value.normalize(), "f"))
    return _nothing(values, pa.string())


def number_text(value: float) -> str | None:
    """Write a number as a category; a value that is not finite is none.

    >>> number_text(3.0), number_text(0.1)
    ('3', '0.1')
    """
    if not math.isfinite(value):
        return None
    return str(int(value)) if value.is_integer() and abs(value) < EXACT else repr(value)


def _to_lists(values: pa.Array, wanted: pa.DataType) -> Converted:
    type_ = values.type
    listed = pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_)
    if pa.types.is_string(wanted.value_type):
        named = listed and (is_text(type_.value_type) or pa.types.is_integer(type_.value_type))
        return Converted(values.cast(wanted)) if named else _nothing(values, wanted)
    if listed and (_is_number(type_.value_type) or pa.types.is_null(type_.value_type)):
        return Converted(values.cast(wanted, safe=False))
    return _nothing(values, wanted)


def from_python(values: Sequence[Any], wanted: pa.DataType) -> Converted:
    """Read values as ``json.loads`` gives them, of any mixture of types."""
    kinds = {type(value) for value in values} - {type(None)}
    parts = [_of_kind(values, kind, wanted) for kind in sorted(kinds, key=lambda kind: kind.__name__)]
    if not parts:
        return Converted(pa.nulls(len(values), wanted))
    result = parts[0]
    for part in parts[1:]:
        result = Converted(pc.coalesce(result.values, part.values), either(result.mismatch, part.mismatch))
    return result


def _of_kind(values: Sequence[Any], kind: type, wanted: pa.DataType) -> Converted:
    if issubclass(kind, dict):
        return Converted(pa.nulls(len(values), wanted), pa.array([isinstance(v, dict) for v in values]))
    only: list[Any] = [value if type(value) is kind else None for value in values]
    if kind is int:
        return _from_integers(only, wanted)
    if kind is list:
        return _from_lists(only, wanted)
    return convert(pa.array(only, _WRITTEN[kind]), wanted)


def _from_integers(values: Sequence[int | None], wanted: pa.DataType) -> Converted:
    """Convert integers of any number of digits; as text they keep them all."""
    if pa.types.is_string(wanted):
        return Converted(pa.array([None if value is None else str(value) for value in values], wanted))
    return convert(pa.array([None if value is None else _as_float(value) for value in values], pa.float64()), wanted)


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _from_lists(values: Sequence[list[Any] | None], wanted: pa.DataType) -> Converted:
    if not pa.types.is_list(wanted):
        return Converted(pa.nulls(len(values), wanted), pa.array([value is not None for value in values]))
    if pa.types.is_string(wanted.value_type):
        read: list[list[Any] | None] = [None if value is None else _names(value) for value in values]
    else:
        read = [None if value is None or not _all_numbers(value) else [_element(v) for v in value] for value in values]
    return Converted(
        pa.array(read, wanted), pa.array([v is not None and r is None for v, r in zip(values, read, strict=True)])
    )


def _names(values: Sequence[Any]) -> list[str] | None:
    """Return names of items, which may be written as whole numbers; ``None`` if they are anything else."""
    named = all(type(value) in (str, int) for value in values)
    return [str(value) for value in values] if named else None


def _all_numbers(values: Sequence[Any]) -> bool:
    return all(value is None or type(value) in (int, float) for value in values)


def _element(value: float | None) -> float | None:
    return None if value is None else _as_float(value) if isinstance(value, int) else value


def either(first: pa.Array | None, second: pa.Array | None) -> pa.Array | None:
    """Return where one of two masks is set."""
    if first is None or second is None:
        return first if second is None else second
    return pc.or_(first, second)


def choose(where: pa.Array, first: Converted, second: Converted) -> Converted:
    """Take the first where the mask is set, else the second."""
    values = pc.if_else(where, first.values, second.values)
    if first.mismatch is None and second.mismatch is None:
        return Converted(values)
    nowhere = pa.scalar(value=False)
    masks = [nowhere if part.mismatch is None else part.mismatch for part in (first, second)]
    return Converted(values, pc.if_else(where, *masks))


def true_mask(mask: pa.Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return a boolean Arrow array without nulls as a NumPy mask."""
    return np.asarray(mask.to_numpy(zero_copy_only=False), dtype=np.bool_)
