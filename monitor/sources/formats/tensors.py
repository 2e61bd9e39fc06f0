"""Tensors of the Open Inference Protocol as columns: values by row, in JSON or behind it in binary.

Binary values are little-endian and follow the JSON in the order of the tensors, each as long as its
``binary_data_size`` says; an element of BYTES is its length in four bytes, and then that many.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

_TYPES = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8",
    "INT8": "i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
_BYTES = "BYTES"
_LENGTH = 4


class TensorInvalid(ValueError):
    """A tensor whose shape, type and data do not agree."""


def rows(tensors: Sequence[Any], binary: bytes) -> list[Any]:
    """Return the rows of some tensors, whose first dimension is the batch.

    Tensors of one value a row are columns by their names; a tensor of several is a list in each row. A single tensor
    of several values a row gives rows without names: the list itself.

    Raises
    ------
    TensorInvalid: they are not what they say, or have different numbers of rows.
    """
    columns: dict[str, list[Any]] = {}
    rest = memoryview(binary)
    widths = []
    for tensor in tensors:
        name, shape = _name_and_shape(tensor)
        values, rest = _values(tensor, math.prod(shape), rest)
        columns[name], width = _by_row(values, shape)
        widths.append(width)
    if len(rest):
        raise TensorInvalid("more follows than the tensors say")
    if len(columns) != len(tensors) or len({len(values) for values in columns.values()}) > 1:
        raise TensorInvalid("tensors share a name, or differ in rows")
    if len(columns) == 1 and widths[0] > 1:
        return next(iter(columns.values()))
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def are(value: Any) -> bool:
    """Say whether a value is a list of tensors, and not of rows."""
    return isinstance(value, list) and bool(value) and all(_is_one(each) for each in value)


def _is_one(value: Any) -> bool:
    return isinstance(value, Mapping) and {"name", "shape", "datatype"} <= value.keys()


def _name_and_shape(tensor: Mapping[str, Any]) -> tuple[str, list[int]]:
    name, shape = tensor["name"], tensor["shape"]
    whole = isinstance(shape, list) and all(type(each) is int and each >= 0 for each in shape)
    if not isinstance(name, str) or not whole:
        raise TensorInvalid("a tensor needs a name and a shape of whole numbers")
    return name, shape


def _values(tensor: Mapping[str, Any], count: int, rest: memoryview) -> tuple[list[Any], memoryview]:
    parameters = tensor.get("parameters")
    parameters = parameters if isinstance(parameters, Mapping) else {}
    size = parameters.get("binary_data_size")
    if size is None:
        values, after = list(_flat(tensor.get("data"))), rest
    elif type(size) is not int or not 0 <= size <= len(rest):
        raise TensorInvalid("binary_data_size does not fit what follows")
    else:
        values, after = _of_bytes(tensor["datatype"], rest[:size], count), rest[size:]
    if len(values) != count:
        raise TensorInvalid("shape and data disagree")
    if tensor["datatype"] == _BYTES:
        values = [_text(value, packed=parameters.get("content_type") == "base64") for value in values]
    return values, after


def _flat(data: Any) -> Iterator[Any]:
    """Yield the values of data that may be nested, as the shape is, or flat."""
    if not isinstance(data, list):
        raise TensorInvalid("data is a list")
    while data and isinstance(data[0], list):
        if not all(isinstance(each, list) for each in data):
            raise TensorInvalid("shape and data disagree")
        data = list(chain.from_iterable(data))
    yield from data


def _of_bytes(datatype: Any, raw: memoryview, count: int) -> list[Any]:
    if datatype == _BYTES:
        return list(_elements(raw))
    kind = _TYPES.get(datatype) if isinstance(datatype, str) else None
    if kind is None or len(raw) != count * np.dtype(kind).itemsize:
        raise TensorInvalid("datatype, shape and data disagree")
    values: list[Any] = np.frombuffer(raw, kind).tolist()
    return values


def _elements(raw: memoryview) -> Iterator[bytes]:
    at = 0
    while at < len(raw):
        length = int.from_bytes(raw[at : at + _LENGTH], "little")
        at += _LENGTH
        if at + length > len(raw):
            raise TensorInvalid("an element of BYTES is longer than what follows")
        yield bytes(raw[at : at + length])
        at += length


def _text(value: Any, *, packed: bool) -> Any:
    if packed and isinstance(value, str):
        try:
            value = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise TensorInvalid("an element is not base64") from None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _by_row(values: list[Any], shape: list[int]) -> tuple[list[Any], int]:
    """Return the values by row, and how many a row has."""
    if not shape:
        return values, 1
    width = math.prod(shape[1:])
    if width == 1:
        return values, 1
    return [values[at * width : (at + 1) * width] for at in range(shape[0])], width
