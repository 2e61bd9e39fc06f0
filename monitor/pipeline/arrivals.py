"""Which stretches of time new targets belong to: found by hash, so that only windows that they concern are scored anew.

Of each answer that waits the upper half of its id's hash is held, and whose it is, 6 bytes in all: of a million answers
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
_Owned: TypeAlias = tuple[NDArray[np.uint32], NDArray[np.uint16]]
_NOTHING: _Owned = np.zeros(0, np.uint32), np.zeros(0, np.uint16)
_HALF = np.uint64(32)
_FOLD = 8
"""What was added to a run since it was sorted last is merged in once it is so small a part of it."""
_RUN_ANSWERS = 2**20
"""A run is closed at so many answers: to merge millions at once would take several times their memory."""
_RUN_STRETCHES = 2**16
"""More owners have no number of 16 bits."""


@dataclass(slots=True)
class _Run:
    """Answers of stretches that came one after the other, sorted but for the newest.

    Attributes
    ----------
    stretches: each under its number; ``None`` where it waits no longer. ``answers``: how many came with them.
    sorted, fresh: halves of hashes, and the numbers of those whose they are: merged, and yet to be.
    """

    stretches: list[Stretch | None] = field(default_factory=list)
    answers: int = 0
    sorted: _Owned = field(default_factory=lambda: _NOTHING)
    fresh: _Owned = field(default_factory=lambda: _NOTHING)

    @property
    def is_full(self) -> bool:
        """Say whether the next stretch begins another run."""
        return self.answers >= _RUN_ANSWERS or len(self.stretches) >= _RUN_STRETCHES

    @property
    def is_over(self) -> bool:
        """Say whether none of its stretches waits."""
        return not any(self.stretches)

    def add(self, stretch: Stretch, hashes: Hashes) -> int:
        """Take up a stretch; return its number."""
        number = len(self.stretches)
        self.stretches.append(stretch)
        self.answers += len(hashes)
        added = (hashes >> _HALF).astype(np.uint32), np.full(len(hashes), number, np.uint16)
        self.fresh = _joined(self.fresh, added)
        if len(self.fresh[0]) * _FOLD > len(self.sorted[0]):
            self.sorted, self.fresh = _joined(self.sorted, self.fresh), _NOTHING
        return number

    def concerned(self, wanted: NDArray[np.uint32]) -> set[Stretch]:
        """Return the stretches that have one of the halves, which are sorted."""
        hits = _owners_of(wanted, self.sorted) | _owners_of(wanted, self.fresh)
        return {stretch for hit in hits if (stretch := self.stretches[hit]) is not None}


@dataclass(slots=True)
class WaitingIds:
    """The answers that wait for their targets, by the upper half of their hash, in runs of about a million.

    A run is let go of when none of its stretches waits any more: they come and mostly go in the order of time.
    """

    _runs: list[_Run] = field(default_factory=list)
    _places: dict[Stretch, tuple[_Run, int]] = field(default_factory=dict)

    def __contains__(self, stretch: Stretch) -> bool:
        return stretch in self._places

    def add(self, stretch: Stretch, hashes: Hashes) -> None:
        """Let the answers of a stretch wait."""
        if not self._runs or self._runs[-1].is_full:
            self._runs.append(_Run())
        self._places[stretch] = self._runs[-1], self._runs[-1].add(stretch, hashes)

    def drop(self, stretch: Stretch) -> None:
        """Let a stretch wait no longer."""
        run, number = self._places.pop(stretch, (None, 0))
        if run is not None:
            run.stretches[number] = None
            if run.is_over:
                self._runs = [each for each in self._runs if each is not run]

    def concerned(self, targets: Hashes) -> set[Stretch]:
        """Return the stretches that have an answer with the hash of one of the targets."""
        wanted = np.unique((targets >> _HALF).astype(np.uint32))
        return {stretch for run in self._runs for stretch in run.concerned(wanted)}


def _joined(one: _Owned, other: _Owned) -> _Owned:
    """Return both, sorted by half."""
    halves, owners = np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]])
    order = np.argsort(halves, kind="stable")
    return halves[order], owners[order]


def _owners_of(wanted: NDArray[np.uint32], owned: _Owned) -> set[int]:
    """Return the owners of those wanted; both they and the halves are sorted."""
    halves, owners = owned
    first, last = (np.searchsorted(halves, wanted, side=side) for side in ("left", "right"))
    hit = first < last
    once = hit & (last - first == 1)
    many = zip(first[hit & ~once].tolist(), last[hit & ~once].tolist(), strict=True)
    return {*np.unique(owners[first[once]]).tolist(), *(owner for a, b in many for owner in owners[a:b].tolist())}


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
