"""Where a source goes on reading, and how a file is known again after rotation, copying or a restart.

A file is the one that was read if it has the same device and inode, begins with the same bytes, and has
the same bytes before the offset. The inode alone is not enough: file systems use it again at once, and a
truncated file keeps it. The bytes alone are not enough either: every CSV file begins with one header.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from monitor.instant import Instant

HEAD_BYTES = 1024
MARKER_BYTES = 256
KEPT_MARKERS = 12


@dataclass(frozen=True, slots=True)
class Print:
    """The hash of ``length`` bytes that end at ``end``."""

    end: int
    length: int
    digest: str


def fingerprint(data: bytes, end: int) -> Print:
    """Hash bytes that end at ``end``."""
    return Print(end, len(data), hashlib.blake2b(data, digest_size=16).hexdigest())


@dataclass(frozen=True, slots=True)
class Position:
    """The next to read of one file.

    Attributes
    ----------
    path: where the file was seen last.
    device, inode: of the file; of an object, when it was changed, and how many positions were begun before.
    offset: bytes (of the unpacked stream) for lines, rows for Parquet; always the next to read.
    size: of the file, in bytes, when it was last read.
    head: of the first bytes; ``None`` of an empty file.
    markers: of the bytes before this offset and before earlier ones, the latest first.
    newest: the highest event time accepted from the file.
    inside: the offset is within a line too long to read.
    rotated: the file was renamed since it was first read, so no one should append to it.
    raw: the prints are of the bytes on disk up to ``size``, as the offset counts something else.
    done: everything up to ``size`` was read.
    fault: why the file is not read any further, as it is.
    heir_of: the ``token`` of the position that this one took over, when the file is a copy of another.
    cursor: of a table, the highest key that was read, with its type; of an object, which state of it is read.
    since: of a spool, from where it must still be there, so that what came already is known again; of objects, when the
        last of ``names`` was changed.
    names: of objects, which ones were read, packed.
    recent: of objects, the last ones, whose records are known again.
    floor: of objects, those that were changed no later count as read.
    held: of a spool, where the events stand whose other half has not come yet.
    paired: of a log of halves, what waited for its other half after this was read, and the how manieth batch it was.
    """

    path: str
    device: int
    inode: int
    offset: int = 0
    size: int = 0
    head: Print | None = None
    markers: tuple[Print, ...] = ()
    newest: Instant | None = None
    inside: bool = False
    rotated: bool = False
    raw: bool = False
    done: bool = False
    fault: str | None = None
    heir_of: str | None = None
    since: int | None = None
    held: tuple[int, ...] = ()
    cursor: str | None = None
    names: str | None = None
    recent: tuple[str, ...] = ()
    floor: int | None = None
    paired: str | None = None

    @property
    def token(self) -> str:
        """Name this very state of the file's reading."""
        return f"{self.key}:{self.offset}:{self.markers[0].digest if self.markers else ''}"

    @property
    def key(self) -> str:
        """Return the name under which the position is kept."""
        return key_of(self.device, self.inode)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for the store."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Position:
        """Read what ``to_json`` returned.

        Raises
        ------
        TypeError: the data is not a position.
        """
        given = dict(data)
        given["head"] = Print(**given["head"]) if given.get("head") else None
        given["held"] = tuple(given.get("held", ()))
        given["recent"] = tuple(given.get("recent", ()))
        given["markers"] = tuple(Print(**marker) for marker in given.get("markers", ()))
        return cls(**given)


def key_of(device: int, inode: int) -> str:
    """Name a file by device and inode: stable under renaming, and free again once the file is gone."""
    return f"{device:x}-{inode:x}"
