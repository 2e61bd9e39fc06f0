"""A table of Delta or Iceberg as a source: what stands in it at the first look, then what each commit adds.

The position is a place in the table's own log, and how far the files were read that are meant by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from monitor.errors import SourceUnavailable
from monitor.record import Layout, Reason, Rejected
from monitor.sources.batch import Batch
from monitor.sources.dialects.databricks import TIMES
from monitor.sources.formats import Format
from monitor.sources.formats.block import empty
from monitor.sources.lake.cursor import Cursor
from monitor.sources.lake.log import DataFile, Gap, Mark, Step, TableLog, Unfit, hold
from monitor.sources.lake.settings import LakeSettings
from monitor.sources.objects.batches import advanced
from monitor.sources.objects.content import Content, Piece
from monitor.sources.objects.store import Gone, Store, Unreachable, open_store
from monitor.sources.position import Position
from monitor.sources.reader import Limits

KEY = "table"
"""The name under which the position is kept."""
_RETRY_SECONDS, _MOST_RETRY_SECONDS = 1.0, 60.0
_OTHERWISE = "its log names other files than when it was read last: the rest of them is not read"
_MOST_STEPS = 1000
"""So many commits that add nothing are passed in one read."""


class LakeSource:
    """Reads one table; a batch depends on what lies there and the position alone.

    Parameters
    ----------
    layout: what to take from each record. root: where a relative path starts. block_bytes: how much is read at once.
    at_rest: nobody writes any more, as for a replay. store: where the table lies; by default as the settings say.
    clock: seconds, by which it is looked for commits.
    """

    def __init__(
        self,
        settings: LakeSettings,
        layout: Layout,
        root: Path,
        block_bytes: int = 4 * 2**20,
        *,
        at_rest: bool = False,
        store: tuple[Store, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._layout, self._root = settings, layout, root
        self._limits = Limits(block_bytes, 2**20)
        self._at_rest, self._clock, self._store = at_rest, clock, store
        self._times = (layout.timestamp,) if settings.format == "rows" else (*TIMES, layout.timestamp)
        self._log: tuple[tuple[str, ...], TableLog] | None = None
        self._step: Step | None = None
        self._content: tuple[DataFile, Content] | None = None
        self._trouble: str | None = None
        self._looked, self._is_there = False, False
        self._look_at, self._failures = 0.0, 0

    def close(self) -> None:
        """Give back what is open."""
        if self._content is not None:
            self._content[1].close()
        self._content = None

    def matches(self) -> list[Path]:
        """Return none: a table is no file."""
        return []

    @property
    def away(self) -> bool:
        """Say whether there may be records that cannot be had now."""
        return self._trouble is not None or not self._looked

    def problem(self) -> str | None:
        """Say why the table cannot be read now; that there is none yet is told too."""
        if self._trouble is None and not self._looked:
            self.survey()
        if self._trouble is not None:
            return f"{self._settings.path}: {self._trouble}"
        return None if self._is_there else f"{self._settings.path} holds no {self._settings.type} table yet"

    def survey(self) -> Step | None:
        """Return what stands in the table; ``None`` if there is none yet, or it cannot be told."""
        try:
            step = self._opened_log(self._times).first()
        except (Unreachable, Unfit) as error:
            self._trouble = str(error)
            return None
        self._is_there = step is not None
        return step

    def read(self, positions: Mapping[str, Position]) -> Batch | None:
        """Read on in the file that is being read, or in the next one that the table's log names.

        Raises
        ------
        SourceUnavailable: of what is at rest, and is to be read to its end, something cannot be read.
        """
        if self._trouble is not None and self._clock() < self._look_at:
            return None
        try:
            batch = self._read(positions.get(KEY))
        except (Unreachable, Unfit) as error:
            self._fail(str(error))
            return None
        self._trouble, self._failures, self._looked = None, 0, True
        return batch

    def _fail(self, why: str) -> None:
        """Note why nothing comes, and try again in a while that grows."""
        if self._at_rest:
            raise SourceUnavailable(f"{self._settings.path}: {why}", "see that the table can be read, and try again")
        self._trouble = why
        self.close()
        self._look_at = self._clock() + min(_RETRY_SECONDS * 2**self._failures, _MOST_RETRY_SECONDS)
        self._failures = min(self._failures + 1, 10)

    def _opened_log(self, times: tuple[str, ...]) -> TableLog:
        if self._store is None:
            self._store = open_store(self._settings, self._root)
        if self._log is None or self._log[0] != times:
            self._log = times, _log_of(self._settings, *self._store, times)
        return self._log[1]

    def _read(self, at: Position | None) -> Batch | None:
        if at is None or at.cursor is None:
            return self._begin()
        cursor = Cursor.from_text(at.cursor)
        if cursor.through:
            return self._follow(at, cursor)
        try:
            step = self._step_at(cursor)
        except Gap as gap:
            return self._beyond(at, cursor.mark, gap)
        if at.done:
            return self._piece(None, cursor, step, cursor.file + 1)
        if step.files[cursor.file].entry.key != at.path:
            return self._beyond(at, cursor.mark, Gap(Reason.LOST, _OTHERWISE))
        return self._piece(at, cursor, step, cursor.file)

    def _begin(self) -> Batch | None:
        """Read the first of what stands in the table."""
        if not self._is_due():
            return None
        step = self._opened_log(self._times).first()
        if step is None:
            self._look_later()
            return None
        self._is_there, self._step = True, step
        if not step.files:
            return self._told(None, step)
        return self._piece(None, self._cursor(step), step, 0)

    def _follow(self, at: Position, cursor: Cursor) -> Batch | None:
        """Look for what comes next, and read the first of it."""
        if not self._is_due():
            return None
        self._is_there = True
        log, mark, step = self._opened_log(self._times), cursor.mark, None
        try:
            for _ in range(_MOST_STEPS):
                found = log.after(mark)
                if found is None:
                    break
                mark, step = found.mark, found
                if found.files or found.changed:
                    break
        except Gap as gap:
            if step is None:
                return self._beyond(at, mark, gap)
        if step is None:
            self._look_later()
            return None
        self._step = step
        if step.files and step.changed is None:
            return self._piece(None, self._cursor(step), step, 0)
        return self._told(at, step, None if step.changed is None else Reason.REPLACED, step.changed or "")

    def _beyond(self, at: Position, mark: Mark, gap: Gap) -> Batch:
        """Tell what cannot be had any more, and go on behind it."""
        step = self._opened_log(self._times).beyond(mark)
        if step is None:
            raise Unreachable("has no log any more")
        self._step = step
        return self._told(at, step, gap.reason, gap.why)

    def _look_later(self) -> None:
        self._look_at = self._clock() + self._settings.every.total_seconds()

    def _cursor(self, step: Step, file: int = 0) -> Cursor:
        return Cursor(step.mark, file, times=self._times)

    def _is_due(self) -> bool:
        return self._at_rest or self._clock() >= self._look_at

    def _step_at(self, cursor: Cursor) -> Step:
        if self._step is None or self._step.mark != cursor.mark:
            self._step = self._opened_log(cursor.times).at(cursor.mark)
        return self._step

    def _told(self, at: Position | None, step: Step, reason: Reason | None = None, why: str = "") -> Batch:
        """Return that a place in the log was reached, and what is to be told of it."""
        path = self._settings.path
        nothing = empty(self._layout, [] if reason is None else [Rejected(reason, path, 0, why)])
        cursor = replace(self._cursor(step, -1), through=not step.files)
        newest = None if at is None else at.newest
        position = Position(path, 0, 0, done=True, newest=newest, cursor=cursor.to_text())
        return Batch(KEY, path, nothing.table, position, nothing.rejected, hold=hold(step), begins=True)

    def _piece(self, at: Position | None, cursor: Cursor, step: Step, place: int) -> Batch:
        """Read on in a file; ``at`` is ``None`` at its begin."""
        file = step.files[place]
        here = at if at is not None else Position(file.entry.key, 0, 0, size=file.entry.size)
        lost = 0
        try:
            if file.unfit is None:
                piece = self._opened(file).read(here)
            else:
                piece = _nothing(self._layout, Reason.UNREADABLE, here, file.unfit)
        except Gone:
            lost = max(1, (file.rows or 0) - here.offset)
            piece = _nothing(self._layout, Reason.LOST, here, "removed before it was read")
        position = advanced(here, piece)
        if piece.done:
            self.close()
        after = replace(cursor, file=place, through=piece.done and place + 1 == len(step.files))
        decoded = piece.decoded
        return Batch(
            KEY,
            here.path,
            decoded.table,
            replace(position, cursor=after.to_text()),
            decoded.rejected,
            decoded.mismatched,
            hold=hold(step, place),
            lost=lost,
            begins=at is None,
        )

    def _opened(self, file: DataFile) -> Content:
        """Return a file, open.

        Raises
        ------
        Gone: there is none.
        """
        if self._content is None or self._content[0] != file:
            self.close()
            if self._store is None:
                raise Unreachable("is not open")
            opened = self._store[0].open(file.entry)
            content = Content(
                opened,
                file.entry.key,
                self._layout,
                self._limits,
                Format.PARQUET,
                file.columns,
                names=file.names,
            )
            self._content = file, content
        return self._content[1]


def _nothing(layout: Layout, reason: Reason, at: Position, why: str) -> Piece:
    """Return that the rest of a file is not to be had."""
    return Piece(empty(layout, [Rejected(reason, at.path, at.offset, why)]), at.offset, done=True)


def _log_of(settings: LakeSettings, store: Store, folder: str, times: tuple[str, ...]) -> TableLog:
    if settings.type == "delta":
        from monitor.sources.lake.delta import DeltaLog

        return DeltaLog(store, folder, times)
    from monitor.sources.lake.iceberg import IcebergLog

    return IcebergLog(store, folder, times)
