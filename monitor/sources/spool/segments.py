"""The files of a spool: each is named after the place in the stream at which it begins."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

_NAME = re.compile(r"(\d{20})\.spool")
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700


class Segment(NamedTuple):
    """A file of a spool: it holds the stream from ``start`` up to where the next one begins."""

    start: int
    path: Path


def segments(folder: Path) -> list[Segment]:
    """Return the segments of a spool in the order of the stream; none if there is no such folder.

    >>> segments(Path("/there/is/no/such/folder"))
    []
    """
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names are all that is needed
    except FileNotFoundError:
        return []
    found = [(int(match[1]), folder / name) for name in names if (match := _NAME.fullmatch(name))]
    return [Segment(*each) for each in sorted(found)]


def create(folder: Path, start: int) -> int:
    """Begin a segment, and return its descriptor once its name is on the disk.

    Raises
    ------
    OSError: it cannot be made.
    """
    make_folder(folder)
    path = folder / f"{start:020d}.spool"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE_FILE)
    sync_names(folder)
    return descriptor


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner can look into, and those above it."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        sync_names(folder.parent)


def sync_names(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_before(folder: Path, place: int) -> None:
    """Remove the segments that end at or before a place in the stream; the last one always stays."""
    for segment, following in pairwise(segments(folder)):
        if following.start <= place:
            segment.path.unlink(missing_ok=True)
