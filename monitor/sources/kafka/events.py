"""Topics of inference events as a source: requests and responses, paired in the order in which they were written.

All partitions go on together, under one position: a request and its response may stand in different ones.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from monitor.errors import SourceUnavailable
from monitor.instant import Instant
from monitor.record import Layout, Reason, Rejected
from monitor.sources.batch import Batch
from monitor.sources.formats import jsonl
from monitor.sources.formats.block import split
from monitor.sources.formats.event import Event, EventInvalid, Part
from monitor.sources.kafka.client import Unreachable
from monitor.sources.kafka.halves import event_of
from monitor.sources.kafka.held import Held, fetched
from monitor.sources.kafka.intake import Intake
from monitor.sources.kafka.merging import is_known, merged
from monitor.sources.kafka.partition import Partition, mark_of
from monitor.sources.kafka.settings import KafkaSettings
from monitor.sources.kafka.values import as_bytes, written_at
from monitor.sources.pairing import EventSettings, Made, Pairing
from monitor.sources.position import Position

if TYPE_CHECKING:
    from confluent_kafka import Message

_PATIENCE_SECONDS, _PATIENCE_AT_REST_SECONDS = 3.0, 30.0
_LITTLE_SECONDS = 0.05
_AFTER_ALL: Instant = 2**62


class KafkaEvents:
    """Reads a topic of events, or one of requests and one of responses; see :class:`KafkaSource` for the parameters.

    ``wall``: now, by this machine's clock: only events that wait while nothing more comes are given up by it.
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
        wall: Callable[[], Instant] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._settings, self._layout, self._root, self._block_bytes = settings, layout, root, block_bytes
        self._events = settings.events or EventSettings()
        self._at_rest, self._clock, self._wall = at_rest, clock, wall
        self._intakes = [
            Intake(self._of_topic(topic), root, block_bytes, at_rest=at_rest, clock=clock) for topic in settings.topics
        ]
        self._pairing = Pairing(self._events)
        self._at: tuple[int, str | None] | None = None  # what is remembered is of this position
        self._count = 0
        self._parts: dict[str, Position] = {}
        self._held: dict[int, Held] = {}
        self._gone: list[Rejected] = []  # halves that were to be held, and are no more

    def _of_topic(self, topic: str) -> KafkaSettings:
        return self._settings.model_copy(update={"topic": topic})

    def close(self) -> None:
        """Give the connections back."""
        for intake in self._intakes:
            intake.close()
        self._at = None

    def matches(self) -> list[Path]:
        """Return none: a topic is no file."""
        return []

    def problem(self) -> str | None:
        """Say why a topic cannot be read; that it has no messages yet is no problem."""
        for intake, topic in zip(self._intakes, self._settings.topics, strict=True):
            if not intake.is_open and intake.trouble is None:
                intake.open({})
            if intake.trouble is not None:
                return f"{topic}: {intake.trouble}"
        return None

    @property
    def away(self) -> bool:
        """Say whether there may be messages that cannot be had now."""
        return not all(intake.is_open for intake in self._intakes) or not all(map(is_known, self._all()))

    def read(self, positions: Mapping[str, Position]) -> Batch | None:
        """Read what was written next.

        Raises
        ------
        SourceUnavailable: of topics at rest, which are to be read to their end, a part cannot be read.
        """
        at = positions.get(self._settings.topic, Position(self._settings.topic, 0, 0))
        try:
            if self._at != (at.offset, at.cursor):
                self._recover(at)
            return self._read(at)
        except Unreachable as error:
            self.close()
            self._intakes[0].fail(str(error))
            if self._at_rest:
                told = f"{self._settings.topic}: {error}"
                raise SourceUnavailable(told, "see that its brokers run and can be reached") from None
            return None

    def _recover(self, at: Position) -> None:
        """Go on where a position says, and hold again what waited there."""
        self.close()
        told = {"parts": {}, "held": []} if at.cursor is None else json.loads(at.cursor)
        self._parts = {path: Position.from_json(body) for path, body in told["parts"].items()}
        self._pairing, self._count, self._held, self._gone = Pairing(self._events), at.offset, {}, []
        wanted = {place: Held(place, *rest) for place, *rest in told["held"]}
        found = dict(fetched(wanted.values(), self._of_topic, self._root))
        for held in sorted(wanted.values()):
            message = found.get(held)
            event = None if message is None else self._event(message)
            if message is None or not isinstance(event, Event):
                path = f"{held.topic}/{held.partition}"
                self._gone.append(Rejected(Reason.LOST, path, held.offset, "it waited for its other half"))
                continue
            self._pairing.hold(event, written_at(message) or 0, held.place)
            self._held[held.place] = held
        self._at = at.offset, at.cursor

    def _all(self) -> list[Partition]:
        return [part for intake in self._intakes for part in intake.parts]

    def _read(self, at: Position) -> Batch | None:
        opened = [intake.open(self._parts) for intake in self._intakes]
        if not all(opened):
            if self._at_rest:
                raise Unreachable(self.problem() or "no broker answers")
            return None
        self._receive_enough()
        made, refused = Made(), list(self._gone)
        last: dict[str, Message] = {}
        where = {place: (f"{held.topic}/{held.partition}", held.offset) for place, held in self._held.items()}
        for part, message in merged(self._all(), self._block_bytes):
            last[part.at.path] = message
            where[self._count] = part.at.path, message.offset() or 0
            self._take(message, made)
        if not last and all(part.ended and not part.waiting for part in self._all()):
            self._pairing.expire(_AFTER_ALL if self._at_rest else self._wall(), made)
        refused += [Rejected(reason, *where[place], "an event") for reason, place in made.refused]
        return self._batch(at, made, refused, last)

    def _receive_enough(self) -> None:
        """Wait until it is known of each partition what comes next, and as much came as is read at once, or all."""
        until = self._clock() + (_PATIENCE_AT_REST_SECONDS if self._at_rest else _PATIENCE_SECONDS)
        came = self._receive(0.0)
        while not self._is_enough():
            known = all(map(is_known, self._all()))
            if not came and ((known and not self._at_rest) or self._clock() >= until):
                break
            if not self._at_rest and any(intake.trouble is not None for intake in self._intakes):
                break
            came = self._receive(_LITTLE_SECONDS)
        if self._at_rest and self.away:
            raise Unreachable("a partition has no broker that answers")

    def _receive(self, wait_seconds: float) -> bool:
        came = [intake.receive(wait_seconds) for intake in self._intakes]
        return any(came)

    def _is_enough(self) -> bool:
        parts = self._all()
        ended = all(part.ended for part in parts)
        return all(map(is_known, parts)) and (ended or sum(p.waiting_bytes for p in parts) >= self._block_bytes)

    def _take(self, message: Message, made: Made) -> None:
        """Take a message that comes next, and note where it stands, in case that it is to wait."""
        place, self._count = self._count, self._count + 1
        event = self._event(message)
        if isinstance(event, Reason):
            made.refused.append((event, place))
            return
        written = message.timestamp()[1]
        self._held[place] = Held(place, message.topic() or "", message.partition() or 0, message.offset() or 0, written)
        if (event.part is Part.FEEDBACK) == self._layout.needs_id:  # a topic may hold feedback, which is of targets
            self._pairing.take(event, written_at(message) or 0, place, made)

    def _event(self, message: Message) -> Event | Reason:
        """Return what a message says, or why it counts for nothing."""
        value = message.value()
        if value is None:
            return Reason.TOMBSTONE
        if len(as_bytes(value)) > self._settings.max_message:
            return Reason.TOO_LONG
        alone = None
        if self._settings.responses is not None:
            alone = Part.RESPONSE if message.topic() == self._settings.responses else Part.REQUEST
        try:
            event = event_of(message, alone)
        except EventInvalid:
            return Reason.EVENT_INVALID
        if event.part is None:
            return Reason.EVENT_TYPE_UNKNOWN
        return event if alone or self._is_wanted(event) else Reason.OTHER_COMPONENT

    def _is_wanted(self, event: Event) -> bool:
        service, namespace = self._events.service, self._events.namespace
        named = service is None or event.service == service
        return named and (namespace is None or event.more.get("namespace") == namespace)

    def _batch(self, at: Position, made: Made, refused: list[Rejected], last: Mapping[str, Message]) -> Batch | None:
        lost = 0
        for intake in self._intakes:
            for part in intake.parts:
                told = part.told if not part.waiting else []
                if told or part.at.path in last:
                    self._move(part, last.get(part.at.path), intake.cluster)
                if told:
                    refused, lost, part.told, part.lost = [*refused, *told], lost + part.lost, [], 0
        if not (last or refused or lost or made.lines):
            return None
        topic, decoded = self._settings.topic, jsonl.decode(split(at.path, b"".join(made.lines)), self._layout)
        newest = pc.max(decoded.table["timestamp"]).as_py()
        position = replace(
            at,
            offset=self._count,
            cursor=self._cursor(self._pairing.places),
            newest=max((instant for instant in (newest, at.newest) if instant is not None), default=None),
        )
        self._at, self._gone = (position.offset, position.cursor), []
        rejected = (*refused, *decoded.rejected)
        return Batch(topic, topic, decoded.table, position, rejected, decoded.mismatched, lost=lost)

    def _move(self, part: Partition, last: Message | None, cluster: str | None) -> None:
        """Note how far a partition was read."""
        offset = (part.waiting[0].offset() or 0) if part.waiting else part.next
        markers = part.at.markers if last is None else (mark_of(last),)
        part.at = replace(part.at, offset=offset, markers=markers, cursor=cluster)
        part.handed = True
        self._parts[part.at.path] = part.at

    def _cursor(self, places: Iterable[int]) -> str:
        """Write down how far each partition was read, and where what waits stands."""
        self._held = {place: self._held[place] for place in places}
        parts = {path: at.to_json() for path, at in sorted(self._parts.items())}
        return json.dumps({"parts": parts, "held": [astuple(each) for each in self._held.values()]})
