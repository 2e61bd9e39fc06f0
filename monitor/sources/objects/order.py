"""Which unread object is read next: of those next in each folder, the one whose records begin first.

What lies in one folder is taken to be in order of time by its keys, but for so many objects next to each other that
writers wrote side by side; and so are the folders, but for so many of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from monitor.instant import Instant
from monitor.sources.objects.store import Entry

_FOLDERS, _AHEAD = 32, 16
NEVER: Instant = -(2**63)


class Order:
    """The unread objects.

    Parameters
    ----------
    first: returns the event time at which an object begins, or ``None``.
    """

    def __init__(self, entries: Iterable[Entry], first: Callable[[Entry], Instant | None]) -> None:
        self._first = first
        self._folders: OrderedDict[str, OrderedDict[str, Entry]] = OrderedDict()
        self._begins: dict[Entry, Instant | None] = {}
        for entry in entries:
            self._folders.setdefault(entry.key.rpartition("/")[0], OrderedDict())[entry.key] = entry

    def __bool__(self) -> bool:
        return bool(self._folders)

    def __iter__(self) -> Iterator[Entry]:
        return (entry for held in self._folders.values() for entry in held.values())

    def of(self, entries: Iterable[Entry]) -> Order:
        """Return the order of other objects, of which some are known already."""
        other = Order(entries, self._first)
        other._begins = {entry: self._begins[entry] for entry in other if entry in self._begins}
        return other

    def drop(self, entry: Entry) -> None:
        """Take out an object that is read, or is none any more."""
        folder = entry.key.rpartition("/")[0]
        held = self._folders.get(folder)
        if held is not None:
            held.pop(entry.key, None)
            if not held:
                del self._folders[folder]
        self._begins.pop(entry, None)

    def _candidates(self) -> list[Entry]:
        heads = islice(self._folders.values(), _FOLDERS)
        return [entry for held in heads for entry in islice(held.values(), _AHEAD)]

    def _begin(self, entry: Entry) -> Instant | None:
        if entry not in self._begins:
            self._begins[entry] = self._first(entry)
        return self._begins[entry]

    def next(self) -> Entry | None:
        """Return the object to read; one of which no record is known comes first, to be done with."""
        found = self._candidates()
        if len(found) <= 1:  # one alone need not be opened for it
            return next(iter(found), None)
        begins = [(at if (at := self._begin(entry)) is not None else NEVER, entry.key, entry) for entry in found]
        return min(begins, key=lambda each: each[:2])[2]

    def hold(self, but: str) -> Instant | None:
        """Return the earliest begin of the others; ``None`` without one."""
        begins = (self._begin(entry) for entry in self._candidates() if entry.key != but)
        return min((at for at in begins if at is not None), default=None)
