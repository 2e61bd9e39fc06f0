"""What comes by HTTP: read from its spool, which is one log in the order in which it came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from monitor.record import Decoded, Layout, Reason, Rejected
from monitor.sampling import id_hashes
from monitor.settings import Duration, Settings, Size
from monitor.sources.batch import Batch
from monitor.sources.formats import jsonl
from monitor.sources.formats.block import joined, split
from monitor.sources.position import Position
from monitor.sources.spool import stream
from monitor.sources.spool.frames import Frame
from monitor.sources.spool.remembered import Hashes, Remembered
from monitor.sources.spool.segments import remove_before

KEY = "http"
"""The name under which the position is kept, and that refused records have for a file."""
_BEGIN = Position(KEY, 0, 0)
_BLOCK_BYTES = 4 * 2**20


class HttpSettings(Settings):
    """Records that are sent to ``/api/v1/models/{model}/records``.

    ``capacity`` is how much may wait to be read before senders are told to come again later.
    """

    type: Literal["http"]
    dedup: Duration = timedelta(minutes=10)
    capacity: Annotated[Size, Field(ge=2**20, le=2**40)] = 256 * 2**20


class HttpTargetsSettings(Settings):
    """Targets that are sent to ``/api/v1/models/{model}/targets``. One that comes again changes nothing."""

    type: Literal["http"]
    capacity: Annotated[Size, Field(ge=2**20, le=2**40)] = 256 * 2**20


class HttpSource:
    """Reads one spool.

    Parameters
    ----------
    folder: of the spool. layout: what to take from each record.
    dedup: a record whose id came within so many microseconds is refused; 0 refuses none.
    """

    def __init__(self, folder: Path, layout: Layout, dedup: int = 0, block_bytes: int = _BLOCK_BYTES) -> None:
        self._folder, self._layout, self._dedup, self._block_bytes = folder, layout, dedup, block_bytes
        self._remembered = Remembered(dedup)
        self._at: int | None = None  # up to where in the stream what is remembered comes from
        self._trouble: str | None = None

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def matches(self) -> list[Path]:
        """Return none: a spool is read and removed."""
        return []

    def problem(self) -> str | None:
        """Say why the spool cannot be read; that nothing has come yet is no problem."""
        return self._trouble

    def read(self, positions: Mapping[str, Position]) -> Batch | None:
        """Read what came next."""
        at = positions.get(KEY, _BEGIN)
        try:
            if at.offset != self._at:
                self._recover(at)
            remove_before(self._folder, self._remembered.since(at.offset))
            stretch = stream.read(self._folder, at.offset, self._block_bytes)
            self._trouble = None
        except OSError as error:
            self._trouble = error.strerror or type(error).__name__
            return None
        return self._batch(at, stretch) if stretch.end > at.offset else None

    def _batch(self, at: Position, stretch: stream.Stretch) -> Batch:
        decoded = joined([self._without_repeats(taken) for taken in self._taken(stretch.frames)], self._layout)
        newest = pc.max(decoded.table["timestamp"]).as_py()
        self._at = stretch.end
        position = replace(
            at,
            offset=stretch.end,
            newest=max((instant for instant in (newest, at.newest) if instant is not None), default=None),
            since=self._remembered.since(stretch.end),
        )
        rejected = (*_refused_before(stretch.frames), *decoded.rejected)
        return Batch(KEY, KEY, decoded.table, position, rejected, decoded.mismatched, bytes_lost=stretch.lost)

    def _recover(self, at: Position) -> None:
        """Remember again what came before a position."""
        self._remembered = Remembered(self._dedup)
        place = at.offset if at.since is None else at.since
        while self._dedup and place < at.offset:
            stretch = stream.read(self._folder, place, min(self._block_bytes, at.offset - place))
            if stretch.end == place:
                break
            for taken in self._taken([frame for frame in stretch.frames if frame.end <= at.offset]):
                self._without_repeats(taken)
            place = stretch.end
        self._at = at.offset

    def _taken(self, frames: Iterable[Frame]) -> Iterator[tuple[list[Frame], Decoded]]:
        """Decode frames, those of one stretch of time together."""
        for _, group in groupby(frames, key=lambda frame: self._remembered.part(frame.at)):
            some = list(group)
            yield some, jsonl.decode(split(KEY, b"".join(frame.data for frame in some), some[0].start), self._layout)

    def _without_repeats(self, taken: tuple[list[Frame], Decoded]) -> Decoded:
        frames, decoded = taken
        if not self._dedup:
            return decoded
        again = self._remembered.repeats(self._hashes(decoded.table), frames[0].at, frames[0].start)
        if not again.any():
            return decoded
        refused = [Rejected(Reason.DUPLICATE, KEY, frames[0].start, "its id came already")] * int(again.sum())
        return replace(decoded, table=decoded.table.filter(pa.array(~again)), rejected=(*decoded.rejected, *refused))

    def _hashes(self, table: pa.Table) -> Hashes:
        """Return a hash of each record: of its id, or of all that is read of it where it has none."""
        ids: list[Any] = table[self._layout.id].to_pylist() if self._layout.id else [None] * table.num_rows
        if None in ids:
            bare = table.filter(pa.array([id_ is None for id_ in ids]))
            rows = iter(zip(*(column.to_pylist() for column in bare.columns), strict=True))
            ids = [f"{next(rows)!r}" if id_ is None else id_ for id_ in ids]
        return id_hashes(ids)


def _refused_before(frames: Iterable[Frame]) -> Iterator[Rejected]:
    """Return what was refused before it came into the spool."""
    for frame in frames:
        for reason, count in frame.rejected.items():
            yield from [Rejected(Reason(reason), KEY, frame.start, "refused when it was sent")] * count
