"""The bodies of inference requests and responses as rows: KServe V1, Open Inference Protocol, Seldon, Azure.

A row is a mapping of names, or a list of values without names, or one value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.sources.formats import tensors
from monitor.sources.formats.json_rows import integer, too_deep

_TENSORS = ("inputs", "outputs")
_ROWS = ("instances", "predictions", "dataframe_records", "inputs", "outputs")


class BodyUnknown(ValueError):
    """A body that is of no form that is known."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a body holds.

    Attributes
    ----------
    id, version: what the Open Inference Protocol says of the inference and of its model.
    """

    rows: list[Any]
    id: str | None = None
    version: str | None = None


def read(raw: bytes, json_length: int | None = None) -> Body:
    """Read a body.

    Parameters
    ----------
    json_length: how many bytes of JSON come before binary tensors, where the sender said so.

    Raises
    ------
    BodyUnknown: it is of no known form.
    TensorInvalid: a tensor in it does not agree with itself.
    """
    told, rest = _parsed(raw, json_length)
    if rest and not (isinstance(told, Mapping) and any(tensors.are(told.get(name)) for name in _TENSORS)):
        raise BodyUnknown("something follows the JSON")
    if not isinstance(told, Mapping):
        return Body(_listed(told))
    id_, version = told.get("id"), told.get("model_version")
    texts = (each if isinstance(each, str) and each else None for each in (id_, version))
    return Body(_rows(told, rest), *texts)


def _parsed(raw: bytes, json_length: int | None) -> tuple[Any, bytes]:
    """Return the JSON at the begin of a body, and what follows it."""
    if too_deep(raw[:json_length]):
        raise BodyUnknown("nested too deep")
    try:
        if json_length is not None:
            return _loads(raw[:json_length]), raw[json_length:]
        try:
            return _loads(raw), b""
        except BodyUnknown:
            raise
        except ValueError:
            text = raw.decode("latin-1")  # what JSON is made of is ASCII, so that it ends at the same place
            start = len(text) - len(text.lstrip())
            _, end = json.JSONDecoder().raw_decode(text, start)
            return _loads(raw[:end]), raw[end:]
    except BodyUnknown:
        raise
    except (ValueError, RecursionError):
        raise BodyUnknown("not JSON") from None


def _loads(raw: bytes) -> Any:
    return json.loads(raw, object_pairs_hook=_object, parse_int=integer)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; one in which a key came twice may mean either value, and is refused."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise BodyUnknown("a key came twice")
    return made


def _rows(told: Mapping[str, Any], binary: bytes) -> list[Any]:
    for name in _TENSORS:
        if tensors.are(told.get(name)):
            return tensors.rows(told[name], binary)
    for name in _ROWS:
        if isinstance(told.get(name), list):
            return _listed(told[name])
        if isinstance(told.get(name), Mapping):
            return _of_columns(told[name])
    for holder, names in (("data", "names"), ("dataframe_split", "columns")):
        if isinstance(told.get(holder), Mapping):
            return _of_table(told[holder], told[holder].get(names))
    if "jsonData" in told:
        return _listed(told["jsonData"])
    return [dict(told)]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _of_columns(columns: Mapping[str, Any]) -> list[Any]:
    """Return the rows of columns by name; of single values, one row."""
    if not all(isinstance(values, list) for values in columns.values()):
        return [dict(columns)]
    if len({len(values) for values in columns.values()}) != 1:
        raise BodyUnknown("columns differ in length")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _of_table(data: Mapping[str, Any], names: Any) -> list[Any]:
    """Return the rows of Seldon's ``ndarray`` or ``tensor``, or of a data frame that was split."""
    values = data.get("ndarray", data.get("data"))
    tensor = data.get("tensor")
    if isinstance(tensor, Mapping):
        values = _reshaped(tensor.get("values"), tensor.get("shape"))
    if not isinstance(values, list):
        raise BodyUnknown("no rows")
    named = isinstance(names, list) and bool(names) and all(isinstance(name, str) for name in names)
    return [_named(row, names) if named else row for row in values]


def _reshaped(values: Any, shape: Any) -> list[Any]:
    whole = isinstance(shape, list) and shape and all(type(each) is int and each >= 0 for each in shape)
    if not whole or not isinstance(values, list) or len(values) != math.prod(shape):
        raise tensors.TensorInvalid("shape and data disagree")
    width = math.prod(shape[1:])
    return values if len(shape) == 1 else [values[at * width : (at + 1) * width] for at in range(shape[0])]


def _named(row: Any, names: Sequence[str]) -> Any:
    if not isinstance(row, list):
        return {names[0]: row} if len(names) == 1 else row
    if len(row) != len(names):
        raise BodyUnknown("a row has more or fewer values than there are names")
    return dict(zip(names, row, strict=True))
