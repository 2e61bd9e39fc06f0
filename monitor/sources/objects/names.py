"""Which objects were read: eight bytes of each name and four of its state, in positions of bounded size.

Every position keeps the names of so many objects, in the order in which they were read; the last one grows. Where there
are too many, the oldest that lie wholly before what is unread are forgotten: objects that were last changed no later
than the newest of those count as read from then on.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from monitor.sampling import text_hashes
from monitor.sources.objects.store import Entry
from monitor.sources.position import Position

MOST = 2_000_000
"""Names that are kept, about: 12 bytes each, 16 in the state."""
PER_POSITION = 512
_MERGED = 4096
_UNREAD_BIT = np.uint32(1)  # of an object that was refused whole: once it is another, it may be read


def state_of(entry: Entry, *, unread: bool = False) -> int:
    """Return 32 bits of what an object is known again by, the last of which says that nothing of it was read."""
    digest = blake2b(f"{entry.changed}:{entry.size}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") & ~1 | int(unread)


def _packed(names: Mapping[int, int]) -> str:
    hashes = np.fromiter(names.keys(), "<u8", len(names))
    states = np.fromiter(names.values(), "<u4", len(names))
    return b64encode(hashes.tobytes() + states.tobytes()).decode("ascii")


def _unpacked(text: str) -> dict[int, int]:
    data = b64decode(text)
    count = len(data) // 12
    hashes, states = np.frombuffer(data, "<u8", count), np.frombuffer(data, "<u4", count, 8 * count)
    return dict(zip(hashes.tolist(), states.tolist(), strict=True))


@dataclass(slots=True)
class Told:
    """What is known of some objects, one place each: was it read, is it another by now, may it be read again."""

    known: NDArray[np.bool_]
    changed: NDArray[np.bool_]
    again: NDArray[np.bool_]

    def unread(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return those that are to be read."""
        wanted = (self.again | ~self.known).tolist()
        return [entry for entry, is_wanted in zip(entries, wanted, strict=True) if is_wanted]


class Names:
    """The names of what was read, as positions have them."""

    def __init__(self, positions: Mapping[str, Position], most: int = MOST) -> None:
        self._most = most
        self._load(positions)

    def _load(self, positions: Mapping[str, Position]) -> None:
        self._ordered = sorted(positions, key=lambda key: positions[key].inode)
        self._positions = {key: positions[key] for key in self._ordered}
        self.floor = max((each.floor for each in self._positions.values() if each.floor is not None), default=-1)
        self._hashes, self._states = np.empty(0, np.uint64), np.empty(0, np.uint32)
        self._recent: dict[int, int] = {}
        for key in self._ordered:
            self._recent |= _unpacked(self._positions[key].names or "")
            self._merge(_MERGED)

    def __len__(self) -> int:
        return len(self._hashes) + len(self._recent)

    def _merge(self, least: int) -> None:
        """Put what came lately among the sorted; what came later counts."""
        if len(self._recent) < least:
            return
        fresh = np.fromiter(self._recent.keys(), np.uint64, len(self._recent))
        states = np.fromiter(self._recent.values(), np.uint32, len(self._recent))
        kept = ~np.isin(self._hashes, fresh)
        hashes = np.concatenate([self._hashes[kept], fresh])
        order = np.argsort(hashes)
        self._hashes, self._states = hashes[order], np.concatenate([self._states[kept], states])[order]
        self._recent = {}

    @property
    def last(self) -> Position | None:
        """Return the position that was kept last."""
        return self._positions[self._ordered[-1]] if self._ordered else None

    def look_up(self, listed: Sequence[Entry]) -> Told:
        """Say of each object whether it was read."""
        hashes = text_hashes(entry.key for entry in listed)
        states = np.fromiter((state_of(entry) for entry in listed), np.uint32, len(listed))
        changes = np.fromiter((entry.changed for entry in listed), np.int64, len(listed))
        places = np.minimum(np.searchsorted(self._hashes, hashes), max(len(self._hashes) - 1, 0))
        found = np.zeros(len(listed), np.uint32)
        known = np.zeros(len(listed), np.bool_)
        if len(self._hashes):
            known = self._hashes[places] == hashes
            found = np.where(known, self._states[places], 0).astype(np.uint32)
        if self._recent:
            for place, value in enumerate(hashes.tolist()):
                if value in self._recent:
                    known[place], found[place] = True, self._recent[value]
        changed = known & ((found | _UNREAD_BIT) != (states | _UNREAD_BIT))
        again = changed & ((found & _UNREAD_BIT) != 0)
        return Told(known | (changes <= self.floor), changed & ~again, again)

    def begun(self, entry: Entry, oldest_unread: int) -> tuple[str, Position]:
        """Return the position to read an object with, from its begin.

        Parameters
        ----------
        oldest_unread: when the oldest of what is not read was changed; nothing as young as that is forgotten.
        """
        if not self._ordered:
            return "objects-0", Position(entry.key, entry.changed, 0, size=entry.size, names="")
        last = self._positions[self._ordered[-1]]
        fresh = Position(
            entry.key,
            entry.changed,
            last.inode,
            size=entry.size,
            names=last.names,
            recent=last.recent,
            since=last.since,
            floor=last.floor,
        )
        if _count(last) < PER_POSITION:
            return self._ordered[-1], fresh
        fresh = replace(fresh, inode=last.inode + 1, names="", since=None)
        oldest = self._ordered[0]
        since = self._positions[oldest].since
        if len(self) > self._most and since is not None and since < oldest_unread:
            return oldest, replace(fresh, floor=max(self.floor, since))
        return f"objects-{len(self._ordered)}", replace(fresh, floor=None)

    def with_name(self, at: Position, *entries: Entry, unread: bool = False) -> Position:
        """Return a position with the names of these objects more."""
        hashes = text_hashes(entry.key for entry in entries).tolist()
        states = [state_of(entry, unread=unread) for entry in entries]
        names = _unpacked(at.names or "") | dict(zip(hashes, states, strict=True))
        return replace(at, names=_packed(names), since=max([at.since or 0, *(entry.changed for entry in entries)]))

    def keep(self, key: str, at: Position) -> None:
        """Take a position as it is kept."""
        before = self._positions.get(key)
        if before is not None and before.inode != at.inode:
            self._load({**self._positions, key: at})  # and forget the names that it had
            return
        if before is None:
            self._ordered.append(key)
        self._positions[key] = at
        if before is None or before.names != at.names:
            self._recent |= _unpacked(at.names or "")
            self._merge(_MERGED)


def _count(at: Position) -> int:
    return len(at.names or "") * 3 // 4 // 12
