"""One object read in order, a block at a time: lines, unpacked where they are packed, or rows of Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

import pyarrow.compute as pc

from monitor.instant import Instant
from monitor.record import Decoded, Layout, Reason, Rejected
from monitor.sources.formats import Format, Packing, csv, written
from monitor.sources.formats.block import empty, split
from monitor.sources.formats.parquet import NO_NAMES, ParquetRows
from monitor.sources.formats.unreadable import Unreadable
from monitor.sources.lines import decode_lines
from monitor.sources.objects.store import Opened, Unreachable
from monitor.sources.packed import Inflated
from monitor.sources.position import Position
from monitor.sources.reader import Limits, first_line, read_block

_PARQUET_BUDGET_BYTES = 64 * 2**20
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class Piece:
    """What one read gave, and where to go on; ``fault`` says why the rest cannot be read."""

    decoded: Decoded
    offset: int
    inside: bool = False
    done: bool = False
    fault: str | None = None


def partition(key: str) -> dict[str, str]:
    """Return the columns that the folders of a key give, as Hive names them.

    >>> partition("logs/day=2026-01-05/model=a%20b/x.parquet")
    {'day': '2026-01-05', 'model': 'a b'}
    """
    pairs = (folder.partition("=") for folder in key.split("/")[:-1])
    return {unquote(name): unquote(value) for name, sign, value in pairs if name and sign and value != _NO_VALUE}


class Content:
    """An open object.

    Parameters
    ----------
    opened: is closed with it. key: names it. given: the format, where it does not follow the name.
    columns: of one value in all rows, beside those that the object holds.
    names: what columns of Parquet are called, by the ids of their fields.
    """

    def __init__(
        self,
        opened: Opened,
        key: str,
        layout: Layout,
        limits: Limits,
        given: Format | None = None,
        columns: Mapping[str, str] | None = None,
        *,
        names: Mapping[int, str] = NO_NAMES,
    ) -> None:
        self.opened, self._key, self._layout, self._limits = opened, key, layout, limits
        self._how = written(PurePosixPath(key), given)
        self._columns = partition(key) if columns is None else columns
        self._names = names
        self._rows: ParquetRows | None = None
        self._lines: Opened | Inflated = (
            opened if self._how.packing is Packing.NONE else Inflated(opened, self._how.packing)
        )

    def close(self) -> None:
        """Give the object back."""
        self._lines.close()

    def read(self, at: Position) -> Piece:
        """Read what comes next.

        Raises
        ------
        Unreachable: its store does not answer now.
        """
        try:
            piece = self._of_rows(at) if self._how.format is Format.PARQUET else self._of_lines(at)
        except OSError as error:
            raise Unreachable(f"cannot be read now ({self.opened.trouble or type(error).__name__})") from None
        if self.opened.trouble is not None:  # what looks like damage may be what did not come
            raise Unreachable(f"cannot be read now ({self.opened.trouble})")
        return piece

    def first(self) -> Instant | None:
        """Return the earliest event time of the first block; ``None`` if it has none."""
        found = pc.min(self.read(Position(self._key, 0, 0)).decoded.table["timestamp"]).as_py()
        return None if found is None else int(found)

    def _of_rows(self, at: Position) -> Piece:
        try:
            if self._rows is None:
                opened = self.opened.file
                layout, most = self._layout, _PARQUET_BUDGET_BYTES
                self._rows = ParquetRows(opened, self._key, layout, most, self._columns, self._names)
            part = self._rows.read(at.offset)
        except Unreadable as error:
            return self._faulty(at, str(error))
        return Piece(part.decoded, part.next, done=part.done)

    def _of_lines(self, at: Position) -> Piece:
        source, names, begin = self._lines, None, at.offset
        if self._how.format is Format.CSV:
            line = first_line(source, self._limits, final=True)
            if line is None:
                return self._ended(at)
            header = csv.read_header(line.data)
            if header.fault:
                return self._faulty(at, header.fault)
            names, begin = header.names, max(begin, line.next)
        block = read_block(source, begin, self._limits, inside=at.inside)
        if block is None:
            block = read_block(source, begin, self._limits, inside=at.inside, final=True)
        if block is None:
            return self._ended(at)
        lines = split(self._key, block.data, block.start)
        decoded = decode_lines(block, lines, self._layout, self._limits.line, names)
        return Piece(decoded, block.next, block.inside, done=block.ended and not self._damage())

    def _damage(self) -> str | None:
        return self._lines.damage if isinstance(self._lines, Inflated) else None

    def _ended(self, at: Position) -> Piece:
        damage = self._damage()
        if damage:
            return self._faulty(at, f"the {self._how.packing} stream is {damage}")
        return Piece(empty(self._layout), at.offset, done=True)

    def _faulty(self, at: Position, why: str) -> Piece:
        refused = Rejected(Reason.UNREADABLE, self._key, at.offset, why)
        return Piece(empty(self._layout, [refused]), at.offset, done=True, fault=why)
