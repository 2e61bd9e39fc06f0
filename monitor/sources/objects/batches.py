"""What is handed on of an object."""

from __future__ import annotations

from dataclasses import replace

import pyarrow.compute as pc

from monitor.instant import Instant
from monitor.record import Decoded, Layout, Reason, Rejected
from monitor.sources.batch import Batch
from monitor.sources.formats.block import empty
from monitor.sources.objects.content import Piece
from monitor.sources.objects.store import Entry
from monitor.sources.position import Position


def advanced(at: Position, piece: Piece) -> Position:
    """Return the position after a piece."""
    newest = pc.max(piece.decoded.table["timestamp"]).as_py()
    reached = max((instant for instant in (newest, at.newest) if instant is not None), default=None)
    return replace(at, offset=piece.offset, inside=piece.inside, done=piece.done, newest=reached)


def batch_of(
    key: str, entry: Entry, position: Position, decoded: Decoded, *, hold: Instant | None = None, begins: bool = False
) -> Batch:
    """Return records of an object."""
    return Batch(
        key, entry.key, decoded.table, position, decoded.rejected, decoded.mismatched, hold=hold, begins=begins
    )


def lost(layout: Layout, key: str, position: Position, entry: Entry) -> Batch:
    """Return that the rest of an object can be had no more."""
    fault = Rejected(Reason.LOST, entry.key, position.offset, "removed or written over while it was read")
    return batch_of(key, entry, position, empty(layout, [fault]))


def replaced(layout: Layout, key: str, position: Position, entry: Entry) -> Batch:
    """Return that an object is another than the one that was read."""
    fault = Rejected(Reason.REPLACED, entry.key, 0, "changed after it was read")
    return batch_of(key, entry, position, empty(layout, [fault]), begins=True)
