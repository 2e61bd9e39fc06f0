"""Which of the files seen are the ones that positions speak of, and what is to be done with each.

Besides the plain case there are: a file cut short, or another file under its inode (read from the begin);
a copy made before the original was cut short or removed, packed or not (go on where the original stood);
a copy still being made (wait); and a file that is gone with bytes unread (report).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from monitor.sources.folder import Seen
from monitor.sources.position import HEAD_BYTES, MARKER_BYTES, Position, Print, fingerprint
from monitor.sources.reader import Bytes


@dataclass(frozen=True, slots=True)
class Task:
    """Something to read or to report.

    Attributes
    ----------
    seen: the file; ``None`` if it is gone.
    position: where to read on.
    lost: bytes to report as lost.
    truncated: to be reported, too.
    heir: the position was another file's.
    kept: what is kept under the file's key.
    """

    seen: Seen | None
    position: Position
    lost: int = 0
    truncated: bool = False
    heir: bool = False
    kept: Position | None = None

    @property
    def key(self) -> str:
        """Return the key that a read's position will be kept under."""
        return self.seen.key if self.seen else self.position.key

    @property
    def rank(self) -> int:
        """Order copies before originals, whose position they need, and first those that overwrite none; then losses."""
        if self.heir:
            return 0 if self.kept is None else 1
        return 3 if self.seen else 2

    @property
    def must_report(self) -> bool:
        """Tell whether the task counts even when there is no line to read."""
        return self.heir or self.truncated or self.lost > 0


def fresh(seen: Seen) -> Position:
    """Return the begin of a file."""
    return Position(seen.name, seen.device, seen.inode)


def followed(seen: Seen, position: Position) -> Position:
    """Return the position of a file that may have another name now."""
    return replace(position, path=seen.name, rotated=position.rotated or position.path != seen.name)


def has(source: Bytes, print_: Print) -> bool:
    """Tell whether a file holds the bytes that were hashed."""
    data = source.read_at(print_.end - print_.length, print_.length)
    return fingerprint(data, print_.end) == print_


def is_same(source: Bytes, position: Position) -> bool:
    """Tell whether a file still begins, and goes on up to the offset, as when it was read."""
    prints = (position.head, *position.markers[:1])
    return all(has(source, print_) for print_ in prints if print_)


def unread(position: Position) -> int:
    """Return how many bytes of a file were seen but not read."""
    if position.done or position.fault:
        return 0
    return position.size if position.raw else max(0, position.size - position.offset)


def takes_over(source: Bytes, seen: Seen, position: Position) -> Position | None:
    """Return the position of a copy, if a file is a copy of the one that a position speaks of.

    A copy may end before the offset, where the original was read on while it was copied: then one of the
    earlier markers is its, and it holds nothing new.
    """
    offset = position.offset
    if not is_same(source, position):
        shorter = not position.raw and offset and not source.read_at(offset - 1, 1)
        if not (shorter and any(has(source, marker) for marker in position.markers[1:])):
            return None
        offset = source.size(offset)
    return replace(
        position,
        path=seen.name,
        device=seen.device,
        inode=seen.inode,
        size=seen.size,
        offset=offset,
        rotated=position.rotated or position.path != seen.name,
        heir_of=position.token,
    )


def is_prefix(copy: Bytes, size: int, original: Bytes) -> bool:
    """Tell whether a file of a size may be the begin of another, by its first and last bytes."""
    tail = min(size, MARKER_BYTES)
    head = copy.read_at(0, min(size, HEAD_BYTES))
    return head == original.read_at(0, len(head)) and copy.read_at(size - tail, tail) == original.read_at(
        size - tail, tail
    )


def orphans(lost: Collection[Position], all_: Collection[Position]) -> list[Position]:
    """Return positions whose file is gone or another, and that no copy has taken over; furthest read first."""
    taken = {position.heir_of for position in all_}
    left = [position for position in lost if position.token not in taken]
    return sorted(left, key=lambda position: (-position.offset, position.key))
