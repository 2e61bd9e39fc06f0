"""Look at all files of a source at once, and find what there is to read, to report and to wait for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias, TypeVar

from monitor.instant import Instant
from monitor.sources.folder import Folder, Scan, Seen
from monitor.sources.looking import Looking
from monitor.sources.position import Position
from monitor.sources.recognise import (
    Task,
    followed,
    fresh,
    missing,
    orphans,
    unread,
)

T = TypeVar("T")
First: TypeAlias = Callable[[Seen], Instant | None]
_NANOSECONDS = 1_000_000_000
_SAME_TICK_SECONDS = 0.1  # a change this fresh may be followed by one with the same file times
_MOST_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Survey:
    """What one look found: the tasks, why files cannot be read, and when it was, in seconds since 1970."""

    tasks: list[Task]
    troubles: dict[str, str]
    at: float


@dataclass(slots=True)
class _Sorted:
    """The files of one look, by what their positions say."""

    known: list[tuple[Seen, Position]] = field(default_factory=list)
    broken: list[tuple[Seen, Position]] = field(default_factory=list)
    unknown: list[Seen] = field(default_factory=list)


class Surveyor:
    """Remembers what it found about a file until the file changes.

    Parameters
    ----------
    first: returns the event time at which a file begins.
    wait: seconds after which a file is quiet, or gone for good; ``None`` waits for nothing.
    """

    def __init__(
        self, folder: Folder, looking: Looking, first: First, wait: float | None, clock: Callable[[], float]
    ) -> None:
        self._folder = folder
        self._looking = looking
        self._first = first
        self._wait = wait
        self._clock = clock
        self._memory: dict[Hashable, tuple[tuple[int, int, int], Any]] = {}
        self._absent: dict[str, float] = {}  # since when a file is gone

    def is_settled(self, task: Task, at: float) -> bool:
        """Tell whether a file's writer is done with it."""
        if task.seen is None or self._wait is None:
            return True
        whole = self._looking.is_raw(task.seen)
        return (whole or task.position.rotated) and not self._is_young(task.seen, at)

    def first_instant(self, seen: Seen, otherwise: Instant) -> Instant:
        """Return where a file begins in event time."""
        try:
            found = self._remembered(seen, "first", self._clock(), partial(self._first, seen))
        except OSError:
            return otherwise
        return otherwise if found is None else found

    def look(self, scan: Scan, positions: Mapping[str, Position]) -> Survey:
        """Find what there is to do.

        Raises
        ------
        Changed: a file changed its place meanwhile.
        """
        survey = Survey([], {p.path: p.fault for p in positions.values() if p.fault}, self._clock())
        files = _Sorted()
        self._sort(scan.files, positions, files, survey)
        lost = [*missing(positions, scan.files), *(position for _, position in files.broken)]
        strays = list(self._folder.beside(lost, {seen.key for seen in scan.files})) if lost else []
        self._sort(strays, positions, files, survey)
        gone = missing(positions, [*scan.files, *strays])
        left = orphans(gone, [position for _, position in files.broken], positions.values())
        self._add_heirs(files, left, survey)
        self._add_known(files, survey)
        self._add_new(files, survey)
        for seen, position in files.broken:
            bytes_lost = unread(position) if position in left else 0
            survey.tasks.append(Task(seen, fresh(seen), bytes_lost, truncated=seen.name == position.path))
        for position in self._gone_for_good(gone, survey.at):
            if position in left and unread(position):
                survey.tasks.append(Task(None, replace(position, done=True), unread(position)))
        return survey

    def _sort(self, seen: Iterable[Seen], positions: Mapping[str, Position], files: _Sorted, survey: Survey) -> None:
        """Tell files whose position holds from those that were cut short or replaced, and from new ones."""
        for file in seen:
            position = positions.get(file.key)
            if position is None:
                files.unknown.append(file)
                continue
            what = ("same", position.head, position.markers[:1])
            same = self._ask(file, what, survey, partial(self._looking.is_same, file, position))
            if same is not None:
                (files.known if same else files.broken).append((file, position))

    def _add_heirs(self, files: _Sorted, left: list[Position], survey: Survey) -> None:
        """Let copies go on where lost files stood; what is taken over is left no more."""
        broken = {position.key for _, position in files.broken}
        for seen in list(files.unknown):
            sought = [p for p in left if p.head and (seen.listed or unread(p) or p.key in broken)]
            for position in sought:
                heir = self._heir(seen, position, survey)
                if heir:
                    survey.tasks.append(Task(seen, heir, heir=True))
                    files.unknown.remove(seen)
                    left.remove(position)
                    break

    def _heir(self, seen: Seen, position: Position, survey: Survey) -> Position | None:
        """Return the position of a copy; only where the first bytes agree are more compared."""
        head = position.head
        if head is None:
            return None
        what = ("head", head.length, position.raw)
        digest = self._ask(seen, what, survey, partial(self._looking.head, seen, head.length, raw=position.raw))
        if digest != head.digest:
            return None
        return self._ask(seen, ("copy", position.token), survey, partial(self._looking.heir, seen, position))

    def _add_known(self, files: _Sorted, survey: Survey) -> None:
        for seen, position in files.known:
            self._add_if_ready(Task(seen, followed(seen, position)), survey)

    def _add_new(self, files: _Sorted, survey: Survey) -> None:
        for seen in files.unknown:
            if seen.listed and not self._is_being_copied(seen, files, survey):
                self._add_if_ready(Task(seen, fresh(seen)), survey)

    def _add_if_ready(self, task: Task, survey: Survey) -> None:
        at, settled = task.position, self.is_settled(task, survey.at)
        if task.seen:
            what = ("ready", at.offset, at.size, at.inside, at.done, at.fault, settled)
            if self._ask(task.seen, what, survey, partial(self._looking.is_ready, task, settled=settled)):
                survey.tasks.append(task)

    def _is_being_copied(self, seen: Seen, files: _Sorted, survey: Survey) -> bool:
        """Tell whether a new file may be a copy in the making: for now it holds nothing that its original does not."""
        if not self._is_young(seen, survey.at):
            return False
        originals = [file for file, position in files.known if file.size >= seen.size and not position.raw]
        return any(self._looking.may_copy(seen, original) for original in originals)

    def _is_young(self, seen: Seen, at: float) -> bool:
        return self._wait is not None and 0 <= at - seen.modified_ns / _NANOSECONDS < self._wait

    def _gone_for_good(self, gone: Iterable[Position], at: float) -> list[Position]:
        """Return positions whose file was missing for long enough: a folder read amid a renaming may hide it."""
        missed = list(gone)
        self._absent = {position.key: self._absent.get(position.key, at) for position in missed}
        return [p for p in missed if self._wait is None or at - self._absent[p.key] >= self._wait]

    def _ask(self, seen: Seen, what: Hashable, survey: Survey, look: Callable[[], T]) -> T | None:
        """Look, unless it is known; a file that cannot be opened is troubled, not fatal."""
        try:
            return self._remembered(seen, what, survey.at, look)
        except OSError as error:
            survey.troubles[seen.name] = error.strerror or type(error).__name__
            return None

    def _remembered(self, seen: Seen, what: Hashable, at: float, look: Callable[[], T]) -> T:
        key = (seen.key, what)
        if key in self._memory and self._memory[key][0] == seen.signature:
            found: T = self._memory[key][1]
            return found
        found = look()
        if at - seen.changed_ns / _NANOSECONDS >= _SAME_TICK_SECONDS:
            if len(self._memory) >= _MOST_REMEMBERED:
                self._memory.clear()
            self._memory[key] = (seen.signature, found)
        return found
