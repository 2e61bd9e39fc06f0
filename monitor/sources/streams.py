"""The files that stay open between two reads: packed streams and Parquet, where going back is reading again."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import PurePath

from monitor.record import Layout
from monitor.sources.folder import Seen
from monitor.sources.formats import Format, Packing, Written, written
from monitor.sources.formats.parquet import ParquetRows
from monitor.sources.packed import Inflated
from monitor.sources.reader import Bytes, Limits, Plain

_MOST_OPEN = 4


@dataclass(frozen=True, slots=True)
class How:
    """How files are read: what for, how much at once, and the format where it does not follow the name."""

    layout: Layout
    limits: Limits
    given: Format | None = None

    def of(self, seen: Seen) -> Written:
        """Tell how a file is written."""
        return written(PurePath(seen.name), self.given)

    def is_raw(self, seen: Seen) -> bool:
        """Tell whether an offset in a file counts something else than bytes on the disk."""
        how = self.of(seen)
        return how.format is Format.PARQUET or how.packing is not Packing.NONE


class Streams:
    """Open files, the least used given back first."""

    def __init__(self, how: How) -> None:
        self._how = how
        self._open: OrderedDict[str, tuple[Seen, Inflated | ParquetRows]] = OrderedDict()

    def close(self) -> None:
        """Give all files back."""
        while self._open:
            self._open.popitem()[1][1].close()

    def content(self, seen: Seen, descriptor: int) -> Bytes:
        """Return the lines' bytes of a file, unpacked if it is packed."""
        how = self._how.of(seen)
        if how.packing is Packing.NONE:
            return Plain(descriptor)
        kept = self.kept(seen)
        if not isinstance(kept, Inflated):
            kept = Inflated(descriptor, how.packing)
            self.keep(seen, kept)
        return kept

    def kept(self, seen: Seen) -> Inflated | ParquetRows | None:
        """Return what is open of a file, if it has not changed since."""
        if seen.key not in self._open:
            return None
        before, kept = self._open[seen.key]
        if before.signature == seen.signature:
            self._open.move_to_end(seen.key)
            return kept
        self.forget(seen)
        return None

    def keep(self, seen: Seen, stream: Inflated | ParquetRows) -> None:
        """Leave a file open."""
        self._open[seen.key] = (seen, stream)
        while len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)[1][1].close()

    def forget(self, seen: Seen) -> None:
        """Give a file back."""
        if seen.key in self._open:
            self._open.pop(seen.key)[1].close()
