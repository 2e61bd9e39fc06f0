"""A block of whole lines, and what becomes of its rows: good ones in a table, bad ones counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from monitor.record import TEXTS, WHOLE, Decoded, Layout, Reason, Rejected
from monitor.sources.formats.instants import Instants
from monitor.sources.formats.values import Converted, true_mask
from monitor.tally import MISMATCH

Offsets = npt.NDArray[np.int64]
_NEWLINE = 10


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines of one file.

    Attributes
    ----------
    file: names the file in what is refused.
    data: the bytes; every line ends in a newline, but perhaps the last.
    starts, ends: where in ``data`` each line begins, and where its newline is.
    offset: where in the file ``data`` begins.
    """

    file: str
    data: bytes
    starts: Offsets
    ends: Offsets
    offset: int = 0

    def __len__(self) -> int:
        return len(self.starts)

    def line(self, index: int) -> bytes:
        """Return a line without its newline."""
        return self.data[self.starts[index] : self.ends[index]]

    def reject(self, index: int, reason: Reason, detail: str) -> Rejected:
        """Refuse a line."""
        return Rejected(reason, self.file, self.offset + int(self.starts[index]), detail)

    def part(self, begin: int, end: int) -> Lines:
        """Return the lines from ``begin`` up to ``end``."""
        return Lines(self.file, self.data, self.starts[begin:end], self.ends[begin:end], self.offset)

    def pick(self, keep: npt.NDArray[np.bool_]) -> Lines:
        """Return the lines that a mask keeps."""
        return Lines(self.file, self.data, self.starts[keep], self.ends[keep], self.offset)

    def joined(self) -> bytes:
        """Return the bytes of these lines only, each with a newline."""
        whole = len(self) and int(self.ends[-1] - self.starts[0]) + 1 == int((self.ends - self.starts + 1).sum())
        if whole:
            return self.data[self.starts[0] : self.ends[-1] + 1]
        return b"".join([self.data[s:e] + b"\n" for s, e in zip(self.starts.tolist(), self.ends.tolist(), strict=True)])


def split(file: str, data: bytes, offset: int = 0) -> Lines:
    r"""Find the lines of a block.

    >>> lines = split("a.jsonl", b"one\ntwo")
    >>> lines.line(0), lines.line(1)
    (b'one', b'two')
    """
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE).astype(np.int64)
    if data and not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1] + 1
    return Lines(file, data, starts, ends, offset)


def is_text(line: bytes) -> bool:
    """Tell whether bytes are UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as a format read them: event times, and one converted column a field, in the layout's order.

    ``whole`` holds the records as lines of JSON, where the layout asks for them; ``texts`` says that all values of
    these are texts.
    """

    instants: Instants
    columns: Mapping[str, Converted]
    places: Offsets  # where each row begins in the file
    whole: pa.Array | None = None
    texts: bool = False


def admit(file: str, rows: Rows, layout: Layout, rejected: Sequence[Rejected] = ()) -> Decoded:
    """Refuse rows without a usable event time or id, and make the table of the others."""
    refused = np.zeros(len(rows.places), np.bool_)
    faults: list[Rejected] = list(rejected)
    for reason, mask, detail in _reasons(rows, layout):
        new = true_mask(mask) & ~refused
        refused |= new
        faults += [Rejected(reason, file, int(place), detail) for place in rows.places[new]]
    keep = None if not refused.any() else pa.array(~refused)
    arrays = {"timestamp": rows.instants.values} | {path: column.values for path, column in rows.columns.items()}
    if rows.whole is not None:
        arrays |= {WHOLE: rows.whole, TEXTS: pa.repeat(pa.scalar(rows.texts), len(rows.whole))}
    counts = {path: _count(column.mismatch, keep) for path, column in rows.columns.items()}
    table = pa.table(arrays | {path + MISMATCH: rows.columns[path].mismatch for path, count in counts.items() if count})
    return Decoded(
        table if keep is None else table.filter(keep),
        tuple(sorted(faults, key=lambda fault: fault.offset)),
        {path: count for path, count in counts.items() if count},
    )


def empty(layout: Layout, rejected: Sequence[Rejected] = ()) -> Decoded:
    """Return no row, and what was refused."""
    return Decoded(schema_of(layout).empty_table(), tuple(rejected))


def _reasons(rows: Rows, layout: Layout) -> list[tuple[Reason, pa.Array, str]]:
    """Return the masks of refused rows, the first reason first."""
    found: list[tuple[Reason, pa.Array, str]] = [
        (Reason.TIMESTAMP_INVALID, rows.instants.invalid, "expected RFC 3339 text or a timestamp column")
    ]
    if layout.needs_timestamp:
        missing = pc.and_(pc.is_null(rows.instants.values), pc.invert(rows.instants.invalid))
        found.append((Reason.TIMESTAMP_MISSING, missing, "no event time"))
    if layout.needs_id and layout.id:
        found.append((Reason.ID_MISSING, pc.is_null(rows.columns[layout.id].values), "no id"))
    return found


def _count(mask: pa.Array | None, keep: pa.Array | None) -> int:
    if mask is None:
        return 0
    return int(pc.sum(mask if keep is None else pc.and_(mask, keep)).as_py() or 0)


def schema_of(layout: Layout) -> pa.Schema:
    """Return the schema of every decoded table."""
    whole = [(WHOLE, pa.string()), (TEXTS, pa.bool_())] if layout.whole else []
    return pa.schema([("timestamp", pa.int64()), *((field.path, field.type) for field in layout.fields), *whole])


def joined(parts: Sequence[Decoded], layout: Layout) -> Decoded:
    """Put parts of one block together, in order."""
    counts: dict[str, int] = {}
    for part in parts:
        for path, count in part.mismatched.items():
            counts[path] = counts.get(path, 0) + count
    tables: list[Any] = [part.table for part in parts] or [schema_of(layout).empty_table()]
    rejected = sorted((fault for part in parts for fault in part.rejected), key=lambda fault: fault.offset)
    table = pa.concat_tables(tables, promote_options="default")
    for place, name in enumerate(table.column_names):
        if name.endswith(MISMATCH):
            table = table.set_column(place, name, pc.fill_null(table[name], fill_value=False))
    return Decoded(table, tuple(rejected), counts)
