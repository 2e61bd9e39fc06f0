"""What comes by HTTP: read from its spool, which is one log in the order in which it came."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from monitor.instant import Instant
from monitor.record import Decoded, Layout, Reason, Rejected
from monitor.sampling import id_hashes
from monitor.settings import Duration, Settings, Size
from monitor.sources.batch import Batch
from monitor.sources.formats import jsonl
from monitor.sources.formats.block import joined, split
from monitor.sources.formats.event import Event, from_line
from monitor.sources.pairing import EventSettings, Made, Pairing
from monitor.sources.position import Position
from monitor.sources.same import record_hashes
from monitor.sources.spool import stream
from monitor.sources.spool.frames import Content, Frame
from monitor.sources.spool.remembered import Remembered
from monitor.sources.spool.segments import remove_before

KEY = "http"
"""The name under which the position is kept, and that refused records have for a file."""
_BEGIN = Position(KEY, 0, 0)
_BLOCK_BYTES = 4 * 2**20


class HttpSettings(Settings):
    """Records that are sent to ``/api/v1/models/{model}/records``, and inference events that are sent to ``/``.

    ``capacity`` is how much may wait to be read before senders are told to come again later.
    """

    type: Literal["http"]
    dedup: Duration = timedelta(minutes=10)
    capacity: Annotated[Size, Field(ge=2**20, le=2**40)] = 256 * 2**20
    events: EventSettings = EventSettings()


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
    events: how inference events become records.
    clock: now, by this machine's clock: only events that wait for nothing that came are given up by it.
    """

    def __init__(
        self,
        folder: Path,
        layout: Layout,
        dedup: int = 0,
        block_bytes: int = _BLOCK_BYTES,
        events: EventSettings | None = None,
        *,
        clock: Callable[[], Instant] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._folder, self._layout, self._dedup, self._block_bytes = folder, layout, dedup, block_bytes
        self._events, self._clock = events or EventSettings(), clock
        self._remembered, self._pairing = Remembered(dedup), Pairing(self._events)
        self._at: tuple[int, tuple[int, ...]] | None = None  # where in the stream what is remembered comes from
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
            if (at.offset, at.held) != self._at:
                self._recover(at)
            remove_before(self._folder, self._since(at.offset))
            stretch = stream.read(self._folder, at.offset, self._block_bytes)
            self._trouble = None
        except OSError as error:
            self._trouble = error.strerror or type(error).__name__
            return None
        parts = [self._decoded(group) for group in self._grouped(stretch.frames)]
        if stretch.end == at.offset:
            made = Made()
            self._pairing.expire(self._clock(), made)
            parts = [self._of_events(made)] if made.lines or made.refused else []
        return self._batch(at, stretch, parts) if parts or stretch.end > at.offset else None

    def _batch(self, at: Position, stretch: stream.Stretch, parts: Sequence[Decoded]) -> Batch:
        decoded = joined(parts, self._layout)
        newest = pc.max(decoded.table["timestamp"]).as_py()
        held = self._pairing.places
        self._at = stretch.end, held
        position = replace(
            at,
            offset=stretch.end,
            newest=max((instant for instant in (newest, at.newest) if instant is not None), default=None),
            since=self._since(stretch.end),
            held=held,
        )
        rejected = (*_refused_before(stretch.frames), *decoded.rejected)
        return Batch(KEY, KEY, decoded.table, position, rejected, decoded.mismatched, bytes_lost=stretch.lost)

    def _since(self, place: int) -> int:
        """Return from where the stream is needed to go on at a place."""
        return min(self._remembered.since(place), *self._pairing.places, place)

    def _recover(self, at: Position) -> None:
        """Remember again what came before a position, and hold again what waits."""
        self._remembered, self._pairing = Remembered(self._dedup), Pairing(self._events)
        place, held = at.offset if at.since is None else at.since, frozenset(at.held)
        while place < at.offset:
            stretch = stream.read(self._folder, place, min(self._block_bytes, at.offset - place))
            if stretch.end == place:
                break
            for group in self._grouped([frame for frame in stretch.frames if frame.end <= at.offset]):
                self._know_again(group, held)
            place = stretch.end
        self._at = at.offset, self._pairing.places

    def _know_again(self, frames: Sequence[Frame], held: Container[int]) -> None:
        if frames[0].content is Content.RECORDS:
            self._without_repeats(frames, self._lines(frames))
            return
        events = [from_line(frame.data) for frame in frames]
        self._repeats(events, frames)
        for event, frame in zip(events, frames, strict=True):
            if frame.start in held:
                self._pairing.hold(event, frame.at, frame.start)

    def _grouped(self, frames: Iterable[Frame]) -> Iterator[list[Frame]]:
        """Yield the frames of one stretch of time and one content together."""
        for _, group in groupby(frames, key=lambda frame: (self._remembered.part(frame.at), frame.content)):
            yield list(group)

    def _decoded(self, frames: Sequence[Frame]) -> Decoded:
        if frames[0].content is Content.RECORDS:
            return self._without_repeats(frames, self._lines(frames))
        events, made = [from_line(frame.data) for frame in frames], Made()
        for event, frame, again in zip(events, frames, self._repeats(events, frames), strict=True):
            if again:
                made.refused.append((Reason.DUPLICATE, frame.start))
            else:
                self._pairing.take(event, frame.at, frame.start, made)
        return self._of_events(made)

    def _of_events(self, made: Made) -> Decoded:
        decoded = jsonl.decode(split(KEY, b"".join(made.lines)), self._layout)
        refused = [Rejected(reason, KEY, place, "an event") for reason, place in made.refused]
        return replace(decoded, rejected=(*decoded.rejected, *refused))

    def _repeats(self, events: Iterable[Event], frames: Sequence[Frame]) -> list[bool]:
        hashes = id_hashes(event.key for event in events)
        again: list[bool] = self._remembered.repeats(hashes, frames[0].at, frames[0].start).tolist()
        return again

    def _lines(self, frames: Sequence[Frame]) -> Decoded:
        return jsonl.decode(split(KEY, b"".join(frame.data for frame in frames), frames[0].start), self._layout)

    def _without_repeats(self, frames: Sequence[Frame], decoded: Decoded) -> Decoded:
        if not self._dedup:
            return decoded
        again = self._remembered.repeats(record_hashes(decoded.table, self._layout), frames[0].at, frames[0].start)
        if not again.any():
            return decoded
        refused = [Rejected(Reason.DUPLICATE, KEY, frames[0].start, "its id came already")] * int(again.sum())
        return replace(decoded, table=decoded.table.filter(pa.array(~again)), rejected=(*decoded.rejected, *refused))


def _refused_before(frames: Iterable[Frame]) -> Iterator[Rejected]:
    """Return what was refused before it came into the spool."""
    for frame in frames:
        for reason, count in frame.rejected.items():
            yield from [Rejected(Reason(reason), KEY, frame.start, "refused when it was sent")] * count
