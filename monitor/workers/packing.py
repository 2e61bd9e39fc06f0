"""What goes to a child and back: words and figures as JSON, tables as Arrow; no pickle, so that no answer is code."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

_LENGTH = struct.Struct("<Q")


def pack(body: Any, tables: Sequence[pa.Table] = ()) -> bytes:
    """Return a JSON value and tables as bytes.

    >>> unpack(pack({"a": 1}, [pa.table({"x": [1, None]})]))[1][0].to_pydict()
    {'x': [1, None]}
    """
    parts = [json.dumps(body, allow_nan=False).encode(), *(_written(table) for table in tables)]
    return b"".join(each for part in parts for each in (_LENGTH.pack(len(part)), part))


def unpack(content: bytes) -> tuple[Any, list[pa.Table]]:
    """Return the JSON value and the tables of what ``pack`` gave.

    Raises
    ------
    ValueError: it is cut off, or nothing that ``pack`` gave.
    """
    parts, at = [], 0
    while at < len(content):
        if at + _LENGTH.size > len(content):
            raise ValueError("cut off within a length")
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size
        if at + length > len(content):
            raise ValueError("cut off within a part")
        parts.append(content[at : at + length])
        at += length
    if not parts:
        raise ValueError("empty; expected JSON first")
    return json.loads(parts[0]), [pa.ipc.open_stream(part).read_all() for part in parts[1:]]


def _written(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()
