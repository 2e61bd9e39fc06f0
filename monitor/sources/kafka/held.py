"""Halves of inferences that waited for the other when a daemon stopped: fetched again by where they stand."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.sources.kafka.client import Client, Unreachable
from monitor.sources.kafka.settings import KafkaSettings

if TYPE_CHECKING:
    from confluent_kafka import Message

_AT_ONCE, _WAIT_SECONDS, _PATIENCE_SECONDS = 5000, 0.2, 30.0


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """Where a half stands.

    Attributes
    ----------
    place: its number among all that was read. written: the time of its message in milliseconds, to know it again.
    """

    place: int
    topic: str
    partition: int
    offset: int
    written: int


def fetched(
    held: Iterable[Held],
    settings_of: Callable[[str], KafkaSettings],
    root: Path,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[Held, Message]]:
    """Yield messages that are held and still there, topic by topic.

    Raises
    ------
    Unreachable: they cannot be had now.
    """
    by_topic = defaultdict[str, dict[tuple[int, int], Held]](dict)
    for each in held:
        by_topic[each.topic][each.partition, each.offset] = each
    for topic, wanted in by_topic.items():
        client = Client(settings_of(topic), root, lambda _: None)
        try:
            yield from _of_topic(client, wanted, clock)
        finally:
            client.close()


def _of_topic(
    client: Client, wanted: dict[tuple[int, int], Held], clock: Callable[[], float]
) -> Iterator[tuple[Held, Message]]:
    lasts = dict[int, int]()
    for partition in {number for number, _ in wanted}:
        low, high = client.limits(partition)
        offsets = [offset for number, offset in wanted if number == partition and low <= offset < high]
        if offsets:
            lasts[partition] = max(offsets)
            client.begin(partition, min(offsets))
    until = clock() + _PATIENCE_SECONDS
    while lasts:
        for message in client.receive(_AT_ONCE, _WAIT_SECONDS):
            number, offset = message.partition() or 0, message.offset() or 0
            found = wanted.get((number, offset)) if message.error() is None else None
            if found is not None and message.timestamp()[1] == found.written:
                yield found, message
            if number in lasts and (message.error() is not None or offset >= lasts[number]):
                del lasts[number]
                client.stop(number)
        if lasts and clock() >= until:
            raise Unreachable("what waited for its other half cannot be had")
