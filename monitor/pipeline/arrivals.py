"""Which stretches of time new targets belong to: found by hash, so that only windows that they concern are scored anew.

Of each answer that waits the upper half of its id's hash is held, and whose it is, 4 bytes each: of a million answers
one target in four thousand seems to concern a stretch that it does not, which is then looked at for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.instant import Instant

Hashes: TypeAlias = NDArray[np.uint64]
Stretch: TypeAlias = tuple[str, Instant]
"""A version, and the end of a stretch of length ``every``."""
_HALF = np.uint64(32)
_FOLD = 8
"""What was added since the last merge is merged once it is so small a part of all."""


@dataclass(slots=True)
class WaitingIds:
    """The answers that wait for their targets, by the upper half of their hash."""

    _stretches: list[Stretch | None] = field(default_factory=list)
    _places: dict[Stretch, int] = field(default_factory=dict)
    _halves: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    _owners: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    _new_halves: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    _new_owners: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))

    def __contains__(self, stretch: Stretch) -> bool:
        return stretch in self._places

    def add(self, stretch: Stretch, hashes: Hashes) -> None:
        """Let the answers of a stretch wait."""
        self._places[stretch] = len(self._stretches)
        self._stretches.append(stretch)
        halves = np.concatenate([self._new_halves, (hashes >> _HALF).astype(np.uint32)])
        owner = np.full(len(hashes), len(self._stretches) - 1, np.uint32)
        order = np.argsort(halves, kind="stable")
        self._new_halves, self._new_owners = halves[order], np.concatenate([self._new_owners, owner])[order]
        if len(halves) * _FOLD > len(self._halves):
            self._merge()

    def drop(self, stretch: Stretch) -> None:
        """Let a stretch wait no longer."""
        place = self._places.pop(stretch, None)
        if place is not None:
            self._stretches[place] = None

    def concerned(self, targets: Hashes) -> set[Stretch]:
        """Return the stretches that have an answer with the hash of one of the targets."""
        wanted = np.unique((targets >> _HALF).astype(np.uint32))
        hits = _owners_of(wanted, self._halves, self._owners) | _owners_of(wanted, self._new_halves, self._new_owners)
        return {stretch for hit in hits if (stretch := self._stretches[hit]) is not None}

    def _merge(self) -> None:
        """Sort what was added in, and leave out what waits no longer."""
        owners = np.concatenate([self._owners, self._new_owners])
        halves = np.concatenate([self._halves, self._new_halves])
        live = [place for place, stretch in enumerate(self._stretches) if stretch is not None]
        renamed = np.full(len(self._stretches), len(self._stretches), np.uint32)
        renamed[live] = np.arange(len(live), dtype=np.uint32)
        kept = renamed[owners] < len(live) if len(owners) else np.zeros(0, np.bool_)
        order = np.argsort(halves[kept], kind="stable")
        self._halves, self._owners = halves[kept][order], renamed[owners[kept]][order]
        self._stretches = [self._stretches[place] for place in live]
        self._places = {stretch: place for place, stretch in enumerate(self._stretches) if stretch is not None}
        self._new_halves, self._new_owners = np.zeros(0, np.uint32), np.zeros(0, np.uint32)


def _owners_of(wanted: NDArray[np.uint32], halves: NDArray[np.uint32], owners: NDArray[np.uint32]) -> set[int]:
    """Return the owners of those wanted; both they and the halves are sorted."""
    first, last = (np.searchsorted(halves, wanted, side=side) for side in ("left", "right"))
    hit = first < last
    return {
        owner for a, b in zip(first[hit].tolist(), last[hit].tolist(), strict=True) for owner in owners[a:b].tolist()
    }


@dataclass(slots=True)
class Arrivals:
    """Hashes of targets that no close has looked at yet, by the end of the stretch in which they were known."""

    known: dict[Instant, list[Hashes]] = field(default_factory=dict)

    def add(self, known: Mapping[Instant, Hashes]) -> None:
        """Take up new targets."""
        for at, hashes in known.items():
            self.known.setdefault(at, []).append(hashes)

    def take(self, until: Instant) -> Hashes:
        """Return, once, those that are known at an instant."""
        due = sorted([at for at in self.known if at <= until])
        parts = [part for at in due for part in self.known.pop(at)]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint64)

    def to_bytes(self) -> bytes:
        """Return all of them as bytes."""
        pieces: list[Hashes] = []
        for at, parts in sorted(self.known.items()):
            hashes = np.concatenate(parts)
            pieces += [np.array([at & _MASK, len(hashes)], np.uint64), hashes]
        return b"".join(piece.astype("<u8").tobytes() for piece in pieces)

    @classmethod
    def from_bytes(cls, kept: bytes) -> Arrivals:
        """Return what :meth:`to_bytes` wrote."""
        flat, place, made = np.frombuffer(kept, "<u8"), 0, cls()
        while place < len(flat):
            at, number = int(flat[place].astype(np.int64)), int(flat[place + 1])
            made.known[at] = [flat[place + 2 : place + 2 + number].astype(np.uint64)]
            place += 2 + number
        return made


_MASK = 2**64 - 1


def by_stretch(at: Iterable[Instant], hashes: Hashes, every: int, first: Instant | None) -> dict[Instant, Hashes]:
    """Return the hashes of targets by the close at which each is first known.

    Parameters
    ----------
    at: when each was known, (n,). first: the next close; what was known before it comes too late for an earlier one.
    """
    ends = -(-np.fromiter(at, np.int64, len(hashes)) // every) * every
    ends = np.maximum(ends, ends if first is None else first)
    return {int(end): hashes[ends == end] for end in np.unique(ends)}
