"""Read a spool forward from any place at which a frame begins."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from monitor.sources.reader import Plain
from monitor.sources.spool.frames import MOST_HEADER_BYTES, Cut, Frame, cut
from monitor.sources.spool.segments import Segment, segments


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some frames in the order of the stream.

    Attributes
    ----------
    end: where to read on.
    lost: how many bytes were there, or should have been, and cannot be read.
    """

    frames: tuple[Frame, ...]
    end: int
    lost: int = 0


def read(folder: Path, place: int, least: int) -> Stretch:
    """Read whole frames of one segment: about ``least`` bytes of them, at least one if one is there.

    What is returned is on the disk: it will be there after a power cut, too.

    Raises
    ------
    OSError: a segment cannot be read.
    """
    found = segments(folder)
    for number, segment in enumerate(found):
        following = found[number + 1].start if number + 1 < len(found) else None
        if following is not None and following <= place:
            continue
        begin = max(place, segment.start)
        stretch = _of_segment(segment, following, begin, least)
        lost = stretch.lost + begin - place
        if stretch.frames or lost or following is None:
            return Stretch(stretch.frames, stretch.end, lost)
    return Stretch((), place)


def _of_segment(segment: Segment, following: int | None, place: int, least: int) -> Stretch:
    descriptor = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        source = Plain(descriptor)
        end = segment.start + os.fstat(descriptor).st_size
        end = end if following is None else min(end, following)
        part = _cut(source, segment.start, place, min(max(least, MOST_HEADER_BYTES), end - place))
        if not part.frames and part.wanted and place + part.wanted <= end:
            part = _cut(source, segment.start, place, part.wanted)
        if part.frames and following is None:
            os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    if part.frames or (following is None and not part.damaged):
        return Stretch(part.frames, part.end)
    beyond = end if following is None else following  # what stands here will never be a frame
    return Stretch((), beyond, beyond - place)


def _cut(source: Plain, start: int, place: int, length: int) -> Cut:
    return cut(source.read_at(place - start, length), place)


def whole_until(descriptor: int, start: int, step: int = 2**24) -> int:
    """Return up to which place in the stream a segment holds whole frames, reading all of it."""
    source, place, length = Plain(descriptor), start, step
    while True:
        part = _cut(source, start, place, length)
        if part.end > place:
            place, length = part.end, step
        elif part.wanted > length and os.fstat(descriptor).st_size >= part.wanted + place - start:
            length = part.wanted
        else:
            return place
