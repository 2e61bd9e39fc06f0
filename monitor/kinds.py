"""What the values of a column are, told from the reference."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from monitor.instant import from_text
from monitor.record import Kind, Role

_MANY = 100
"""With fewer values a column is not called an identifier."""
_NEAR_UNIQUE = 0.9
_WORDY = 40
"""Texts are longer than this many characters on average, or have blanks in most values."""
_BLANKS = 0.5
_LOOK = 50
CLASSES = ("binary", "multiclass", "ranking", "multilabel")
LISTS = ("ranking", "multilabel")
"""Tasks whose predictions are lists of names."""


def infer_kind(array: pa.ChunkedArray, role: Role, task: str) -> tuple[Kind, bool]:
    """Return the kind of a reference column, and whether its categories are numbers or its lists are of names.

    Parameters
    ----------
    array: the column, of any Arrow type.
    task: the model's task: the predictions of a classifier are categories even if they are numbers.
    """
    is_number = pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type)
    if is_number and role in (Role.PREDICTION, Role.TARGET) and task in CLASSES:
        return Kind.CATEGORICAL, True
    if role in (Role.PREDICTION, Role.TARGET) and task in LISTS and pa.types.is_nested(array.type):
        return Kind.VECTOR, True
    told = _kind_of_type(array.type)
    if told is not None:
        return told, False
    values = without_nan(array).drop_null()
    distinct = len(values.unique())
    if distinct <= 1:
        return Kind.CONSTANT, is_number
    if is_number:
        return (Kind.IDENTIFIER if _counts_up(values, distinct) else Kind.NUMERIC), False
    return _text_kind(values.cast(pa.string()), distinct, role), False


def _kind_of_type(type_: pa.DataType) -> Kind | None:
    """Return the kind that an Arrow type alone tells, if it does; of what has no cells only missing values count."""
    if pa.types.is_boolean(type_):
        return Kind.BOOLEAN
    if pa.types.is_temporal(type_):
        return Kind.DATETIME
    is_bytes = pa.types.is_binary(type_) or pa.types.is_large_binary(type_) or pa.types.is_fixed_size_binary(type_)
    return Kind.VECTOR if is_bytes or pa.types.is_nested(type_) else None


def without_nan(array: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Return a column with null for NaN, which is no category."""
    if not pa.types.is_floating(array.type) or not pc.any(pc.is_nan(array)).as_py():
        return array
    return pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)


def _counts_up(values: pa.ChunkedArray, distinct: int) -> bool:
    """Say whether whole numbers never repeat and only rise, as a row number does."""
    if distinct < len(values) or len(values) < _MANY or not pa.types.is_integer(values.type):
        return False
    steps = pc.pairwise_diff(values.combine_chunks()).drop_null()
    return bool(pc.all(pc.greater(steps, 0)).as_py())


def _text_kind(values: pa.ChunkedArray, distinct: int, role: Role) -> Kind:
    if all(_is_instant(text) for text in values.slice(0, _LOOK).to_pylist()):
        return Kind.DATETIME
    unique = len(values) >= _MANY and distinct > _NEAR_UNIQUE * len(values)
    wordy = (
        pc.mean(pc.utf8_length(values)).as_py() > _WORDY or pc.mean(pc.match_substring(values, " ")).as_py() > _BLANKS
    )
    if role is Role.FEATURE and unique:
        return Kind.TEXT if wordy else Kind.IDENTIFIER
    return Kind.CATEGORICAL


def _is_instant(text: str) -> bool:
    try:
        from_text(text)
    except ValueError:
        return False
    return not text.isdigit()
