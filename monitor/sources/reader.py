"""Read one block of whole lines from a file, in memory bounded by the block and the longest line allowed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

_NEWLINE = b"\n"
_FIRST_BYTES = 2**16


class Bytes(Protocol):
    """A file, or the stream that a compressed file holds."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; fewer only where the data ends."""
        ...

    def next_data(self, offset: int) -> int | None:
        """Return where data begins at or after an offset; ``None`` if there is none."""
        ...

    def size(self, most: int) -> int:
        """Return how many bytes there are, or ``most`` if that cannot be told without reading them."""
        ...


@dataclass(frozen=True, slots=True)
class Plain:
    """A file as it is."""

    descriptor: int

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; fewer only where the file ends."""
        parts: list[bytes] = []
        while length > 0 and (part := os.pread(self.descriptor, length, offset)):
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def next_data(self, offset: int) -> int | None:
        """Jump over a hole, however long, without reading it."""
        try:
            return os.lseek(self.descriptor, offset, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but a hole up to the end
            return None

    def size(self, most: int) -> int:
        """Return the file's size, at most ``most``."""
        return min(most, os.fstat(self.descriptor).st_size)


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, or what was skipped on the way to them.

    Attributes
    ----------
    data: the lines; empty if there was nothing but what is skipped.
    start: where the data begins.
    next: where to go on.
    inside: going on is within a line that is too long.
    too_long: where lines that are too long begin.
    """

    data: bytes
    start: int
    next: int
    inside: bool = False
    too_long: tuple[int, ...] = ()
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read at once, and the longest line, in bytes."""

    block: int
    line: int

    def at_once(self, block: int) -> Limits:
        """Return the same limits for smaller blocks."""
        return Limits(block, self.line)


def read_block(
    source: Bytes, offset: int, limits: Limits, *, inside: bool = False, final: bool = False
) -> Block | None:
    """Read from a line's begin (or from inside one that is too long) up to a newline.

    ``final`` takes an unterminated last line as whole. Returns ``None`` if no line is complete.
    """
    chunk = max(limits.block, limits.line + 1)
    begin = source.next_data(offset)
    if begin is None:
        return None
    data = source.read_at(begin, chunk)
    ended = len(data) < chunk
    if inside:
        return _leave(data, begin, ended=ended)
    return _whole_lines(data, begin, ended=ended, final=final)


def _whole_lines(data: bytes, begin: int, *, ended: bool, final: bool) -> Block | None:
    data, start = _without_nuls(data, begin)
    cut = data.rfind(_NEWLINE) + 1
    if cut:
        return Block(data[:cut], start, start + cut, ended=ended and cut == len(data))
    if ended:
        return Block(data, start, start + len(data), ended=True) if final and data else None
    if start > begin:
        return Block(b"", start, start)
    return Block(b"", start, start + len(data), inside=True, too_long=(start,))


def _leave(data: bytes, begin: int, *, ended: bool) -> Block | None:
    """Go on to the end of a line that is too long."""
    cut = data.find(_NEWLINE) + 1
    if cut:
        return Block(b"", begin, begin + cut, ended=ended and cut == len(data))
    return Block(b"", begin, begin + len(data), inside=True, ended=ended) if data else None


def _without_nuls(data: bytes, begin: int) -> tuple[bytes, int]:
    """Drop the zeros that a writer leaves before its first line after its file was truncated."""
    if not data.startswith(b"\x00"):
        return data, begin
    rest = data.lstrip(b"\x00")
    return rest, begin + len(data) - len(rest)


def first_line(source: Bytes, limits: Limits, *, final: bool) -> Block | None:
    """Read the first line that is not blank; ``None`` if it is not complete.

    A line that is too long comes without an end.
    """
    begin = source.next_data(0)
    if begin is None:
        return None
    for length in (_FIRST_BYTES, limits.line + 1):
        data, start = _without_nuls(source.read_at(begin, length), begin)
        blank = len(data) - len(data.lstrip(b"\r\n"))
        cut = data.find(_NEWLINE, blank) + 1
        if cut:
            return Block(data[blank:cut], start + blank, start + cut)
        if len(data) < length:
            whole = final and len(data) > blank
            return Block(data[blank:], start + blank, start + len(data)) if whole else None
    return Block(data, start, start + len(data))
