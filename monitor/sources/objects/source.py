"""Objects of a bucket as a source: each is read once, from its begin to its end, before the next."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from monitor.errors import SourceUnavailable
from monitor.record import Decoded, Layout
from monitor.sources.agenda import is_kept
from monitor.sources.batch import Batch
from monitor.sources.dialects.settings import CONTAINERS
from monitor.sources.formats import Format
from monitor.sources.objects.batches import advanced, batch_of, lost, replaced
from monitor.sources.objects.listing import Found, Look
from monitor.sources.objects.names import Names
from monitor.sources.objects.opened import Shelf
from monitor.sources.objects.order import Order
from monitor.sources.objects.pattern import Pattern
from monitor.sources.objects.repeats import Repeats
from monitor.sources.objects.settings import ObjectsSettings
from monitor.sources.objects.store import Entry, Gone, Store, Unreachable, open_store
from monitor.sources.position import Position
from monitor.sources.reader import Limits

_RETRY_SECONDS, _MOST_RETRY_SECONDS = 1.0, 60.0
_REUSED_TIMES = 10  # looking takes at most a tenth of the time
_MOST_APART_SECONDS = 3600.0
_SLICE_SECONDS, _BESIDE_SECONDS = 1.0, 0.1
_SECOND = 1_000_000_000


class ObjectStoreSource:
    """Reads what one path means; what a read returns depends on what lies there and the positions alone.

    Parameters
    ----------
    layout: what to take from each record. root: where a relative path starts. block_bytes: how much is read at once.
    at_rest: nobody writes any more, as for a replay: nothing is waited for.
    store: where the objects lie; by default as the settings say. clock: seconds since 1970, as objects' times.
    """

    def __init__(
        self,
        settings: ObjectsSettings,
        layout: Layout,
        root: Path,
        block_bytes: int = 4 * 2**20,
        *,
        at_rest: bool = False,
        store: tuple[Store, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._layout, self._root = settings, layout, root
        self._at_rest, self._clock = at_rest, clock
        given = Format(settings.format) if settings.format in CONTAINERS else None
        self._dedup = settings.dedup_nanoseconds
        self._shelf = Shelf(layout, Limits(block_bytes, settings.max_line), given)
        self._store, self._pattern = None if store is None else store[0], Pattern(store[1] if store else "")
        self._names: Names | None = None
        self._handed: tuple[str, Position] | None = None
        self._current: tuple[str, Position, Entry] | None = None
        self._begin_anew()
        self._trouble: str | None = None
        self._failures, self._retry_at = 0, 0.0
        self._surveyed: Found | None = None

    def _begin_anew(self) -> None:
        self._order = Order((), lambda entry: self._shelf.first(self._opened_store(), entry))
        self._changed = list[Entry]()
        self._aside: dict[str, str] = {}
        self._repeats = Repeats(self._layout, self._dedup)
        self._look: Look | None = None
        self._found: Found | None = None
        self._look_at = self._look_at_all = self._looked_seconds = 0.0

    def close(self) -> None:
        """Give back what is open."""
        self._shelf.close()

    def matches(self) -> list[Path]:
        """Return none: an object is no file."""
        return []

    @property
    def away(self) -> bool:
        """Say whether there may be records that cannot be had now."""
        return self._trouble is not None or self._found is None or bool(self._aside)

    def problem(self) -> str | None:
        """Say why objects cannot be read now; that there are none yet is told too."""
        if self._trouble is None and self._found is None and self._surveyed is None:
            self.survey()
        told = [(self._settings.path, self._trouble)] if self._trouble else sorted(self._aside.items())
        if told:
            return ": ".join(told[0])
        found = self._found or self._surveyed
        return None if found is None or found.listed else f"no object matches {self._settings.path}"

    def survey(self, seconds: float = 5.0) -> tuple[Found, bool] | None:
        """Look through what lies there, for so long at most; say if that was all. ``None``: it cannot be listed."""
        try:
            store = self._opened_store()
            look, until = Look(store, self._pattern, Names({}), recent=False), self._clock() + seconds
            ended = False
            while not ended and self._clock() < until:
                ended = not look.go_on()
        except Unreachable as error:
            self._trouble = str(error)
            return None
        self._surveyed = look.found
        return look.found, ended

    def read(self, positions: Mapping[str, Position]) -> Batch | None:
        """Read what comes next of the object that is being read, or the first of another.

        Raises
        ------
        SourceUnavailable: of what is at rest, and is to be read to its end, something cannot be read.
        """
        if self._clock() < self._retry_at:
            return None
        try:
            batch = self._read(positions)
        except Unreachable as error:
            self._fail(str(error))
            return None
        self._trouble, self._failures = None, 0
        return batch

    def _fail(self, why: str) -> None:
        """Note why nothing comes, and try again in a while that grows."""
        if self._at_rest:
            raise SourceUnavailable(f"{self._settings.path}: {why}", "see that the store can be reached, and try again")
        self._trouble = why
        self._shelf.close()
        self._look = None
        self._retry_at = self._clock() + min(_RETRY_SECONDS * 2**self._failures, _MOST_RETRY_SECONDS)
        self._failures = min(self._failures + 1, 10)

    def _opened_store(self) -> Store:
        if self._store is None:
            self._store, path = open_store(self._settings, self._root)
            self._pattern = Pattern(path)
        return self._store

    def _read(self, positions: Mapping[str, Position]) -> Batch | None:
        looked, store, names = False, self._opened_store(), self._resumed(positions)
        while True:
            if self._current is not None:
                batch = self._next(store, names, *self._current)
                if batch is not None:
                    return batch
                continue
            if not looked or self._at_rest:
                self._go_on_looking(store, names)
                looked = True
            if self._changed:
                return self._tell_changed(names, self._changed.pop(0))
            entry = self._order.next()
            if entry is not None:
                self._current = (*names.begun(entry, self._oldest_unread()), entry)
            elif not (self._at_rest and self._is_due(self._clock())):
                return None

    def _resumed(self, positions: Mapping[str, Position]) -> Names:
        """Go on from what was handed out, where that was kept; else from the positions."""
        if self._handed is not None:
            key, at = self._handed
            kept = positions.get(key)
            if kept is not None and is_kept(kept, at) and self._names is not None:
                self._names.keep(key, kept)
                if self._current is not None:
                    self._current = (key, kept, self._current[2])
                self._handed = None
                return self._names
        elif self._names is not None:
            return self._names
        self._begin_anew()
        self._handed, self._names, names = None, None, Names(positions)
        begun = [(key, at) for key, at in positions.items() if not at.done]
        self._current = next(((key, at, Entry(at.path, at.size, at.device)) for key, at in begun), None)
        last = names.last
        if last is not None:
            self._repeats.recover(last.recent, lambda entry: self._read_again(entry, last))
        self._names = names  # only now: a store that fails meanwhile is asked for all of it again
        return names

    def _read_again(self, entry: Entry, last: Position) -> Iterator[Decoded]:
        """Read what was read of an object before."""
        end = last.offset if not last.done and last.path == entry.key else math.inf
        at = Position(entry.key, entry.changed, 0)
        try:
            content = self._shelf.content(self._opened_store(), entry)
            while not at.done and at.offset < end:
                piece = content.read(at)
                yield piece.decoded
                at = advanced(at, piece)
        except Gone:
            pass
        finally:
            self._shelf.done()

    def _oldest_unread(self) -> int:
        return self._found.oldest if self._found is not None else -1

    def _go_on_looking(self, store: Store, names: Names) -> None:
        """Look for objects, where that is due, for a while."""
        began = self._clock()
        if self._look is None:
            if not self._is_due(began):
                return
            recent = self._found is not None and began < self._look_at_all
            self._look, self._looked_seconds = Look(store, self._pattern, names, recent=recent), 0.0
        until = math.inf if self._at_rest else began + (_BESIDE_SECONDS if self._order else _SLICE_SECONDS)
        ended = False
        while not ended and self._clock() < until:
            ended = not self._look.go_on()
        now = self._clock()
        self._looked_seconds += now - began
        if ended:
            self._take(self._look, names, now)
            self._look = None

    def _is_due(self, now: float) -> bool:
        if self._at_rest:
            return self._found is None or (self._found.more and not self._order)
        return now >= self._look_at or (self._found is not None and self._found.more and not self._order)

    def _take(self, look: Look, names: Names, now: float) -> None:
        """Take what a look found, less what was read meanwhile."""
        every, found = self._settings.every.total_seconds(), look.found
        self._look_at = now + (max(every, self._looked_seconds * _REUSED_TIMES) if look.recent else every)
        if look.recent and self._found is not None:
            found.unread = sorted({*found.unread, *self._order}, key=lambda entry: entry.key)
            found.more, found.listed = self._found.more, self._found.listed
            found.oldest = min(found.oldest, self._found.oldest)
        else:
            self._look_at_all = now + min(max(every, self._looked_seconds * _REUSED_TIMES), _MOST_APART_SECONDS)
            self._aside = {}
        self._found = found
        self._order = self._order.of(names.look_up(found.unread).unread(found.unread))
        still = names.look_up(found.changed).changed.tolist()
        self._changed = [entry for entry, changed in zip(found.changed, still, strict=True) if changed]
        found.unread, found.changed = [], []

    def _next(self, store: Store, names: Names, key: str, at: Position, entry: Entry) -> Batch | None:
        """Read on in an object; ``None`` if nothing is to be told of it."""
        begins = at.cursor is None
        try:
            content = self._shelf.content(store, entry)
        except Gone:
            self._leave(entry)
            return None if begins else self._ended(names, key, at, entry)
        if not begins and content.opened.version != at.cursor:  # it is told of as changed once it is listed again
            self._leave(entry)
            return self._ended(names, key, at, entry)
        piece = content.read(at)
        unread = piece.fault is not None and not at.offset
        if unread and self._is_young(entry):
            self._aside[entry.key] = piece.fault or ""
            self._leave(entry)
            return None
        hold = self._order.hold(entry.key)
        if begins:
            self._repeats.begin(entry)
        decoded = self._repeats.without(piece.decoded, entry, at.offset)
        position = replace(advanced(at, piece), cursor=content.opened.version, recent=self._repeats.recent)
        if piece.done:
            position = names.with_name(position, entry, unread=unread)
            self._leave(entry)
        else:
            self._current = (key, position, entry)
        self._handed = (key, position)
        return batch_of(key, entry, position, decoded, hold=hold, begins=begins)

    def _leave(self, entry: Entry) -> None:
        self._order.drop(entry)
        self._shelf.done()
        self._current = None

    def _is_young(self, entry: Entry) -> bool:
        return not self._at_rest and self._clock() - entry.changed / _SECOND < self._settings.wait.total_seconds()

    def _ended(self, names: Names, key: str, at: Position, entry: Entry) -> Batch:
        """End an object whose rest can be had no more."""
        position = names.with_name(replace(at, done=True), entry)
        self._handed = (key, position)
        return lost(self._layout, key, position, entry)

    def _tell_changed(self, names: Names, entry: Entry) -> Batch:
        """Refuse, once, an object that is another than the one that was read."""
        key, at = names.begun(entry, self._oldest_unread())
        position = names.with_name(replace(at, done=True), entry)
        self._handed = (key, position)
        return replaced(self._layout, key, position, entry)
