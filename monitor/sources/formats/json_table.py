"""Read JSON lines of whatever layout as one table: by Arrow, or row by row where Arrow would not agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.json as pj

from monitor.sources.formats.block import Lines, is_text
from monitor.sources.formats.json_rows import Refused, parse
from monitor.sources.formats.jsonl import MAX_BLOCK, odd_lines
from monitor.sources.formats.unreadable import Unreadable
from monitor.sources.formats.values import from_python

_INT64 = 2**63


def read(lines: Lines) -> pa.Table:
    """Read all lines; structs stay structs, or become columns with dotted names.

    Raises
    ------
    Unreadable: a line is not one JSON object; it names the line.
    """
    kept = lines.pick(lines.ends > lines.starts)
    if len(kept) and not odd_lines(kept).any() and is_text(kept.joined()):
        table = _by_arrow(kept.joined())
        if table is not None and table.num_rows == len(kept):
            return table
    return _by_row(lines)


def is_row(line: bytes) -> bool:
    """Say whether a line is a record that can stand in a table: one in which a key came twice cannot."""
    try:
        row = parse(line)
        return row is not None and bool(dict(_flat(row, "", 1)))
    except (Refused, Unreadable):
        return False


def _by_arrow(data: bytes) -> pa.Table | None:
    options = pj.ReadOptions(use_threads=False, block_size=min(len(data) + 1, MAX_BLOCK))
    try:
        return pj.read_json(pa.BufferReader(data), read_options=options)
    except pa.ArrowInvalid:
        return None


def _by_row(lines: Lines) -> pa.Table:
    rows = [dict(_flat(row, "", number)) for number, row in _parsed(lines)]
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: _column([row.get(name) for row in rows]) for name in names})


def _parsed(lines: Lines) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index in range(len(lines)):
        try:
            row = parse(lines.line(index), first=index == 0)
        except Refused as refused:
            raise Unreadable(f"line {index + 1}: {refused.reason} ({refused.detail})") from None
        if row is not None:
            yield index + 1, row


def _flat(row: Mapping[str, Any], prefix: str, number: int) -> Iterator[tuple[str, Any]]:
    if getattr(row, "twice", None):
        raise Unreadable(f"line {number}: a key came twice")
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.", number)
        else:
            yield prefix + name, value


def _column(values: Sequence[Any]) -> pa.Array:
    """Guess a column's type as Arrow would; what is of no one type becomes text."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {int} and all(value is None or -_INT64 <= value < _INT64 for value in values):
        return pa.array(values, pa.int64())
    wanted = pa.string()
    if kinds and kinds <= {int, float}:
        wanted = pa.float64()
    elif kinds == {bool}:
        wanted = pa.bool_()
    elif kinds == {list} and all(_is_vector(value) for value in values if value is not None):
        wanted = pa.list_(pa.float64())
    return from_python(values, wanted).values


def _is_vector(values: Sequence[Any]) -> bool:
    return all(value is None or type(value) in (int, float) for value in values)
