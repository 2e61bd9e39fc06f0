"""JSON lines one by one, by the standard library: the authority on what a line means, where Arrow is in doubt.

What the standard library leaves open is closed here: key twice, depth, digits without end, lone surrogates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.record import Decoded, Layout, Reason, Rejected
from monitor.sources.formats.block import Lines, Rows, admit
from monitor.sources.formats.instants import Instants, to_instants
from monitor.sources.formats.paths import Place
from monitor.sources.formats.values import from_python
from monitor.sources.formats.whole import BOM, whole_lines

MAX_BRACKETS = 400  # no line below it can exhaust the interpreter's stack
MAX_DEPTH = 200
_MAX_DIGITS = 4000  # the interpreter refuses to read 4,300
# what is passed over is one match, and a text left open runs to the line's end: no line costs more than one look
_LOOSE = re.compile(r'(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[^"IN-])++|-NaN|Inf(?:inity)?', re.DOTALL)
_STRICT = {"-NaN": "NaN", "Inf": "Infinity"}
_TEXTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


class _Object(dict[str, Any]):
    """An object that remembers which of its keys came twice."""

    twice: frozenset[str] = frozenset()


class Refused(Exception):
    """Why a line is no record."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to take from each line."""

    layout: Layout
    timestamp: Place
    fields: tuple[Place, ...]
    types: Mapping[str, pa.DataType]

    @property
    def places(self) -> tuple[Place, ...]:
        """Return the place of the event time, then those of the fields."""
        return (self.timestamp, *self.fields)


def decode_rows(lines: Lines, wanted: Wanted) -> Decoded:
    """Decode lines one by one; every fault is one refused line."""
    found: list[list[Any]] = []
    kept: list[int] = []
    rejected: list[Rejected] = []
    for index in range(len(lines)):
        try:
            row = parse(lines.line(index), first=lines.offset + int(lines.starts[index]) == 0)
            if row is not None:
                found.append([_look_up(row, place) for place in wanted.places])
                kept.append(index)
        except Refused as refused:
            rejected.append(lines.reject(index, refused.reason, refused.detail))
    columns: Sequence[tuple[Any, ...]] = list(zip(*found, strict=True)) or [()] * len(wanted.places)
    values = {
        place.path: from_python([_clean(value) for value in column], wanted.types[place.path])
        for place, column in zip(wanted.fields, columns[1:], strict=True)
    }
    places = np.array(kept, np.int64)
    mine = Lines(lines.file, lines.data, lines.starts[places], lines.ends[places], lines.offset)
    whole = whole_lines(mine) if wanted.layout.whole else None
    rows = Rows(_instants(columns[0]), values, lines.offset + mine.starts, whole)
    return admit(lines.file, rows, wanted.layout, rejected)


def parse(line: bytes, *, first: bool = False) -> _Object | None:
    """Read one line; ``None`` for a blank one.

    Raises
    ------
    Refused: the line is not one JSON object.
    """
    value = parse_value(line, first=first)
    if value is not None and not isinstance(value, _Object):
        raise Refused(Reason.NOT_OBJECT, f"{type(value).__name__}, {len(trim(line, first=first))} bytes")
    return value


def trim(line: bytes, *, first: bool) -> bytes:
    """Return a line without what may stand before and after its value."""
    return (line.removeprefix(BOM) if first else line).lstrip(b"\x00").strip(b" \t\r")


def parse_value(line: bytes, *, first: bool = False) -> Any:
    """Read one line of any JSON; ``None`` for a blank one.

    Raises
    ------
    Refused: the line is not JSON, or is ``null``.
    """
    trimmed = trim(line, first=first)
    if not trimmed:
        return None
    size = f"{len(trimmed)} bytes"
    if too_deep(trimmed):
        raise Refused(Reason.JSON_SYNTAX, f"nested deeper than {MAX_DEPTH}, {size}")
    try:
        value = _loads(trimmed.decode())
    except UnicodeDecodeError as error:
        raise Refused(Reason.ENCODING, f"not UTF-8 at byte {error.start} of {size}") from None
    except (ValueError, RecursionError) as error:
        where = (
            f"{error.msg.partition(':')[0]} at {error.pos}" if isinstance(error, json.JSONDecodeError) else "not JSON"
        )
        raise Refused(Reason.JSON_SYNTAX, f"{where}, {size}") from None
    if value is None:
        raise Refused(Reason.NOT_OBJECT, f"NoneType, {size}")
    return value


def repeats(value: Any) -> bool:
    """Say whether a key came twice anywhere in a value that was read."""
    if isinstance(value, _Object):
        return bool(value.twice) or any(map(repeats, value.values()))
    return isinstance(value, list) and any(map(repeats, value))


def parse_or_none(line: bytes) -> _Object | None:
    """Read one line; ``None`` if it is blank or no JSON object."""
    try:
        return parse(line)
    except Refused:
        return None


def _loads(text: str) -> Any:
    """Read JSON; and what Arrow takes for a number besides: ``Inf`` and ``-NaN``."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_int=integer)
    except json.JSONDecodeError:
        strict = _LOOSE.sub(lambda token: _STRICT.get(token[0], token[0]), text)
        if strict == text:
            raise
        return json.loads(strict, object_pairs_hook=_object, parse_int=integer)


def too_deep(line: bytes) -> bool:
    """Tell whether a line nests deeper than ``MAX_DEPTH``, looking closer only where it could."""
    if line.count(b"[") + line.count(b"{") <= MAX_BRACKETS:
        return False
    codes = np.frombuffer(_TEXTS.sub(b"", line), np.uint8)
    opened = ((codes == ord("[")) | (codes == ord("{"))).astype(np.int64)
    closed = ((codes == ord("]")) | (codes == ord("}"))).astype(np.int64)
    return bool(np.cumsum(opened - closed).max(initial=0) > MAX_DEPTH)


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        made.twice = frozenset(name for name in names if names.count(name) > 1)
    return made


def integer(digits: str) -> float:
    """Read the digits of a whole number, however many there are."""
    if len(digits) > _MAX_DIGITS or digits == "-0":
        return float(digits)
    return int(digits)


def _look_up(row: _Object, place: Place) -> Any:
    """Take a value; a key on its way that came twice refuses the row."""
    top = _get(row, place.steps[0]) if len(place.steps) > 1 else None
    if isinstance(top, _Object):
        value: Any = top
        for step in place.steps[1:]:
            value = _get(value, step) if isinstance(value, _Object) else None
        return value
    for name in place.flat:
        value = _get(row, name)
        if value is not None:
            return value
    return None


def _get(holder: _Object, name: str) -> Any:
    if name in holder.twice:
        raise Refused(Reason.DUPLICATE_KEY, f"a key of {len(name)} characters came twice")
    return holder.get(name)


def _clean(value: Any) -> Any:
    """Replace lone surrogates, which JSON can spell but UTF-8 cannot."""
    if not isinstance(value, str) or value.isascii():
        return value
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _instants(values: Sequence[Any]) -> Instants:
    texts = pa.array([_clean(value) if isinstance(value, str) else None for value in values], pa.string())
    wrong = pa.array([value is not None and not isinstance(value, str) for value in values], pa.bool_())
    read = to_instants(texts)
    return Instants(read.values, pc.or_(read.invalid, wrong))
