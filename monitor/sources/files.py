"""Files that a model server appends to, rotates and deletes, read as one stream of batches."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from monitor.instant import Instant
from monitor.record import Layout
from monitor.settings import Duration, Settings, Size
from monitor.sources.agenda import Agenda, is_kept
from monitor.sources.batch import Batch
from monitor.sources.dialects.settings import CONTAINERS, FileFormat, LoggedEventSettings
from monitor.sources.folder import Changed, Folder
from monitor.sources.formats import Format
from monitor.sources.looking import Looking
from monitor.sources.position import Position
from monitor.sources.reader import Limits
from monitor.sources.reading import Reading
from monitor.sources.recognise import Task, followed
from monitor.sources.streams import How, Streams
from monitor.sources.survey import Survey, Surveyor

__all__ = ["NEVER", "Batch", "FilesSettings", "FilesSource", "Position"]

NEVER: Instant = -(2**63)
_BLOCK_BYTES = 4 * 2**20
_REUSED_TIMES = 10  # looking at many files takes at most a tenth of the time
_MOST_REUSED_SECONDS = 1.0
_TRIES = 5  # a folder that changes under our eyes is looked at again, but not for ever
_Pattern = Annotated[str, Field(min_length=1, max_length=4096)]


class FilesSettings(Settings):
    """Files in a folder, found by patterns such as ``logs/*.jsonl`` or ``logs/**/*.parquet``.

    ``auto`` tells the format by the suffix, also before ``.1`` or ``.gz``; without a known one it is JSON
    lines. ``sagemaker`` and its like say what another product's log holds, told further by ``events``; its files are
    written as their suffixes say. A longer line than ``max_line`` is refused. ``rotate_wait`` is how long a file that
    was renamed, copied or removed is left alone before it is taken as final.
    """

    type: Literal["files"] = "files"
    path: _Pattern | Annotated[list[_Pattern], Field(min_length=1)]
    format: FileFormat = "auto"
    events: LoggedEventSettings = LoggedEventSettings()
    dedup: Duration = timedelta(0)
    max_line: Annotated[Size, Field(ge=1, le=64 * 2**20)] = 2**20
    rotate_wait: Duration = timedelta(seconds=5)

    @property
    def patterns(self) -> tuple[str, ...]:
        """Return the patterns, always as several."""
        return (self.path,) if isinstance(self.path, str) else tuple(self.path)


class FilesSource:
    """Reads the files that patterns match.

    What a read returns depends on the files and the positions alone; what is remembered between reads saves
    work, or says since when a file is quiet or gone.

    Parameters
    ----------
    layout: what to take from each record.
    root: where relative patterns start.
    block_bytes: how much is read at once.
    at_rest: nobody writes any more, as for a backtest: an unterminated last line is whole, nothing is waited for.
    clock: seconds since 1970, as file times are told by.
    """

    def __init__(
        self,
        settings: FilesSettings,
        layout: Layout,
        root: Path,
        block_bytes: int = _BLOCK_BYTES,
        *,
        at_rest: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        given = Format(settings.format) if settings.format in CONTAINERS else None
        self._patterns = settings.patterns
        self._folder = Folder(settings.patterns, root)
        how = How(layout, Limits(block_bytes, settings.max_line), given)
        self._streams = Streams(how)
        self._reading = Reading(how, self._streams)
        wait = None if at_rest else settings.rotate_wait.total_seconds()
        self._surveyor = Surveyor(self._folder, Looking(how, self._streams), self._reading.first_instant, wait, clock)
        self._at_rest = at_rest
        self._troubles: Mapping[str, str] = {}
        self._agenda: Agenda | None = None
        self._last: tuple[Task, Batch] | None = None
        self._until = 0.0  # how long the agenda may stand for how the files are, by the monotonic clock

    def close(self) -> None:
        """Give back the files that are open."""
        self._streams.close()

    def matches(self) -> list[Path]:
        """Return the regular files that the patterns match now, in order of name."""
        return [Path(seen.path) for seen in self._folder.scan().files]

    def problem(self) -> str | None:
        """Say why a file, or all, cannot be read now; ``None`` if all is well."""
        scan = self._folder.scan()
        troubles = {**self._troubles, **scan.troubles}
        for name in sorted(troubles):
            return f"{name}: {troubles[name]}"
        return None if scan.files else f"no file matches {', '.join(self._patterns)}"

    def read(self, positions: Mapping[str, Position]) -> Batch | None:
        """Read one block of the file that is furthest behind in event time.

        Returns
        -------
        The batch, whose position is to be kept under its ``file`` and given again; ``None`` if all that is
        complete has been read.
        """
        for _ in range(_TRIES):
            try:
                return self._read(positions)
            except Changed:
                self._agenda = None
        return None

    def _read(self, positions: Mapping[str, Position]) -> Batch | None:
        agenda = self._resumed(positions)
        batch = self._next(agenda, positions) if agenda else None
        return batch or self._next(self._looked(positions), positions)

    def _looked(self, positions: Mapping[str, Position]) -> Agenda:
        """Look at all files."""
        began = time.monotonic()
        survey = self._surveyor.look(self._folder.scan(), positions)
        self._troubles = survey.troubles
        agenda = Agenda(survey, lambda task: self._reached(task, survey))
        now = time.monotonic()
        self._until = math.inf if self._at_rest else now + min(_MOST_REUSED_SECONDS, (now - began) * _REUSED_TIMES)
        self._agenda, self._last = agenda, None
        return agenda

    def _resumed(self, positions: Mapping[str, Position]) -> Agenda | None:
        """Go on with the last look, while that is not old for what it costs, and with the file read last."""
        agenda, last = self._agenda, self._last
        if agenda is None or time.monotonic() >= self._until:
            return None
        if last is not None:
            task, batch = last
            kept = positions.get(batch.file)
            seen = self._folder.again(task.seen) if task.seen else None
            if kept is None or not is_kept(kept, batch.position) or (seen is None and task.seen):
                return None
            if seen:
                agenda.put_if(self._surveyor.is_ready, Task(seen, followed(seen, kept), kept=kept))
            self._last = None
        return agenda

    def _next(self, agenda: Agenda, positions: Mapping[str, Position]) -> Batch | None:
        while (task := agenda.take()) is not None:
            if positions.get(task.key) != task.kept:
                raise Changed(task.position.path)
            batch = self._attempt(task, agenda.survey)
            if batch:
                self._last = (task, batch)
                return replace(batch, hold=agenda.hold())
        return None

    def _attempt(self, task: Task, survey: Survey) -> Batch | None:
        try:
            return self._reading.read(task, settled=self._surveyor.is_settled(task, survey.at))
        except OSError as error:
            survey.troubles[task.position.path] = error.strerror or type(error).__name__
            return None

    def _reached(self, task: Task, survey: Survey) -> Instant:
        """Return the event time that a file has been read up to; of a new one, where it begins."""
        if task.position.newest is not None:
            return task.position.newest
        if task.seen is None or len(survey.tasks) == 1:
            return NEVER
        return self._surveyor.first_instant(task.seen, NEVER)
