"""Messages of several partitions in the order in which they were written, as far as that is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from monitor.sources.kafka.partition import OVERHEAD_BYTES, Partition

if TYPE_CHECKING:
    from confluent_kafka import Message


def is_known(part: Partition) -> bool:
    """Say whether a partition's next message is there, or that it has none now."""
    return bool(part.waiting) or part.ended


def merged(parts: Sequence[Partition], most_bytes: int) -> Iterator[tuple[Partition, Message]]:
    """Hand on what came by its time, and of one time by partition, until it is so many bytes or a next one is unknown.

    What is handed on depends on the messages alone, where all that is to come of a partition is later than what came.
    """
    if not all(map(is_known, parts)):
        return
    waiting = [(_time(part), place) for place, part in enumerate(parts) if part.waiting]
    heapify(waiting)
    size = 0
    while waiting and size < most_bytes:
        _, place = heappop(waiting)
        part = parts[place]
        message = part.pop()
        size += len(message) + OVERHEAD_BYTES
        yield part, message
        if part.waiting:
            heappush(waiting, (_time(part), place))
        elif not part.ended:
            return


def _time(part: Partition) -> int:
    return part.waiting[0].timestamp()[1]
