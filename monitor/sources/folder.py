"""Which files there are: what patterns match, and what was renamed out of their sight.

Only regular files are read. A FIFO would block, a device may answer for ever, and a symbolic link that
leads out of the pattern's folder could show a file that its reader was never meant to see.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import NamedTuple

from monitor.sources.position import Position, key_of

NOT_REGULAR = "not_regular_file"
_ROTATED = re.compile(r"(?:\.gz|\.zst|\.zstd|[.-][0-9][0-9T:._-]*)+$")


class Seen(NamedTuple):
    """A regular file as it stood in its folder.

    Attributes
    ----------
    name: its path as the patterns have it, relative to the root or absolute.
    path: where to open it.
    key: the name under which its position is kept.
    modified_ns, changed_ns: of its content; of content, name, owner or mode; since 1970, by the wall clock.
    listed: a pattern matches it; otherwise it was found beside files that one matches.
    """

    name: str
    path: str
    key: str
    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int
    listed: bool

    @property
    def signature(self) -> tuple[int, int, int]:
        """Return what changes with its content."""
        return (self.size, self.modified_ns, self.changed_ns)


def stem_of(name: str) -> str:
    """Return a name without what rotation adds to it.

    >>> stem_of("app.log.2013-07-01.gz")
    'app.log'
    """
    return _ROTATED.sub("", name)


@dataclass(frozen=True, slots=True)
class Scan:
    """What stood in the folders: files, each once, in order of name; and why others cannot be read."""

    files: tuple[Seen, ...]
    troubles: Mapping[str, str]


class Changed(Exception):
    """A file is no longer the one that was seen: look again."""


class Folder:
    """The patterns of one source, below a root that relative ones start from."""

    def __init__(self, patterns: Iterable[str], root: Path) -> None:
        self._root = root
        self._patterns = tuple(patterns)

    def _place(self, name: str) -> str:
        return os.path.join(self._root, name)  # noqa: PTH118 - for each of many files, and a Path costs more than all else

    def again(self, seen: Seen) -> Seen | None:
        """Look at one file again; ``None`` if it is gone from there, or another."""
        try:
            found = os.stat(seen.path)  # noqa: PTH116 - as for _place
        except OSError:
            return None
        now = _seen(seen.name, seen.path, found, listed=seen.listed)
        return now if now.key == seen.key and stat.S_ISREG(found.st_mode) else None

    def scan(self) -> Scan:
        """Look at every file that a pattern matches; nothing is opened."""
        found: dict[str, Seen] = {}
        troubles: dict[str, str] = {}
        for pattern in self._patterns:
            inside = _Fence(self._base(pattern))
            # Path.glob takes no absolute pattern
            for name in glob.glob(pattern, root_dir=self._root, recursive=True):  # noqa: PTH207
                try:
                    seen = self._look(name, inside)
                except OSError as error:
                    troubles[name] = error.strerror or type(error).__name__
                    continue
                if isinstance(seen, str):
                    troubles[name] = seen
                elif seen and not (seen.key in found and found[seen.key].name <= seen.name):
                    found[seen.key] = seen
        return Scan(tuple(sorted(found.values(), key=lambda seen: seen.name)), troubles)

    def _look(self, name: str, inside: _Fence) -> Seen | str | None:
        path = self._place(name)
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            found = os.stat(path)  # noqa: PTH116 - as for _place
            if not inside.holds(path):
                return f"{NOT_REGULAR} (a link out of its folder)"
        elif not inside.holds(path[: path.rindex(os.sep)]):
            return f"{NOT_REGULAR} (a folder behind a link)"
        if stat.S_ISDIR(found.st_mode):
            return f"{NOT_REGULAR} (a folder)" if name in self._patterns else None
        if not stat.S_ISREG(found.st_mode):
            return f"{NOT_REGULAR} (a {_kind(found.st_mode)})"
        return _seen(name, path, found, listed=True)

    def beside(self, positions: Collection[Position], known: Collection[str]) -> Iterator[Seen]:
        """Find files that no pattern matches, but that some lost file may have become.

        Those with its inode, and those whose name begins with its own, in its folder.
        """
        folders: dict[str, list[Position]] = {}
        for position in positions:
            folders.setdefault(os.path.dirname(position.path), []).append(position)  # noqa: PTH120 - a name, not a path
        for folder, lost in sorted(folders.items()):
            if any(_Fence(self._base(pattern)).holds(self._place(folder)) for pattern in self._patterns):
                yield from self._strays(folder, lost, known)

    def _strays(self, folder: str, lost: Collection[Position], known: Collection[str]) -> Iterator[Seen]:
        inodes = {position.inode for position in lost}
        stems = tuple({stem_of(PurePath(position.path).name) for position in lost})
        try:
            entries = sorted(os.scandir(self._root / folder), key=lambda entry: entry.name)
        except OSError:
            return
        for entry in entries:
            if entry.inode() in inodes or entry.name.startswith(stems):
                with _gone_is_fine():
                    found = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(found.st_mode) and key_of(found.st_dev, found.st_ino) not in known:
                        yield _seen(str(PurePath(folder, entry.name)), entry.path, found, listed=False)

    def _base(self, pattern: str) -> Path:
        """Return the folder that a pattern cannot leave: its part before the first wildcard."""
        base = self._root
        for part in PurePath(pattern).parts[:-1]:
            if glob.has_magic(part):
                break
            base /= part
        return base


class _Fence:
    """A folder and all below it, links followed."""

    def __init__(self, base: Path) -> None:
        self._base = os.path.realpath(base)
        self._known: dict[str, bool] = {}

    def holds(self, path: str) -> bool:
        """Tell whether a path leads into the folder."""
        if path not in self._known:
            real = os.path.realpath(path)
            self._known[path] = real == self._base or real.startswith(self._base.rstrip(os.sep) + os.sep)
        return self._known[path]


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        return


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISFIFO, "FIFO"), (stat.S_ISSOCK, "socket"), (stat.S_ISCHR, "device"), (stat.S_ISBLK, "device"))
    return next((name for test, name in kinds if test(mode)), "special file")


def _seen(name: str, path: str, found: os.stat_result, *, listed: bool) -> Seen:
    device, inode = found.st_dev, found.st_ino
    key = key_of(device, inode)
    return Seen(name, path, key, device, inode, found.st_size, found.st_mtime_ns, found.st_ctime_ns, listed)


@contextmanager
def opened(seen: Seen) -> Iterator[int]:
    """Open a file that was seen, and no other.

    Raises
    ------
    Changed: another file stands there now, or none.
    OSError: it cannot be opened.
    """
    try:
        descriptor = os.open(seen.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        raise Changed(seen.name) from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or key_of(found.st_dev, found.st_ino) != seen.key:
            raise Changed(seen.name)
        yield descriptor
    finally:
        os.close(descriptor)
