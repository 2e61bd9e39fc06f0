"""Answer questions about one file by opening it: is there something to read, and whose bytes does it hold."""

from __future__ import annotations

from monitor.sources.folder import Seen, opened
from monitor.sources.formats import Format, Packing, csv
from monitor.sources.position import HEAD_BYTES, Position, fingerprint
from monitor.sources.reader import Plain, first_line, read_block
from monitor.sources.recognise import Task, is_prefix, is_same, takes_over
from monitor.sources.streams import How, Streams

_PEEK_BYTES = 2**16


class Looking:
    """Answers; raises ``Changed`` or ``OSError`` where the file cannot be opened as it was seen."""

    def __init__(self, how: How, streams: Streams) -> None:
        self._how = how
        self._streams = streams

    def is_same(self, seen: Seen, position: Position) -> bool:
        """Tell whether a file is still the one that a position speaks of."""
        with opened(seen) as descriptor:
            return is_same(Plain(descriptor), position)

    def is_raw(self, seen: Seen) -> bool:
        """Tell whether an offset in a file counts something else than bytes on the disk."""
        return self._how.is_raw(seen)

    def is_ready(self, task: Task, *, settled: bool) -> bool:
        """Tell whether a read of a task would return a batch; of packed files and Parquet, whether it may."""
        at, seen = task.position, task.seen
        if seen is None or task.must_report:
            return True
        if at.fault and (seen.size == at.size or not self._how.is_raw(seen)):
            return False
        if self._how.is_raw(seen):
            return seen.size > 0 and not (at.done and seen.size == at.size)
        with opened(seen) as descriptor:
            return self._has_lines(seen, Plain(descriptor), at, settled=settled)

    def _has_lines(self, seen: Seen, source: Plain, at: Position, *, settled: bool) -> bool:
        limits, begin = self._how.limits, at.offset
        if self._how.of(seen).format is Format.CSV:
            header = first_line(source, limits, final=settled)
            if header is None or csv.read_header(header.data).fault:
                return header is not None
            begin = max(begin, header.next)
        if begin < source.size(seen.size) and b"\n" in source.read_at(begin, _PEEK_BYTES):
            return True
        return read_block(source, begin, limits.at_once(_PEEK_BYTES), inside=at.inside, final=settled) is not None

    def head(self, seen: Seen, length: int, *, raw: bool) -> str | None:
        """Return the digest of a file's first bytes, unpacked unless ``raw``; ``None`` if it has fewer."""
        with opened(seen) as descriptor:
            source = Plain(descriptor) if raw else self._streams.content(seen, descriptor)
            data = source.read_at(0, length)
            return fingerprint(data, length).digest if len(data) == length else None

    def heir(self, seen: Seen, position: Position) -> Position | None:
        """Return where to read on in a file that is a copy of the one that a position speaks of."""
        with opened(seen) as descriptor:
            source = Plain(descriptor) if position.raw else self._streams.content(seen, descriptor)
            return takes_over(source, seen, position)

    def may_copy(self, seen: Seen, original: Seen) -> bool:
        """Tell whether a file holds nothing but the begin of another, as a copy in the making does."""
        if self._how.is_raw(original) or self._how.of(seen).format is Format.PARQUET:
            return False
        try:
            with opened(seen) as copy, opened(original) as descriptor:
                if self._how.of(seen).packing is Packing.NONE:
                    return is_prefix(Plain(copy), seen.size, Plain(descriptor))
                head = self._streams.content(seen, copy).read_at(0, HEAD_BYTES)
                return bool(head) and head == Plain(descriptor).read_at(0, len(head))
        except OSError:
            return False
