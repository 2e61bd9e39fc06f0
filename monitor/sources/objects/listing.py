"""Look through a bucket for what is not read yet: folder by folder, in the order of keys, in bits of time."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from monitor.sources.objects.names import Names
from monitor.sources.objects.pattern import Pattern
from monitor.sources.objects.store import Entry, Store, Unreachable

MOST_UNREAD = 50_000
"""Objects that are held as unread at once; where there are more, it is looked again once those are read."""
_AT_ONCE = 10_000
_RECENT = 3


@dataclass(slots=True)
class Found:
    """What a look found.

    Attributes
    ----------
    unread: objects to read, in the order of their keys. changed: those that are others than when they were read.
    listed, listed_bytes: all that is meant, read or not. folders: how many were looked in.
    more: there are more unread ones. oldest: when the oldest unread one was changed.
    """

    unread: list[Entry] = field(default_factory=list)
    changed: list[Entry] = field(default_factory=list)
    listed: int = 0
    listed_bytes: int = 0
    folders: int = 0
    more: bool = False
    oldest: int = 2**63 - 1


def walk(store: Store, pattern: Pattern, *, recent: bool) -> Iterator[list[Entry]]:
    """Yield the objects that are meant, folder by folder; of each folder with ``recent`` only the last ones below it.

    Raises
    ------
    Unreachable: a folder cannot be listed.
    """
    waiting = [(pattern.base if not pattern.path.startswith("/") else f"/{pattern.base}", pattern.begin)]
    while waiting:
        path, places = waiting.pop()
        entries = list(store.folder(path))
        _refuse_tables(entries)
        folders = [
            (entry.key, below)
            for entry in entries
            if entry.is_folder and (below := pattern.below(places, entry.key.rpartition("/")[2]))
        ]
        folders.sort(key=lambda each: each[0], reverse=True)
        waiting += folders[:_RECENT] if recent else folders
        yield [e for e in entries if not e.is_folder and pattern.is_meant(places, e.key.rpartition("/")[2])]


def _refuse_tables(entries: Iterable[Entry]) -> None:
    """Refuse the folder of a table whose files are written anew from time to time: rows would count again.

    Raises
    ------
    Unreachable: it is one.
    """
    for entry in entries:
        if entry.is_folder and entry.key.endswith("/_delta_log"):
            raise Unreachable(_IS_TABLE.format("a Delta", "delta"))
        if re.search(r"/metadata/[^/]+\.metadata\.json$", entry.key):
            raise Unreachable(_IS_TABLE.format("an Iceberg", "iceberg"))


_IS_TABLE = "is {} table, whose files are written anew when they are compacted; expected type: {}"


class Look:
    """One look, carried on bit by bit."""

    def __init__(self, store: Store, pattern: Pattern, names: Names, *, recent: bool, most: int = MOST_UNREAD) -> None:
        self._walk = walk(store, pattern, recent=recent)
        self._names, self._most = names, most
        self.recent = recent
        self.found = Found()

    def go_on(self) -> bool:
        """Look into one folder more; say whether there was one.

        Raises
        ------
        Unreachable: it cannot be listed.
        """
        entries = next(self._walk, None)
        if entries is None:
            self.found.unread.sort(key=lambda entry: entry.key)
            if self.found.more:  # what is dropped must lie behind all that is held
                del self.found.unread[self._most :]
            return False
        self.found.folders += 1
        for first in range(0, len(entries), _AT_ONCE):
            self._sort(entries[first : first + _AT_ONCE])
        return True

    def _sort(self, entries: list[Entry]) -> None:
        found = self.found
        found.listed += len(entries)
        found.listed_bytes += sum(entry.size for entry in entries)
        told = self._names.look_up(entries)
        new = told.unread(entries)
        found.changed += [entry for entry, changed in zip(entries, told.changed.tolist(), strict=True) if changed]
        found.oldest = min([found.oldest, *(entry.changed for entry in new)])
        found.unread += new
        if len(found.unread) > 2 * self._most:
            found.unread, found.more = heapq.nsmallest(self._most, found.unread, key=lambda entry: entry.key), True
