"""Carry out a task: open the file, read one block of it, decode it, and say where to go on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow.compute as pc

from monitor.instant import Instant
from monitor.record import Decoded, Layout, Reason, Rejected
from monitor.sources.batch import Batch
from monitor.sources.folder import Changed, Seen, opened
from monitor.sources.formats import Format, Written, csv
from monitor.sources.formats.block import Lines, empty, split
from monitor.sources.formats.parquet import ParquetRows
from monitor.sources.formats.unreadable import Unreadable
from monitor.sources.lines import decode_lines
from monitor.sources.packed import Inflated
from monitor.sources.position import HEAD_BYTES, KEPT_MARKERS, MARKER_BYTES, Position, Print, fingerprint
from monitor.sources.reader import Bytes, Limits, Plain, first_line, read_block
from monitor.sources.recognise import Task, fresh, is_same
from monitor.sources.streams import How, Streams

_PARQUET_BUDGET_BYTES = 64 * 2**20
_PEEK_BYTES = 2**16
_MARKED_BACK = (1, 4, 16, 64, 256, 1024, 4096, 16384)


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is open."""

    seen: Seen
    descriptor: int
    how: Written
    size: int
    settled: bool  # its writer is done with it
    raw: bool  # an offset in it is not one on the disk


class Reading:
    """Reads blocks."""

    def __init__(self, how: How, streams: Streams) -> None:
        self._how = how
        self._streams = streams

    def read(self, task: Task, *, settled: bool) -> Batch | None:
        """Read one block; ``None`` if nothing is complete, and nothing is to be reported.

        Parameters
        ----------
        settled: the file's writer is done with it, so that its last line needs no newline.

        Raises
        ------
        Changed: the file is another one by now.
        OSError: it cannot be read.
        """
        if task.seen is None:
            return _batch(task, task.position, empty(self._how.layout))
        with opened(task.seen) as descriptor:
            size = os.fstat(descriptor).st_size
            how = self._how.of(task.seen)
            file = _File(task.seen, descriptor, how, size, settled, self._how.is_raw(task.seen))
            read = self._rows if how.format is Format.PARQUET else self._lines
            batch = read(task, file)
            if not task.heir and not is_same(Plain(descriptor), task.position):
                raise Changed(task.seen.name)
            if batch is None and task.must_report:
                nothing = empty(self._how.layout)
                return _batch(task, _advanced(file, task.position, task.position.offset, nothing), nothing)
        return batch

    def _bare(self) -> Layout:
        """Return the least to read of a record that has an event time."""
        return Layout(self._how.layout.timestamp, (), dialect=self._how.layout.dialect)

    def first_instant(self, seen: Seen) -> Instant | None:
        """Return the event time of the first good record of a file's first block, or ``None``."""
        limits = Limits(_PEEK_BYTES, min(self._how.limits.line, _PEEK_BYTES))
        how = How(self._bare(), limits, self._how.given)
        streams = Streams(how)
        try:
            batch = Reading(how, streams).read(Task(seen, fresh(seen)), settled=True)
        finally:
            streams.close()
        return batch.table["timestamp"][0].as_py() if batch and batch.table.num_rows else None

    def _rows(self, task: Task, file: _File) -> Batch | None:
        """Read rows of Parquet."""
        at = task.position
        try:
            rows = self._streams.kept(file.seen)
            if not isinstance(rows, ParquetRows):
                rows = ParquetRows(file.descriptor, file.seen.name, self._how.layout, _PARQUET_BUDGET_BYTES)
                self._streams.keep(file.seen, rows)
            part = rows.read(at.offset)
        except Unreadable as error:
            return self._unreadable(task, file, str(error)) if file.settled else None
        if part.done:
            self._streams.forget(file.seen)
        if part.next == at.offset and at.done:
            return None
        return _batch(task, replace(_advanced(file, at, part.next, part.decoded), done=part.done), part.decoded)

    def _lines(self, task: Task, file: _File) -> Batch | None:
        """Read lines."""
        at = task.position
        source = self._streams.content(file.seen, file.descriptor)
        limits = self._how.limits
        names: tuple[str, ...] = ()
        begin = at.offset
        if file.how.format is Format.CSV:
            line = first_line(source, limits, final=_final(source, file))
            if line is None:
                return self._nothing(task, file, source)
            header = csv.read_header(line.data)
            if header.fault:
                return self._unreadable(task, file, header.fault)
            names, begin = header.names, max(begin, line.next)
        block = read_block(source, begin, limits, inside=at.inside)
        if block is None and _final(source, file):
            block = read_block(source, begin, limits, inside=at.inside, final=True)
        if block is None:
            return self._nothing(task, file, source)
        lines = split(file.seen.name, block.data, block.start)
        decoded = decode_lines(
            block, lines, self._how.layout, limits.line, names if file.how.format is Format.CSV else None
        )
        position = _advanced(file, at, block.next, decoded, _line_ends(lines))
        damaged = isinstance(source, Inflated) and source.damage is not None  # what comes next is to say so
        done = block.ended and not damaged if file.raw else position.done
        return _batch(task, replace(position, inside=block.inside, done=done), decoded)

    def _nothing(self, task: Task, file: _File, source: Bytes) -> Batch | None:
        """Note that a packed file was read to its end, or to where it is damaged."""
        if not isinstance(source, Inflated) or not _final(source, file):
            return None
        if source.damage:
            return self._unreadable(task, file, f"the {file.how.packing} stream is {source.damage}")
        self._streams.forget(file.seen)
        if task.position.done and task.position.size == file.size and not task.must_report:
            return None
        nothing = empty(self._how.layout)
        position = _advanced(file, task.position, task.position.offset, nothing)
        return _batch(task, replace(position, done=True), nothing)

    def _unreadable(self, task: Task, file: _File, why: str) -> Batch:
        """Refuse the rest of a file, once."""
        self._streams.forget(file.seen)
        rejected = Rejected(Reason.UNREADABLE, file.seen.name, task.position.offset, why)
        nothing = empty(self._how.layout, [rejected])
        position = _advanced(replace(file, raw=True), task.position, task.position.offset, nothing)
        return _batch(task, replace(position, fault=why), nothing)


def _advanced(file: _File, at: Position, offset: int, decoded: Decoded, ends: Sequence[int] = ()) -> Position:
    """Return the position after a block, with new prints of the file up to there, and to some ends of lines in it."""
    newest = pc.max(decoded.table["timestamp"]).as_py()
    size = file.size if file.raw else max(offset, os.fstat(file.descriptor).st_size)
    end = size if file.raw else offset
    disk = Plain(file.descriptor)
    markers = [_marker(disk, place) for place in ((end,) if file.raw else (end, *ends)) if place]
    if not (file.raw or at.raw):
        markers += [marker for marker in at.markers if marker.end != end]
    return replace(
        at,
        offset=offset,
        size=size,
        head=_head(disk, end or size),
        markers=tuple(markers[:KEPT_MARKERS]),
        newest=max((instant for instant in (newest, at.newest) if instant is not None), default=None),
        raw=file.raw,
        done=offset >= size and not file.raw,
        fault=None,
    )


def _head(disk: Plain, end: int) -> Print | None:
    length = min(end, HEAD_BYTES)
    return fingerprint(disk.read_at(0, length), length) if length else None


def _marker(disk: Plain, end: int) -> Print:
    length = min(end, MARKER_BYTES)
    return fingerprint(disk.read_at(end - length, length), end)


def _line_ends(lines: Lines) -> list[int]:
    """Return where some lines end, fewer the further back, by which to know a copy that ends there again."""
    back = [distance for distance in _MARKED_BACK if distance < len(lines)]
    return [lines.offset + int(lines.ends[-1 - distance]) + 1 for distance in back]


def _final(source: Bytes, file: _File) -> bool:
    """Tell whether no byte can follow those that were read up to the end."""
    return file.settled or (isinstance(source, Inflated) and source.damage != "truncated")


def _batch(task: Task, position: Position, decoded: Decoded) -> Batch:
    return Batch(
        file=position.key,
        path=position.path,
        table=decoded.table,
        position=position,
        rejected=decoded.rejected,
        mismatched=decoded.mismatched,
        bytes_lost=task.lost,
        truncated=task.truncated,
    )
