"""A topic as a source: of its partitions the one that is furthest behind in event time is read next."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from monitor.errors import SourceUnavailable
from monitor.instant import Instant
from monitor.record import Decoded, Layout, Rejected
from monitor.sources.batch import Batch
from monitor.sources.kafka.client import Unreachable
from monitor.sources.kafka.described import Described
from monitor.sources.kafka.intake import Intake
from monitor.sources.kafka.partition import Partition, mark_of
from monitor.sources.kafka.registry import Registry
from monitor.sources.kafka.settings import KafkaSettings
from monitor.sources.kafka.values import Rules, decode
from monitor.sources.position import Position

if TYPE_CHECKING:
    from confluent_kafka import Message

NEVER: Instant = -(2**63)
_PATIENCE_SECONDS, _PATIENCE_AT_REST_SECONDS = 3.0, 30.0
_LITTLE_SECONDS = 0.1


class KafkaSource:
    """Reads one topic.

    Parameters
    ----------
    layout: what to take from each record. root: where relative paths of the settings start.
    block_bytes: how much is handed on at once.
    at_rest: what is written from now on is left alone, as for a replay.
    clock: seconds, by which it is waited.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        layout: Layout,
        root: Path,
        block_bytes: int = 4 * 2**20,
        *,
        at_rest: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._intake = Intake(settings, root, block_bytes, at_rest=at_rest, clock=clock)
        described = None if settings.registry is None else Described(Registry(settings.registry, root))
        self._rules = Rules(settings.max_message, settings.message_time, described)
        self._topic, self._layout = settings.topic, layout
        self._block_bytes, self._at_rest, self._clock = block_bytes, at_rest, clock

    def close(self) -> None:
        """Give the connections back."""
        self._intake.close()

    def matches(self) -> list[Path]:
        """Return none: a topic is no file."""
        return []

    def problem(self) -> str | None:
        """Say why the topic cannot be read; that it has no messages yet is no problem."""
        if not self._intake.is_open and self._intake.trouble is None:
            self._intake.open({})
        trouble = self._intake.trouble
        return None if trouble is None else f"{self._topic}: {trouble}"

    @property
    def away(self) -> bool:
        """Say whether there may be messages that cannot be had now."""
        return not self._intake.is_open or not all(part.is_known for part in self._intake.parts)

    def partitions(self) -> list[tuple[int, int, int]]:
        """Return each partition, its first offset and that of its next message; none where no broker answers."""
        try:
            return self._intake.limits() if self._intake.open({}) else []
        except Unreachable as error:
            self._intake.fail(str(error))
            return []

    def read(self, positions: Mapping[str, Position]) -> Batch | None:
        """Read what comes next of the partition that is furthest behind.

        Raises
        ------
        SourceUnavailable: of a topic at rest, which is to be read to its end, a part cannot be read.
        """
        try:
            return self._read(positions)
        except Unreachable as error:
            self._intake.fail(str(error))
            if self._at_rest:
                raise SourceUnavailable(
                    f"{self._topic}: {error}", "see that its brokers run and can be reached"
                ) from None
            return None

    def _read(self, positions: Mapping[str, Position]) -> Batch | None:
        intake = self._intake
        if not intake.open(positions):
            if self._at_rest:
                raise Unreachable(intake.trouble or "no broker answers")
            return None
        until = self._clock() + (_PATIENCE_AT_REST_SECONDS if self._at_rest else _PATIENCE_SECONDS)
        intake.receive(0.0)
        while (chosen := self._chosen()) is None or not self._is_full(chosen):
            known = all(part.is_known for part in intake.parts)
            if known and chosen is None:
                return None
            if not intake.receive(_LITTLE_SECONDS) and ((known and not self._at_rest) or self._clock() >= until):
                break
            if intake.trouble is not None and not self._at_rest:
                break
        if chosen is None and self._at_rest and self.away:
            raise Unreachable(intake.trouble or "a partition has no broker that answers")
        return None if chosen is None else self._batch(chosen)

    def _chosen(self) -> Partition | None:
        """Return the partition that is to be read next, once it is known of all where they stand."""
        parts = self._intake.parts
        with_news = [part for part in parts if part.has_news]
        told = next((part for part in with_news if part.told), None)
        if told is not None:
            return told
        behind = min(with_news, key=_rank, default=None)
        unknown = min((part for part in parts if not part.is_known), key=_rank, default=None)
        return None if behind is None or (unknown is not None and _rank(unknown) < _rank(behind)) else behind

    def _is_full(self, part: Partition) -> bool:
        """Say whether a batch of a partition can be made without waiting for more."""
        return bool(part.told) or part.ended or part.waiting_bytes >= self._block_bytes

    def _batch(self, part: Partition) -> Batch:
        messages = part.take(self._block_bytes)
        decoded = decode(part.at.path, messages, self._layout, self._rules)
        others = [each for each in self._intake.parts if each is not part and not (each.ended and not each.waiting)]
        hold = min((NEVER if each.reached is None else each.reached for each in others), default=None)
        told, lost = list[Rejected](), 0
        if not part.waiting:  # what is told stands behind all that came
            told, lost, part.told, part.lost = part.told, part.lost, [], 0
        part.at, part.handed = self._position(part, messages, decoded), True
        return Batch(
            part.at.path,
            part.at.path,
            decoded.table,
            part.at,
            (*told, *decoded.rejected),
            decoded.mismatched,
            hold=hold,
            lost=lost,
        )

    def _position(self, part: Partition, messages: list[Message], decoded: Decoded) -> Position:
        newest = pc.max(decoded.table["timestamp"]).as_py()
        return replace(
            part.at,
            offset=(part.waiting[0].offset() or 0) if part.waiting else part.next,
            markers=(mark_of(messages[-1]),) if messages else part.at.markers,
            newest=max((instant for instant in (newest, part.at.newest) if instant is not None), default=None),
            cursor=self._intake.cluster,
        )


def _rank(part: Partition) -> tuple[Instant, int]:
    return (NEVER if part.reached is None else part.reached, part.number)
