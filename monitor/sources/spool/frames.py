r"""A spool's frames: what came in one request, behind one line that says what it is.

``#r 1784628000000000 131 2f5c9a01 {"json_syntax":1}\n`` and then 131 bytes: the kind, when it came (microseconds
since 1970), how many bytes follow, the CRC-32 of all but itself, and how many records were refused at the door.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from zlib import crc32

from monitor.instant import Instant

_HEADER = re.compile(rb"#([a-z]) (\d{1,17}) (\d{1,10}) ([0-9a-f]{8}) (\{[^\n]{0,4000}\})\n")
MOST_HEADER_BYTES = 4096


class Content(StrEnum):
    """What a frame holds."""

    RECORDS = "r"
    """Lines of JSON, each a record as it was sent."""
    EVENTS = "e"
    """Lines of JSON, each an event as :mod:`monitor.sources.formats.event` writes it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What came in one request.

    Attributes
    ----------
    at: when it came, by this machine's clock.
    start, end: where in the stream its header begins, and where it ends.
    rejected: how many records were refused before the frame was written, by reason.
    """

    content: Content
    at: Instant
    start: int
    end: int
    data: bytes = field(repr=False)
    rejected: Mapping[str, int]


def written(content: Content, at: Instant, data: bytes, rejected: Mapping[str, int]) -> bytes:
    r"""Return a frame as it stands in the spool; ``data`` is whole lines.

    >>> written(Content.RECORDS, 5, b"{}\n", {})
    b'#r 5 3 096ad2e3 {}\n{}\n'
    """
    counts = json.dumps(rejected, separators=(",", ":")).encode()
    return b"#%s %d %d %08x %s\n%s" % (content.encode(), at, len(data), _sum(content, at, counts, data), counts, data)


@dataclass(frozen=True, slots=True)
class Cut:
    """What stands at the begin of some bytes of a spool.

    Attributes
    ----------
    frames: the whole ones.
    end: where in the stream the last of them ends.
    wanted: how many bytes the next frame has, where its header is there; 0 otherwise.
    damaged: the bytes after them are no frame, and will not become one.
    """

    frames: tuple[Frame, ...]
    end: int
    wanted: int = 0
    damaged: bool = False


def cut(data: bytes, start: int) -> Cut:
    """Find the frames in bytes that begin at a place in the stream."""
    frames: list[Frame] = []
    at = 0
    while at < len(data):
        header = _HEADER.match(data, at)
        if header is None:
            whole = b"\n" in data[at : at + MOST_HEADER_BYTES] or len(data) - at >= MOST_HEADER_BYTES
            return Cut(tuple(frames), start + at, damaged=whole or data[at : at + 1] != b"#")
        end = header.end() + int(header[3])
        if end > len(data):
            return Cut(tuple(frames), start + at, end - at)
        frame = _frame(header, data[header.end() : end], (start + at, start + end))
        if frame is None:
            return Cut(tuple(frames), start + at, damaged=True)
        frames.append(frame)
        at = end
    return Cut(tuple(frames), start + at)


def _frame(header: re.Match[bytes], data: bytes, place: tuple[int, int]) -> Frame | None:
    kind, at = header[1].decode(), int(header[2])
    if kind not in set(Content) or int(header[4], 16) != _sum(kind, at, header[5], data):
        return None
    return Frame(Content(kind), at, *place, data, json.loads(header[5]))


def _sum(content: str, at: Instant, counts: bytes, data: bytes) -> int:
    return crc32(data, crc32(b"%s %d %s" % (content.encode(), at, counts)))
