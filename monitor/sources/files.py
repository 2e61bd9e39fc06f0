"""Files that a model server appends to, rotates and deletes, read as one stream of batches."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from monitor.instant import Instant
from monitor.record import Decoded, Layout, Reason, Rejected
from monitor.settings import Duration, Settings, Size
from monitor.sources.formats import jsonl
from monitor.sources.formats.block import split
from monitor.sources.position import HEAD_BYTES, KEPT_MARKERS, MARKER_BYTES, Position, Print, fingerprint, key_of
from monitor.sources.reader import Block, Limits, Plain, read_block

NEVER: Instant = -(2**63)


class FilesSettings(Settings):
    """Files in a folder."""

    type: Literal["files"] = "files"
    path: str | list[str]
    format: Literal["auto", "jsonl", "csv", "parquet"] = "auto"
    dedup: Duration = timedelta(0)
    max_line: Size = 2**20
    rotate_wait: Duration = timedelta(seconds=5)

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the patterns, always as several."""
        return (self.path,) if isinstance(self.path, str) else tuple(self.path)

    @field_validator("path")
    @classmethod
    def _not_empty(cls, value: str | list[str]) -> str | list[str]:
        if not value or (isinstance(value, list) and "" in value):
            raise ValueError("expected at least one path or pattern")
        return value


@dataclass(frozen=True, slots=True)
class Batch:
    """What one read returned: one block of one file.

    Attributes
    ----------
    file: the key under which ``position`` is to be kept.
    path: the file's path, for people.
    table: the good records, in the file's order; see :class:`monitor.record.Decoded`.
    rejected, mismatched: the bad records; values that were not of their column's type.
    position: the next to read of this file.
    hold: the lowest event time that other files with unread records have reached; ``None`` without such.
    bytes_lost: bytes that were seen but vanished before they were read.
    truncated: the file was cut short, and is read from its begin again.
    """

    file: str
    path: str
    table: pa.Table
    position: Position
    rejected: tuple[Rejected, ...] = ()
    mismatched: dict[str, int] = field(default_factory=dict)
    hold: Instant | None = None
    bytes_lost: int = 0
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: Path
    position: Position
    lost: int = 0
    truncated: bool = False

    @property
    def newest(self) -> Instant:
        return NEVER if self.position.newest is None else self.position.newest


class FilesSource:
    """Reads the files that patterns match; holds no state of its own that a result depends on."""

    def __init__(self, settings: FilesSettings, layout: Layout, root: Path, block_bytes: int = 4 * 2**20) -> None:
        self._settings = settings
        self._layout = layout
        self._root = root
        self._limits = Limits(block_bytes, settings.max_line)
        self._problem: str | None = None

    def matches(self) -> list[Path]:
        """Return the regular files that the patterns match now, in order."""
        found: set[Path] = set()
        for pattern in self._settings.paths:
            found |= {self._root / name for name in glob.glob(pattern, root_dir=self._root, recursive=True)}
        return sorted(path for path in found if path.is_file())

    def problem(self) -> str | None:
        """Say why nothing can be read now, or ``None``."""
        if not self.matches():
            return f"no file matches {', '.join(self._settings.paths)}"
        return self._problem

    def read(self, positions: Mapping[str, Position]) -> Batch | None:
        """Read one block of the file that is furthest behind; ``None`` if all is read that is complete."""
        ready = sorted(self._ready(positions), key=lambda c: (c.newest, str(c.path)))
        if not ready:
            return None
        first, others = ready[0], ready[1:]
        batch = self._read(first)
        return replace(batch, hold=min((other.newest for other in others), default=None)) if batch else None

    def _ready(self, positions: Mapping[str, Position]) -> Iterator[_Candidate]:
        for path in self.matches():
            with _opened(path) as descriptor:
                candidate = _identify(path, descriptor, positions)
                at = candidate.position
                if candidate.lost or read_block(Plain(descriptor), at.offset, self._limits, inside=at.inside):
                    yield candidate

    def _read(self, candidate: _Candidate) -> Batch | None:
        with _opened(candidate.path) as descriptor:
            at = candidate.position
            block = read_block(Plain(descriptor), at.offset, self._limits, inside=at.inside)
            block = block or Block(b"", at.offset, at.offset)
            lines = split(str(candidate.path), block.data, block.start)
            decoded = jsonl.decode(lines, self._layout)
            position = _advance(at, block, descriptor, decoded)
        return Batch(
            position.key,
            str(candidate.path),
            decoded.table,
            position,
            (*(_too_long(candidate.path, at) for at in block.too_long), *decoded.rejected),
            decoded.mismatched,
            None,
            candidate.lost,
            candidate.truncated,
        )


def _too_long(path: Path, offset: int) -> Rejected:
    return Rejected(Reason.TOO_LONG, str(path), offset, "line longer than max_line")


class _opened:  # noqa: N801
    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> int:
        self._descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _identify(path: Path, descriptor: int, positions: Mapping[str, Position]) -> _Candidate:
    found = os.fstat(descriptor)
    assert stat.S_ISREG(found.st_mode)
    fresh = Position(str(path), found.st_dev, found.st_ino)
    known = positions.get(key_of(found.st_dev, found.st_ino))
    if known is None:
        return _Candidate(path, fresh)
    source = Plain(descriptor)
    prints = [*([known.head] if known.head else []), *known.markers[:1]]
    if found.st_size >= known.offset and all(_has(source, print_) for print_ in prints):
        return _Candidate(path, known)
    return _Candidate(path, fresh, max(0, known.size - known.offset), truncated=True)


def _has(source: Plain, print_: Print) -> bool:
    data = source.read_at(print_.end - print_.length, print_.length)
    return fingerprint(data, print_.end) == print_


def _advance(at: Position, block: Block, descriptor: int, decoded: Decoded) -> Position:
    source = Plain(descriptor)
    newest = pc.max(decoded.table["timestamp"]).as_py()
    head = source.read_at(0, min(HEAD_BYTES, block.next))
    begin = max(0, block.next - MARKER_BYTES)
    marker = fingerprint(source.read_at(begin, block.next - begin), block.next)
    return replace(
        at,
        offset=block.next,
        size=os.fstat(descriptor).st_size,
        head=fingerprint(head, len(head)),
        markers=(marker, *at.markers)[:KEPT_MARKERS],
        newest=max((n for n in (newest, at.newest) if n is not None), default=None),
        inside=block.inside,
    )
