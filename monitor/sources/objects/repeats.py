"""Which records came already in an object that was put about as long ago.

What is remembered is a pure function of the last objects: so it is not kept, but those are read again after a start.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from monitor.record import Decoded, Layout, Reason, Rejected
from monitor.sources.objects.store import Entry
from monitor.sources.same import record_hashes
from monitor.sources.spool.remembered import Part, Sieve, came_again

MOST_RECORDS, _MOST_OBJECTS = 1_000_000, 64


@dataclass(frozen=True, slots=True)
class _Held:
    entry: Entry
    part: Part = field(default_factory=lambda: Part(0, 0))


class Repeats:
    """The records of the objects that were put within ``length`` nanoseconds of the last one; of none if that is 0."""

    def __init__(self, layout: Layout, length: int, most: int = MOST_RECORDS) -> None:
        self._layout, self._length, self._most = layout, length, most
        self._held: deque[_Held] = deque()
        self._sieve = Sieve()

    @property
    def recent(self) -> tuple[str, ...]:
        """Return the objects that are remembered, in the order in which they were read."""
        return tuple(f"{held.entry.changed}:{held.entry.size}:{held.entry.key}" for held in self._held)

    def recover(self, recent: Iterable[str], read: Callable[[Entry], Iterable[Decoded]]) -> None:
        """Remember again what stood in objects, each of which is read."""
        if not self._length:
            return
        for text in recent:
            changed, size, key = text.split(":", 2)
            held = _Held(Entry(key, int(size), int(changed)))
            self._held.append(held)
            for decoded in read(held.entry):
                hashes = np.sort(record_hashes(decoded.table, self._layout))
                held.part.add(hashes)
                self._sieve.add(hashes)

    def begin(self, entry: Entry) -> None:
        """Forget what was put too long before or after an object, or is too much, and begin with that."""
        if not self._length:
            return
        before = len(self._held)
        near = [held for held in self._held if abs(held.entry.changed - entry.changed) <= self._length]
        self._held = deque(near[1 - _MOST_OBJECTS :])
        while sum(held.part.count for held in self._held) > self._most:
            self._held.popleft()
        if len(self._held) < before:
            self._sieve.keep(held.part for held in self._held)
        self._held.append(_Held(entry))

    def without(self, decoded: Decoded, entry: Entry, offset: int) -> Decoded:
        """Refuse the records that came already, and remember the others."""
        if not self._held or not decoded.table.num_rows:
            return decoded
        hashes = record_hashes(decoded.table, self._layout)
        again = came_again(hashes, [held.part for held in self._held], self._sieve)
        if not again.any():
            return decoded
        refused = [Rejected(Reason.DUPLICATE, entry.key, offset, "its id came already")] * int(again.sum())
        return replace(decoded, table=decoded.table.filter(pa.array(~again)), rejected=(*decoded.rejected, *refused))
