"""JSON lines: Arrow reads whole blocks, and a part with a fault is read line by line.

Arrow alone lets through what is not one object a line (and crashes on a line ``null``), so it is given
only lines that begin with ``{`` and end with ``}``, and must return as many rows as there were lines.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from monitor.record import Decoded, Dialect, Layout
from monitor.sources.formats import json_rows
from monitor.sources.formats.block import Lines, Rows, admit, is_text, joined, split
from monitor.sources.formats.instants import to_instants
from monitor.sources.formats.json_rows import MAX_BRACKETS, Wanted, decode_rows
from monitor.sources.formats.paths import places
from monitor.sources.formats.resolve import resolve
from monitor.sources.formats.translate import translate
from monitor.sources.formats.values import EXACT, Converted, convert
from monitor.sources.formats.whole import whole_lines

_PROBED_LINES = 8
_FEW_LINES = 128  # a part this small with a fault is read line by line
_OPEN, _CLOSE, _RETURN = b"{}\r"
MAX_BLOCK = 2**31 - 1
_Tree: TypeAlias = dict[str, Any]  # a name → a type, or the tree below it


def decode(lines: Lines, layout: Layout) -> Decoded:
    """Decode lines of JSON objects; blank lines are skipped, and a byte order mark where the file begins.

    Returns
    -------
    The good rows in order, the refused lines, and per field the values that were not of its type.
    """
    if layout.dialect is not None:
        return translated(lines, layout, layout.dialect)
    found = places([layout.timestamp, *(field.path for field in layout.fields)])
    wanted = Wanted(layout, found[0], found[1:], {field.path: field.type for field in layout.fields})
    kept = lines.pick(lines.ends > lines.starts)
    return joined(list(_parts(kept, odd_lines(kept), wanted)), layout)


def translated(lines: Lines, layout: Layout, dialect: Dialect) -> Decoded:
    """Decode lines of another product's: each becomes records in the native layout, or is refused under its place."""
    made, owners, refused = translate(lines, dialect)
    decoded = decode(split(lines.file, b"".join(made)), replace(layout, dialect=None))
    ends = np.cumsum([len(line) for line in made])
    placed = [
        lines.reject(owners[int(np.searchsorted(ends, fault.offset, side="right"))], fault.reason, fault.detail)
        for fault in decoded.rejected
    ]
    return replace(decoded, rejected=tuple(sorted([*refused, *placed], key=lambda fault: fault.offset)))


def _parts(lines: Lines, odd: npt.NDArray[np.bool_], wanted: Wanted) -> Sequence[Decoded]:
    """Decode as a whole, or halve until the fault is alone among few."""
    if not len(lines):
        return []
    whole = None if odd.any() else _fast(lines, wanted)
    if whole is not None:
        return [whole]
    if len(lines) <= _FEW_LINES:
        return [decode_rows(lines, wanted)]
    half = len(lines) // 2
    return [
        *_parts(lines.part(0, half), odd[:half], wanted),
        *_parts(lines.part(half, len(lines)), odd[half:], wanted),
    ]


def odd_lines(lines: Lines) -> npt.NDArray[np.bool_]:
    """Tell which lines Arrow must not see: not of the form ``{…}``, or perhaps too deep."""
    codes = np.frombuffer(lines.data, np.uint8)
    last = codes[lines.ends - 1]
    before = codes[np.maximum(lines.ends - 2, 0)]
    closed = (last == _CLOSE) | ((last == _RETURN) & (before == _CLOSE))
    odd: npt.NDArray[np.bool_] = (codes[lines.starts] != _OPEN) | ~closed
    for index in np.flatnonzero(lines.ends - lines.starts > 2 * MAX_BRACKETS).tolist():
        line = lines.line(index)
        odd[index] |= line.count(b"[") + line.count(b"{") > MAX_BRACKETS
    return odd


def _fast(lines: Lines, wanted: Wanted) -> Decoded | None:
    """Decode by Arrow; ``None`` if any line may mean something else than Arrow took it for."""
    data = lines.joined()
    probed = _probe(lines)
    if probed is None or not is_text(data):
        return None
    nested = {place.steps[0] for place in wanted.places if len(place.steps) > 1}
    absent = {top for top in nested if not _may_name(data, top)}
    flat = any(not isinstance(row.get(top), dict) for row in probed for top in nested)
    table = None if flat else _read(data, _schema(wanted, probed), len(lines))
    if table is not None and not any(table[top].null_count for top in nested):
        return _arrange(lines, table, wanted)
    table = _read(data, _schema(wanted, probed, absent, flat=True), len(lines)) if nested else table
    return None if table is None else _arrange(lines, table, wanted)


def _may_name(data: bytes, top: str) -> bool:
    """Say whether an object or a dotted name may begin with a step: a backslash may write it in some other way."""
    return b"\\" in data or f'"{top}'.encode() in data


def _probe(lines: Lines) -> list[Mapping[str, Any]] | None:
    """Read the first lines, to learn which JSON types the values have."""
    rows = [json_rows.parse_or_none(lines.line(index)) for index in range(min(len(lines), _PROBED_LINES))]
    return None if None in rows else [row for row in rows if row is not None]


def _schema(
    wanted: Wanted, probed: Sequence[Mapping[str, Any]], absent: Collection[str] = (), *, flat: bool = False
) -> pa.Schema | None:
    """Return what Arrow is to read: each value as it is written, under each name it may have; each costs time."""
    tree: _Tree = {}
    for place in wanted.places:
        type_ = wanted.types.get(place.path)
        ways = [place.steps, *((name,) for name in place.flat if flat or len(place.steps) == 1)]
        for way in dict.fromkeys(way for way in ways if way[0].partition(".")[0] not in absent):
            read_as = pa.string() if type_ is None else _written_as(probed, way, type_)
            if not _grow(tree, way, read_as):
                return None
    return pa.schema([(name, _type(branch)) for name, branch in tree.items()])


def _grow(tree: _Tree, way: Sequence[str], type_: pa.DataType) -> bool:
    """Add a leaf; false where a name would be a value and an object at once."""
    branch: Any = tree
    for step in way[:-1]:
        branch = branch.setdefault(step, {})
        if not isinstance(branch, dict):
            return False
    return not isinstance(branch.setdefault(way[-1], type_), dict)


def _type(branch: Any) -> pa.DataType:
    if isinstance(branch, dict):
        return pa.struct([(name, _type(below)) for name, below in branch.items()])
    return branch


def _written_as(probed: Sequence[Mapping[str, Any]], way: Sequence[str], wanted: pa.DataType) -> pa.DataType:
    """Return the Arrow type that fits how the probed lines write a value."""
    kinds = {type(_walk(row, way)) for row in probed} - {type(None)}
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {str}:
        return pa.string()
    if kinds == {list}:
        return pa.list_(pa.float64())
    if kinds == {int} and not pa.types.is_float64(wanted):
        return pa.int64()
    if kinds and kinds <= {int, float}:
        return pa.float64()
    return wanted


def _walk(row: Any, way: Sequence[str]) -> Any:
    for step in way:
        row = row.get(step) if isinstance(row, dict) else None
    return row


def _read(data: bytes, schema: pa.Schema | None, rows: int) -> pa.Table | None:
    if schema is None:
        return None
    try:
        table = pj.read_json(
            pa.BufferReader(data),
            read_options=pj.ReadOptions(use_threads=False, block_size=min(len(data) + 1, MAX_BLOCK)),
            parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
    except pa.ArrowInvalid:
        return None
    return table.combine_chunks() if table.num_rows == rows else None


def _arrange(lines: Lines, table: pa.Table, wanted: Wanted) -> Decoded | None:
    try:
        columns = {place.path: resolve(table, place, wanted.types[place.path], _exactly) for place in wanted.fields}
    except _Rounded:
        return None
    times = resolve(table, wanted.timestamp, pa.string())
    whole = whole_lines(lines) if wanted.layout.whole else None
    rows = Rows(to_instants(times.values), columns, lines.offset + lines.starts, whole)
    return admit(lines.file, rows, wanted.layout)


class _Rounded(Exception):
    """A number that is to become text was read with digits lost."""


def _exactly(values: pa.Array, wanted: pa.DataType) -> Converted:
    if pa.types.is_float64(values.type) and pa.types.is_string(wanted):
        largest = pc.max(pc.abs(values)).as_py()
        if largest is not None and largest >= EXACT:
            raise _Rounded
    return convert(values, wanted)
