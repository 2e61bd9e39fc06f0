"""CSV as RFC 4180 has it, but a record is one line: a quoted field must not hold a newline.

Only an empty field is missing; ``NA``, ``null`` and ``None`` are categories like any other. A line with
too few or too many fields, or with an open quote, is refused alone.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pcsv

from monitor.record import Decoded, Layout, Reason, Rejected
from monitor.sources.formats import jsonl
from monitor.sources.formats.block import Lines, Rows, admit, empty, is_text, joined, split
from monitor.sources.formats.instants import to_instants
from monitor.sources.formats.paths import places
from monitor.sources.formats.resolve import resolve
from monitor.sources.formats.whole import BOM, whole_rows

_QUOTE, _RETURN = b'"\r'
_MAX_BLOCK = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Header:
    """The names of the columns, and why they cannot be used (``None``: they can)."""

    names: tuple[str, ...]
    fault: str | None = None


def read_header(line: bytes) -> Header:
    """Read the first line of a file.

    >>> read_header(b"a,b,a").fault
    'columns 1 and 3 of the header have one name'
    """
    try:
        names = tuple(next(csv.reader([line.removeprefix(BOM).rstrip(b"\r\n").decode()], strict=True), ()))
    except (UnicodeDecodeError, csv.Error):
        return Header((), f"the header is not a line of CSV in UTF-8, {len(line)} bytes")
    for index, name in enumerate(names):
        if name in names[:index]:
            return Header(names, f"columns {names.index(name) + 1} and {index + 1} of the header have one name")
    return Header(names)


def decode(lines: Lines, layout: Layout, names: Sequence[str]) -> Decoded:
    """Decode lines below a header.

    Returns
    -------
    The good rows in order, the refused lines, and per field the values that were not of its type.
    """
    codes = np.frombuffer(lines.data, np.uint8)
    blank = (lines.ends == lines.starts) | ((lines.ends == lines.starts + 1) & (codes[lines.starts] == _RETURN))
    ragged = ~blank & _ragged(lines, codes)
    bad = ~blank & ~ragged & _not_text(lines)
    faults = [
        lines.reject(int(index), reason, f"{lines.ends[index] - lines.starts[index]} bytes")
        for reason, mask in ((Reason.RAGGED, ragged), (Reason.ENCODING, bad))
        for index in np.flatnonzero(mask)
    ]
    return joined([empty(layout, faults), *_parts(lines.pick(~(blank | ragged | bad)), layout, names)], layout)


def _ragged(lines: Lines, codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tell which lines end within quotes, or hold a carriage return but at their end."""
    quotes = np.searchsorted(lines.ends, np.flatnonzero(codes == _QUOTE))
    returns = np.flatnonzero(codes == _RETURN)
    owners = np.searchsorted(lines.ends, returns)
    inner = owners[returns != lines.ends[owners] - 1]
    ragged: npt.NDArray[np.bool_] = np.bincount(quotes, minlength=len(lines)) % 2 == 1
    ragged[inner] = True
    return ragged


def _not_text(lines: Lines) -> npt.NDArray[np.bool_]:
    """Tell which lines are not UTF-8."""
    bad = np.zeros(len(lines), np.bool_)
    try:
        lines.data.decode()
    except UnicodeDecodeError:
        for index in range(len(lines)):
            bad[index] = not is_text(lines.line(index))
    return bad


def _parts(lines: Lines, layout: Layout, names: Sequence[str]) -> list[Decoded]:
    """Decode as a whole; halve where Arrow saw other rows than there are lines."""
    if not len(lines):
        return []
    whole = _fast(lines, layout, names)
    if whole is not None:
        return [whole]
    if len(lines) == 1:
        return [empty(layout, [lines.reject(0, Reason.RAGGED, "not one record")])]
    half = len(lines) // 2
    return [*_parts(lines.part(0, half), layout, names), *_parts(lines.part(half, len(lines)), layout, names)]


def _fast(lines: Lines, layout: Layout, names: Sequence[str]) -> Decoded | None:
    found = places([layout.timestamp, *(field.path for field in layout.fields)])
    flat = {name for place in found for name in place.flat}
    ragged: list[tuple[int, int]] = []
    table = _read(lines.joined(), names, [name for name in names if layout.takes_all or name in flat], ragged)
    if table.num_rows + len(ragged) != len(lines):
        return None
    bad = np.zeros(len(lines), np.bool_)
    bad[[number - 1 for number, _ in ragged]] = True
    rejected = [
        lines.reject(number - 1, Reason.RAGGED, f"{actual} fields, the header has {len(names)}")
        for number, actual in ragged
    ]
    if layout.dialect is not None:
        return _translated(lines.pick(~bad), table, layout, rejected)
    columns = {
        field.path: resolve(table, place, field.type) for field, place in zip(layout.fields, found[1:], strict=True)
    }
    times = resolve(table, found[0], pa.string())
    whole = whole_rows(table) if layout.whole else None
    rows = Rows(to_instants(times.values), columns, lines.offset + lines.starts[~bad], whole, texts=True)
    return admit(lines.file, rows, layout, rejected)


def _translated(lines: Lines, table: pa.Table, layout: Layout, rejected: Sequence[Rejected]) -> Decoded:
    """Decode rows of another product's table, each as the object of its texts."""
    texts = split(lines.file, b"".join(line.encode() + b"\n" for line in whole_rows(table).to_pylist()))
    decoded = jsonl.decode(texts, layout)
    mine = [int(np.searchsorted(texts.starts, fault.offset)) for fault in decoded.rejected]
    placed = [lines.reject(at, fault.reason, fault.detail) for at, fault in zip(mine, decoded.rejected, strict=True)]
    return replace(decoded, rejected=(*rejected, *placed))


def _read(data: bytes, names: Sequence[str], wanted: Sequence[str], ragged: list[tuple[int, int]]) -> pa.Table:
    """Read every wanted column as text; ``ragged`` receives row number and fields of each bad row."""

    def note(row: pcsv.InvalidRow) -> str:
        ragged.append((row.number, row.actual_columns))
        return "skip"

    return pcsv.read_csv(
        pa.BufferReader(data),
        read_options=pcsv.ReadOptions(
            use_threads=False, column_names=list(names), block_size=min(len(data) + 1, _MAX_BLOCK)
        ),
        parse_options=pcsv.ParseOptions(invalid_row_handler=note),
        convert_options=pcsv.ConvertOptions(
            # a file without any wanted column still has rows: read its first
            include_columns=list(wanted) or list(names[:1]),
            column_types={name: pa.string() for name in names},
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
