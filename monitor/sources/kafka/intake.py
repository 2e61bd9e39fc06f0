"""What comes of the partitions of a topic: opened where they were left, bounded in memory, checked to be the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.sources.kafka.client import Client, Unreachable, told_of
from monitor.sources.kafka.partition import Partition
from monitor.sources.kafka.settings import KafkaSettings
from monitor.sources.position import Position

if TYPE_CHECKING:
    from confluent_kafka import Message

_AT_ONCE = 5000
_LOOK_SECONDS = 60.0
"""How often it is looked for partitions that were added."""
_RETRY_SECONDS = 10.0
_PARTITION_EOF, _OUT_OF_RANGE = "_PARTITION_EOF", "_AUTO_OFFSET_RESET"
_TOTAL_BLOCKS = 8
"""Blocks that wait of all partitions together, about."""


class Intake:
    """Holds what came of each partition until it is handed on.

    Attributes
    ----------
    parts: the partitions, in order. cluster: its name, if it has one. trouble: why nothing comes now.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        root: Path,
        block_bytes: int,
        *,
        at_rest: bool,
        clock: Callable[[], float],
        connect: Callable[[KafkaSettings, Path, Callable[[str], None]], Client] = Client,
    ) -> None:
        self._settings, self._root, self._block_bytes = settings, root, block_bytes
        self._at_rest, self._clock, self._connect = at_rest, clock, connect
        self._client: Client | None = None
        self._parts: dict[int, Partition] = {}
        self._look_at = self._retry_at = -1.0
        self.cluster: str | None = None
        self.trouble: str | None = None

    @property
    def parts(self) -> list[Partition]:
        """Return the partitions that are known, in order."""
        return [self._parts[number] for number in sorted(self._parts)]

    @property
    def is_open(self) -> bool:
        """Say whether the partitions are known."""
        return self._client is not None and bool(self._parts)

    def close(self) -> None:
        """Give the connections back; what waits is had again."""
        if self._client is not None:
            self._client.close()
        self._client, self._parts, self._retry_at = None, {}, -1.0

    def fail(self, why: str) -> None:
        """Note why nothing comes, and begin anew in a while."""
        self.close()
        self.trouble, self._retry_at = why, self._clock() + _RETRY_SECONDS

    def open(self, positions: Mapping[str, Position]) -> bool:
        """Have each partition read from its position on; say whether the topic can be read."""
        now = self._clock()
        if self._client is None and now < self._retry_at:
            return False
        try:
            if self._client is None:
                self.trouble = None
                self._client, self._look_at = self._connect(self._settings, self._root, self._note), now
            if now >= self._look_at or (self.trouble is not None and now >= self._retry_at):
                self._retry_at = now + _RETRY_SECONDS
                self._look(self._client, positions)
                self._look_at = now + _LOOK_SECONDS
            for part in self.parts:
                self._resume(self._client, part, positions.get(part.at.path))
        except Unreachable as error:
            self.fail(str(error))
            return False
        return True

    def limits(self) -> list[tuple[int, int, int]]:
        """Return each partition with its first offset and the one that its next message will have.

        Raises
        ------
        Unreachable: a broker does not answer.
        """
        client = self._client
        return [] if client is None else [(part.number, *client.limits(part.number)) for part in self.parts]

    def receive(self, wait_seconds: float) -> bool:
        """Take what came; say whether anything did.

        Raises
        ------
        Unreachable: the topic has to be opened anew.
        """
        client = self._client
        if client is None:
            return False
        messages = client.receive(_AT_ONCE, wait_seconds)
        anew = set[int]()  # what else came of these is of before they were read anew
        for message in messages:
            part = self._parts.get(message.partition() or 0)
            if part is not None and part.number not in anew and not self._take(client, part, message):
                anew.add(part.number)
        for part in self._parts.values():
            if not part.ended and part.waiting:
                part.ended = part.next >= (client.end(part.number) if part.until is None else part.until)
        self._bound(client)
        return bool(messages)

    def _note(self, why: str) -> None:
        self.trouble = why

    def _look(self, client: Client, positions: Mapping[str, Position]) -> None:
        topic = client.look()
        self.cluster, self.trouble = topic.cluster, None
        for number in topic.partitions:
            if number not in self._parts:
                path = f"{self._settings.topic}/{number}"
                self._begin(client, number, positions.get(path))

    def _resume(self, client: Client, part: Partition, at: Position | None) -> None:
        """Go on with a partition, or go back where what was handed on was not kept."""
        if part.handed and (at is None or at.offset != part.at.offset):
            client.stop(part.number)
            self._begin(client, part.number, at)
        elif part.handed and at is not None:
            part.at = at  # its newest may have been lowered
        elif at is not None and at.offset != part.at.offset and not part.told:
            client.stop(part.number)
            self._begin(client, part.number, at)

    def _begin(self, client: Client, number: int, at: Position | None) -> None:
        """Read a partition from a position on; from one message before it, to know whether that is still the same."""
        path = f"{self._settings.topic}/{number}"
        low, high = client.limits(number) if at is None or self._at_rest else (0, None)
        kept = at if at is not None else Position(path, 0, number, offset=low)
        checked = not kept.markers
        strange = not checked and kept.cursor is not None and kept.cursor != self.cluster
        until = high if self._at_rest else None
        part = Partition(number, kept, kept.offset, checked, strange, until=until)
        part.ended = checked and until is not None and kept.offset >= until
        self._parts[number] = part
        client.begin(number, kept.offset if checked else kept.offset - 1)

    def _take(self, client: Client, part: Partition, message: Message) -> bool:
        """Take what came of a partition; false where it is read anew."""
        error = message.error()
        if error is None or error.name() == _PARTITION_EOF:
            self.trouble = None
            same = part.put(message) if error is None else part.end(message.offset() or 0)
            if not same:
                self._another(client, part)
            return same
        if error.name() != _OUT_OF_RANGE:
            raise Unreachable(told_of(error.name()))
        self._out_of_range(client, part)
        return False

    def _another(self, client: Client, part: Partition) -> None:
        """Read a partition from its first message on, as it is not the one that was read."""
        low, _ = client.limits(part.number)
        part.replace(low)
        client.stop(part.number)
        client.begin(part.number, low)

    def _out_of_range(self, client: Client, part: Partition) -> None:
        """Go on where a partition has messages: what came next was removed, or it is another one."""
        low, high = client.limits(part.number)
        if part.next > high or part.strange:
            self._another(client, part)
            return
        if part.next < low:
            part.lose(low)
        part.checked = True
        client.stop(part.number)
        client.begin(part.number, part.next)

    def _bound(self, client: Client) -> None:
        """Let no more come of a partition of which enough waits."""
        most = max(2 * self._block_bytes, 1) if len(self._parts) == 1 else self._share()
        for part in self.parts:
            if not part.paused and part.waiting_bytes > most:
                client.pause(part.number)
                part.paused = True
            elif part.paused and part.waiting_bytes <= most // 2:
                client.resume(part.number)
                part.paused = False

    def _share(self) -> int:
        return max(_TOTAL_BLOCKS * self._block_bytes // len(self._parts), 2 * 2**16)
