"""One partition: what came of it and is not yet handed on, and whether it is still the one that was read."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.instant import Instant
from monitor.record import Reason, Rejected
from monitor.sources.kafka.values import as_bytes
from monitor.sources.position import Position, Print

if TYPE_CHECKING:
    from confluent_kafka import Message


OVERHEAD_BYTES = 256
"""What a message holds in memory beside its value, about."""


@dataclass(slots=True)
class Partition:
    """A partition that is being read.

    Attributes
    ----------
    at: the position that was handed in, or out with the last batch.
    next: the offset that is to come next.
    checked: what was read before ``at`` is known to be there still, or cannot be known.
    strange: the cluster is another than the one that ``at`` was read from.
    ended: all that there is came.
    handed: a batch of it was handed on, so that ``at`` should be given back.
    until: nothing is read from this offset on; ``None`` for no end.
    """

    number: int
    at: Position
    next: int
    checked: bool = True
    strange: bool = False
    ended: bool = False
    paused: bool = False
    handed: bool = False
    until: int | None = None
    waiting: deque[Message] = field(default_factory=deque)
    waiting_bytes: int = 0
    told: list[Rejected] = field(default_factory=list)
    lost: int = 0

    @property
    def has_news(self) -> bool:
        """Say whether a batch can be made of it."""
        return bool(self.waiting or self.told)

    @property
    def is_known(self) -> bool:
        """Say whether it is known to have something to read, or nothing."""
        return self.has_news or self.ended

    @property
    def reached(self) -> Instant | None:
        """Return the newest event time that was read of it."""
        return self.at.newest

    def put(self, message: Message) -> bool:
        """Take a message that came, unless it was taken before; say whether the partition is still the same one."""
        offset = message.offset() or 0
        if not self.checked:
            if not self._is_same(message):
                return False
            self.checked = True
        if offset < self.next:
            return True
        if self.until is not None and offset >= self.until:
            self.ended = True
            return True
        self.ended = False
        self.next = offset + 1
        self.waiting.append(message)
        self.waiting_bytes += len(message) + OVERHEAD_BYTES
        return True

    def end(self, offset: int) -> bool:
        """Note that nothing follows an offset now; say whether the partition is still the same one."""
        if offset < self.at.offset or (self.strange and not self.checked):
            return False
        self.checked = self.ended = True
        return True

    def lose(self, low: int) -> None:
        """Note that what comes before an offset was removed before it was read."""
        count = low - self.next
        self.lost += count
        self.told.append(Rejected(Reason.LOST, self.at.path, self.next, f"{count} messages were removed unread"))
        self.next, self.checked = low, True

    def replace(self, low: int) -> None:
        """Note that this is another partition than the one that was read, which is read from its first message on."""
        self.forget()
        why = "the topic is another of the same name: it is read from its beginning"
        self.told.append(Rejected(Reason.REPLACED, self.at.path, self.at.offset, why))
        self.at = Position(self.at.path, 0, self.number, offset=low, cursor=self.at.cursor)
        self.next, self.checked, self.strange, self.ended = low, True, False, False

    def _is_same(self, message: Message) -> bool:
        """Compare the first message that came with the last that was read; one of another offset tells nothing."""
        if not self.at.markers or (message.offset() or 0) + 1 != self.at.markers[0].end:
            return not self.strange
        return mark_of(message) == self.at.markers[0]

    def forget(self) -> None:
        """Drop what came and was not handed on."""
        self.waiting.clear()
        self.waiting_bytes = 0

    def take(self, most_bytes: int) -> list[Message]:
        """Hand on what came, until it is so many bytes or more."""
        taken: list[Message] = []
        size = 0
        while self.waiting and (not taken or size < most_bytes):
            taken.append(self.pop())
            size += len(taken[-1]) + OVERHEAD_BYTES
        return taken

    def pop(self) -> Message:
        """Hand on the first of what came."""
        message = self.waiting.popleft()
        self.waiting_bytes -= len(message) + OVERHEAD_BYTES
        return message


def mark_of(message: Message) -> Print:
    """Return what a message is known again by: where it stands, when it was written, its key and value."""
    value, key = as_bytes(message.value()), as_bytes(message.key())
    digest = hashlib.blake2b(digest_size=16)
    for part in (repr(message.timestamp()).encode(), key, value):
        digest.update(len(part).to_bytes(8, "little") + part)
    return Print((message.offset() or 0) + 1, len(value), digest.hexdigest())
