"""Which records came already: the hashes of what came within a stretch of time, and no more than so many.

It is a pure function of the stream from the place at which the oldest of it came: so it is not kept, but read again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.instant import Instant
from monitor.sampling import Hashes

MOST = 1_000_000
"""Records that are remembered at most, but for those of the last stretch: 8 bytes each."""
_PARTS = 8  # what is forgotten is forgotten an eighth of the time at once
_FEW_PIECES = 32
_SIEVE_BITS = 24
"""A sieve has a bit for 16 records: of those that did not come, one in 16 is looked for among them all."""
_TO_BIT = np.uint64(64 - _SIEVE_BITS)
_BYTE, _WITHIN, _ONE = np.uint64(3), np.uint64(7), np.uint8(1)


@dataclass(slots=True)
class Part:
    """What came in an eighth of the time, and where in the stream it begins."""

    number: int
    place: int
    sorted: Hashes = field(default_factory=lambda: np.empty(0, np.uint64))
    pieces: list[Hashes] = field(default_factory=list)
    count: int = 0

    def add(self, hashes: Hashes) -> None:
        """Take what came, rising."""
        self.pieces.append(hashes)
        self.count += len(hashes)
        if len(self.pieces) > _FEW_PIECES:
            self.sorted = np.unique(np.concatenate([self.sorted, *self.pieces]))
            self.pieces = []

    def holds(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Say which came already."""
        found = _among(hashes, self.sorted)
        for piece in self.pieces:
            found |= _among(hashes, piece)
        return found


class Sieve:
    """Tells quickly of most that did not come that they did not."""

    def __init__(self) -> None:
        self._bits = np.zeros(2**_SIEVE_BITS // 8, np.uint8)

    def add(self, hashes: Hashes) -> None:
        """Take what came."""
        place, bit = _bits(hashes)
        np.bitwise_or.at(self._bits, place, bit)

    def may_hold(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Say which may have come."""
        place, bit = _bits(hashes)
        found: NDArray[np.bool_] = (self._bits[place] & bit) != 0
        return found

    def keep(self, parts: Iterable[Part]) -> None:
        """Hold only what is in some parts."""
        self._bits[:] = 0
        for part in parts:
            for piece in (part.sorted, *part.pieces):
                self.add(piece)


def _bits(hashes: Hashes) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    bits = hashes >> _TO_BIT
    return (bits >> _BYTE).astype(np.intp), _ONE << (bits & _WITHIN).astype(np.uint8)


def came_again(hashes: Hashes, parts: Sequence[Part], sieve: Sieve) -> NDArray[np.bool_]:
    """Say which hashes are in some parts, or come earlier among themselves; all are added to the last part."""
    order = np.argsort(hashes)
    ordered = hashes[order]
    again = np.concatenate(([False], ordered[1:] == ordered[:-1]))[: len(hashes)]
    if again.any():  # then the first of them is the one that came first
        order = np.argsort(hashes, kind="stable")
    maybe = sieve.may_hold(ordered)
    needles = ordered[maybe]
    for part in parts:
        again[maybe] |= part.holds(needles)
    found = np.empty(len(hashes), np.bool_)
    found[order] = again
    parts[-1].add(ordered)
    sieve.add(ordered)
    return found


class Remembered:
    """What came within ``length`` microseconds, give or take an eighth; nothing if that is 0."""

    def __init__(self, length: int, most: int = MOST) -> None:
        self._step = max(1, length // _PARTS) if length else 0
        self._most = most
        self._parts: deque[Part] = deque()
        self._sieve = Sieve()

    def since(self, place: int) -> int:
        """Return from where the stream is to be read again to remember the same; ``place`` is where it goes on."""
        return min(self._parts[0].place, place) if self._parts else place

    def part(self, at: Instant) -> int:
        """Return which stretch of time an instant belongs to; what belongs to one can be looked at together."""
        return at // self._step if self._step else 0

    def repeats(self, hashes: Hashes, at: Instant, place: int) -> NDArray[np.bool_]:
        """Say which came already, also earlier among themselves, and remember all of them.

        Parameters
        ----------
        hashes: of what came within one stretch of time, (n,). at, place: when, and where in the stream, the first did.
        """
        if not self._step:
            return np.zeros(len(hashes), np.bool_)
        self._turn(self.part(at), place)
        return came_again(hashes, self._parts, self._sieve)

    def _turn(self, number: int, place: int) -> None:
        """Begin a stretch of time, and forget what is too old or too much."""
        if self._parts and self._parts[-1].number >= number:  # a clock that goes back forgets nothing
            return
        before = len(self._parts)
        while self._parts and self._parts[0].number < number - _PARTS:
            self._parts.popleft()
        while sum(part.count for part in self._parts) > self._most:
            self._parts.popleft()
        if len(self._parts) < before:
            self._sieve.keep(self._parts)
        self._parts.append(Part(number, place))


def _among(hashes: Hashes, known: Hashes) -> NDArray[np.bool_]:
    if not len(known):
        return np.zeros(len(hashes), np.bool_)
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    found: NDArray[np.bool_] = known[places] == hashes
    return found
