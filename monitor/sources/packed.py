"""The stream that a gzip or zstd file holds, read forward in bounded memory.

A position in the stream is bytes after unpacking. Going back means unpacking from the begin again, so a
stream is kept open between two reads; memory is bounded by what is asked for, whatever it unpacks to.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from monitor.sources.formats import Packing

_STEP = 2**18
_NARROWER = 64  # after a failure, read on in steps so many times smaller, to get all that comes before it
_LOOK_BACK = 1024


class Packed(Protocol):
    """The packed bytes, wherever they lie."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; fewer only where the data ends."""
        ...

    def close(self) -> None:
        """Give them back."""


@dataclass(frozen=True, slots=True)
class _Own:
    """A descriptor of its own."""

    descriptor: int

    def read_at(self, offset: int, length: int) -> bytes:
        return os.pread(self.descriptor, length, offset)

    def close(self) -> None:
        os.close(self.descriptor)


class _Forward(io.RawIOBase):
    """Packed bytes read from their begin, with an offset of its own."""

    def __init__(self, packed: Packed) -> None:
        self._packed = packed
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        part = self._packed.read_at(self._at, size if size >= 0 else _STEP)
        self._at += len(part)
        return part

    def readable(self) -> bool:
        return True


class Inflated:
    """The unpacked bytes of a file; of a descriptor it takes one of its own.

    Attributes
    ----------
    damage: why nothing more can be unpacked, or ``None``: ``truncated`` if the stream just stops, as while
        it is written; ``damaged`` if it is no such stream.
    """

    def __init__(self, packed: int | Packed, packing: Packing) -> None:
        self._packed: Packed = _Own(os.dup(packed)) if isinstance(packed, int) else packed
        self._packing = packing
        self._restart()

    def _restart(self) -> None:
        self._stream = self._opened()
        self._kept = bytearray()
        self._begin = 0  # where in the stream the kept bytes begin
        self._ended = False
        self.damage: str | None = None

    def _opened(self) -> pa.CompressedInputStream:
        return pa.CompressedInputStream(pa.PythonFile(_Forward(self._packed), mode="r"), self._packing.value)

    def close(self) -> None:
        """Give the file back."""
        self._stream.close()
        self._packed.close()

    def next_data(self, offset: int) -> int | None:
        """Return the offset itself: a stream has no holes."""
        return offset

    def size(self, most: int) -> int:
        """Return ``most``: how much a stream holds is known at its end only."""
        return most

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; fewer only where the stream ends or is damaged."""
        if offset < self._begin:
            self._restart()
        while not self._ended and self._begin + len(self._kept) < offset + length:
            self._kept += self._step()
            self._forget(offset - _LOOK_BACK)
        first = offset - self._begin
        return bytes(self._kept[first : first + length])

    def _forget(self, before: int) -> None:
        spare = min(before - self._begin, len(self._kept))
        if spare > 0:
            self._begin += spare
            del self._kept[:spare]

    def _step(self) -> bytes:
        try:
            part: bytes = self._stream.read(_STEP)
        except OSError as error:
            self._ended = True
            self.damage = "truncated" if "runcated" in str(error) else "damaged"
            return self._rescued(self._begin + len(self._kept))
        self._ended = not part
        return part

    def _rescued(self, begin: int) -> bytes:
        """Unpack again what comes after ``begin`` and before the damage: at most one step."""
        rescued = b""
        step = _STEP // _NARROWER
        while step:
            rescued += self._until_damage(begin + len(rescued), step)
            step //= _NARROWER
        return rescued

    def _until_damage(self, begin: int, step: int) -> bytes:
        found = bytearray()
        with self._opened() as stream:
            try:
                while begin > 0:
                    begin -= len(stream.read(min(_STEP, begin)))
                while part := stream.read(step):
                    found += part
            except OSError:
                pass
        return bytes(found)
