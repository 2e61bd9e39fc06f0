"""Look at all files of a source at once, and find what there is to read, to report and to wait for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias, TypeVar

from monitor.instant import Instant
from monitor.sources.folder import Folder, Scan, Seen, stem_of
from monitor.sources.looking import Looking
from monitor.sources.position import Position
from monitor.sources.recognise import (
    Task,
    followed,
    fresh,
    orphans,
    unread,
)

T = TypeVar("T")
First: TypeAlias = Callable[[Seen], Instant | None]
_NANOSECONDS = 1_000_000_000
_SPARE_MEMORIES = 1000
_SAME_TICK_SECONDS = 0.1  # a change this fresh may be followed by one with the same file times
_Known: TypeAlias = tuple[tuple[int, int, int] | None, dict[Hashable, Any]]
_NOTHING: _Known = (None, {})


@dataclass(frozen=True, slots=True)
class Survey:
    """What one look found: the tasks, why files cannot be read, and when it was, in seconds since 1970."""

    tasks: list[Task]
    troubles: dict[str, str]
    at: float


@dataclass(slots=True)
class _Sorted:
    """The files of one look, by what their positions say.

    Attributes
    ----------
    known: files with the position that speaks of them.
    new: other files, with the position under their key, which speaks of another file or of an empty one.
    held: the keys of known files, and of those that cannot be opened now.
    quiet: the keys of known files that are read to their end.
    """

    known: list[tuple[Seen, Position]] = field(default_factory=list)
    new: list[tuple[Seen, Position | None]] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    quiet: set[str] = field(default_factory=set)


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
        self._memory: dict[str, _Known] = {}
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
        lost = [position for key, position in positions.items() if key not in files.held]
        if lost:
            strays = self._folder.beside(lost, {seen.key for seen in scan.files})
            self._sort(strays, positions, files, survey)
        self._forget_all_but(files.held)
        left = orphans([position for position in lost if position.key not in files.held], positions.values())
        heirs = self._heirs(files, left, survey)
        for seen, position in files.known:
            if seen.key not in files.quiet:
                self._add_known(seen, position, survey)
        for seen, kept in files.new:
            self._add_new(seen, kept, heirs.get(seen.key), left, files, survey)
        there = {seen.key for seen, kept in files.new if kept and seen.listed}
        gone = [position for position in left if position.key not in there]
        for position in self._gone_for_good(gone, survey.at):
            if unread(position):
                survey.tasks.append(Task(None, replace(position, done=True), unread(position), kept=position))
        return survey

    def _sort(self, seen: Iterable[Seen], positions: Mapping[str, Position], files: _Sorted, survey: Survey) -> None:
        """Tell files whose position holds from those that are new, under a known inode or not."""
        for file in seen:
            position = positions.get(file.key)
            if position is None or position.head is None:  # nothing was read by which to know it again
                files.new.append((file, position))
                files.held.add(file.key)
                continue
            if self._is_quiet(file, position):
                files.held.add(file.key)
                files.quiet.add(file.key)
                files.known.append((file, position))
                continue
            what = ("same", position.head, position.markers[:1])
            same = self._ask(file, what, survey, partial(self._looking.is_same, file, position))
            if same or same is None:  # what cannot be opened now may well be the same
                files.held.add(file.key)
            if same:
                files.known.append((file, position))
            elif same is not None:
                files.new.append((file, position))

    def _heirs(self, files: _Sorted, left: list[Position], survey: Survey) -> dict[str, Position]:
        """Return where copies go on, by key: where lost files stood. What is taken over is left no more."""
        found: dict[str, Position] = {}
        cut = {seen.key for seen, kept in files.new if kept}
        for seen, _ in sorted(files.new, key=lambda new: new[1] is not None):
            for position in left:
                sought = seen.listed or unread(position) or position.key in cut
                heir = self._heir(seen, position, survey) if sought else None
                if heir:
                    found[seen.key] = heir
                    left.remove(position)
                    break
        return found

    def _add_new(
        self,
        seen: Seen,
        kept: Position | None,
        heir: Position | None,
        left: list[Position],
        files: _Sorted,
        survey: Survey,
    ) -> None:
        """Read a file from its begin, or a copy from where its original stood."""
        lost = unread(kept) if kept and kept in left else 0
        if heir:
            survey.tasks.append(Task(seen, heir, lost, heir=True, kept=kept))
        elif seen.listed and not self._is_being_copied(seen, files, survey):
            truncated = kept is not None and kept.head is not None and kept.path == seen.name
            task = Task(seen, fresh(seen), lost, truncated, kept=kept)
            if self.is_ready(task, survey):
                survey.tasks.append(task)

    def _heir(self, seen: Seen, position: Position, survey: Survey) -> Position | None:
        """Return the position of a copy; only where the first bytes agree are more compared."""
        head = position.head
        if head is None:
            return None
        what = ("head", head.length, position.raw)
        digest = self._ask(seen, what, survey, partial(self._looking.head, seen, head.length, raw=position.raw))
        if digest not in (head.digest, None):
            return None
        return self._ask(seen, ("copy", position.token), survey, partial(self._looking.heir, seen, position))

    def is_ready(self, task: Task, survey: Survey) -> bool:
        """Tell whether there is something to read or to report."""
        if task.seen is None:
            return True
        settled = self.is_settled(task, survey.at)
        return bool(self._ask(task.seen, None, survey, partial(self._looking.is_ready, task, settled=settled)))

    def _add_known(self, seen: Seen, position: Position, survey: Survey) -> None:
        """Read a file on; if there is nothing to read, nor will be by waiting, it is quiet until it changes."""
        task = Task(seen, followed(seen, position), kept=position)
        if self.is_ready(task, survey):
            survey.tasks.append(task)
        elif self.is_settled(task, survey.at) or not (task.position.rotated or self._looking.is_raw(seen)):
            self._remember(seen, "quiet", survey.at, position)

    def _forget_all_but(self, keys: Collection[str]) -> None:
        if len(self._memory) > 2 * len(keys) + _SPARE_MEMORIES:
            self._memory = {key: known for key, known in self._memory.items() if key in keys}

    def _is_quiet(self, seen: Seen, position: Position) -> bool:
        """Tell whether nothing has changed since a file was found to be the same, and read to its end."""
        signature, known = self._memory.get(seen.key, _NOTHING)
        return signature == seen.signature and (known.get("quiet") is position or known.get("quiet") == position)

    def _is_being_copied(self, seen: Seen, files: _Sorted, survey: Survey) -> bool:
        """Tell whether a new file may be a copy in the making: for now it holds nothing that its original does not."""
        if not seen.size or not self._is_young(seen, survey.at):
            return False
        stem = stem_of(seen.name)
        others = [f for f, _ in files.new if f.listed and f.key != seen.key and stem_of(f.name) == stem]
        first = [f for f in others if (-f.size, len(f.name), f.name) < (-seen.size, len(seen.name), seen.name)]
        known = [f for f, position in files.known if f.size >= seen.size and self._may_begin(seen, position, survey)]
        return any(self._looking.may_copy(seen, original) for original in (*known, *first))

    def _may_begin(self, seen: Seen, position: Position, survey: Survey) -> bool:
        """Tell whether a file may begin as another does, by what is known of that without opening it."""
        head = position.head
        if position.raw or head is None:
            return False
        what = ("head", head.length, False)
        digest = self._ask(seen, what, survey, partial(self._looking.head, seen, head.length, raw=False))
        return digest in (head.digest, None)

    def _is_young(self, seen: Seen, at: float) -> bool:
        """Tell whether a file was written or renamed a short while ago."""
        last = max(seen.modified_ns, seen.changed_ns) / _NANOSECONDS
        return self._wait is not None and 0 <= at - last < self._wait

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
        signature, known = self._memory.get(seen.key, _NOTHING)
        if what is not None and signature == seen.signature and what in known:
            found: T = known[what]
            return found
        found = look()
        if what is not None:
            self._remember(seen, what, at, found)
        return found

    def _remember(self, seen: Seen, what: Hashable, at: float, found: object) -> None:
        """Keep what was found until the file changes; not if it may change again within one tick of its clock."""
        if at - seen.changed_ns / _NANOSECONDS < _SAME_TICK_SECONDS:
            return
        signature, known = self._memory.get(seen.key, _NOTHING)
        if signature != seen.signature:
            known = {}
            self._memory[seen.key] = (seen.signature, known)
        known[what] = found
