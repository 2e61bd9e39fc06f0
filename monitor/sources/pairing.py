"""Requests and responses that come apart, in any order, become records in the native layout.

Whichever comes first is held until the other comes, or its time is up. A request without a response is a record all the
same: its inputs count, and its error is ``no_response``. A response without a request has nothing to compare.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from monitor.instant import Instant, microseconds, to_text
from monitor.record import Reason
from monitor.settings import Duration, Settings
from monitor.sources.calls import Half, ids, named, records
from monitor.sources.formats import inference
from monitor.sources.formats.event import Event, Part
from monitor.sources.formats.tensors import TensorInvalid

NO_RESPONSE = "no_response"
_MOST_HELD, _MOST_HELD_BYTES = 4096, 2**25
_Name = Annotated[str, Field(min_length=1, max_length=256)]
_encoded = json.JSONEncoder(separators=(",", ":")).encode


class EventSettings(Settings):
    """How inference events (KServe, Seldon, Azure) become records.

    ``service`` and ``namespace`` are what events call the model; unset: its name, and any. ``component`` is the part of
    the service whose events count: KServe's component or Seldon's node; unset: KServe's predictor, and every node.
    ``mode`` is what the server logs: with ``request`` no response is waited for. ``features`` names inputs that come
    without names, ``outputs`` answers that do.
    """

    service: _Name | None = None
    namespace: _Name | None = None
    component: _Name | None = None
    mode: Literal["all", "request"] = "all"
    within: Duration = timedelta(minutes=5)
    features: tuple[_Name, ...] = ()
    outputs: tuple[_Name, ...] = ()

    def is_of_model(self, event: Event) -> bool:
        """Say whether an event is of the service that counts, and of its part that does."""
        ours = self.service in {None, event.service} and self.namespace in {None, event.more.get("namespace", "")}
        return ours and self.wants(event)

    def wants(self, event: Event) -> bool:
        """Say whether an event is of the part of the service that counts."""
        if self.component is not None:
            return event.component == self.component
        return event.more.get("component", "predictor") == "predictor"


@dataclass(slots=True)
class Made:
    """What came of some events: records as lines of JSON, and refusals by reason, each with its place in the stream."""

    lines: list[bytes] = field(default_factory=list)
    refused: list[tuple[Reason, int]] = field(default_factory=list)


_Pair: TypeAlias = tuple[str, ...]


class Pairing:
    """Holds what waits: what it gives depends on the events and their times alone."""

    def __init__(self, settings: EventSettings) -> None:
        self._settings = settings
        self._within = microseconds(settings.within)
        self._held: OrderedDict[_Pair, Half] = OrderedDict()
        self._bytes = 0

    @property
    def places(self) -> tuple[int, ...]:
        """Return where in the stream the events stand that are held, in the order in which they came."""
        return tuple(half.place for half in self._held.values())

    @property
    def waiting(self) -> tuple[Half, ...]:
        """Return what is held, in the order in which it came."""
        return tuple(self._held.values())

    def hold(self, event: Event, at: Instant, place: int) -> None:
        """Let an event wait for its other half."""
        self._held[event.pair] = Half(event, at, place)
        self._bytes += len(event.body)

    def take(self, event: Event, at: Instant, place: int, made: Made, now: Instant | None = None) -> None:
        """Take an event that came at ``at``; ``now`` is another, where events do not come in the order of time."""
        self.expire(at if now is None else now, made)
        if not self._settings.wants(event):
            made.refused.append((Reason.OTHER_COMPONENT, place))
            return
        if event.part is Part.FEEDBACK:
            _add(made, place, lambda: targets(event, at))
            return
        if self._settings.mode == "request":
            if event.part is Part.REQUEST:
                _add(made, place, lambda: self._records(Half(event, at, place), None, made))
            return
        other = self._held.get(event.pair)
        if other is None or other.event.part is event.part:
            self._give_up([event.pair] if other else [], made)
            self.hold(event, at, place)
            self._bound(made)
            return
        self._forget(event.pair)
        mine = Half(event, at, place)
        request, response = (mine, other) if event.part is Part.REQUEST else (other, mine)
        _add(made, place, lambda: self._records(request, response, made))

    def expire(self, now: Instant, made: Made) -> None:
        """Give up what has waited too long."""
        due = []
        for pair, half in self._held.items():
            if half.at > now - self._within:
                break
            due.append(pair)
        self._give_up(due, made)

    def _bound(self, made: Made) -> None:
        while len(self._held) > _MOST_HELD or self._bytes > _MOST_HELD_BYTES:
            self._give_up([next(iter(self._held))], made)

    def _give_up(self, pairs: Iterable[_Pair], made: Made) -> None:
        for pair in pairs:
            half = self._forget(pair)
            if half.event.part is Part.RESPONSE:
                made.refused.append((Reason.REQUEST_MISSING, half.place))
                continue
            _add(made, half.place, lambda request=half: self._records(request, None, made, NO_RESPONSE))

    def _records(
        self, request: Half, response: Half | None, made: Made, error: str | None = None
    ) -> list[dict[str, Any]]:
        return records(request, response, self._settings, made.refused, error)

    def _forget(self, pair: _Pair) -> Half:
        half = self._held.pop(pair)
        self._bytes -= len(half.event.body)
        return half


def targets(event: Event, at: Instant) -> list[dict[str, Any]]:
    """Return the targets that a feedback event tells: its truth, by the id of its request.

    Raises
    ------
    BodyUnknown: it tells none.
    TensorInvalid: its truth does not agree with itself.
    """
    try:
        told = json.loads(event.body)
    except (ValueError, RecursionError):
        raise inference.BodyUnknown("not JSON") from None
    truth = told.get("truth") if isinstance(told, dict) else None
    if truth is None:
        raise inference.BodyUnknown("no truth")
    rows = inference.read(json.dumps(truth).encode()).rows
    values = [next(iter(named(row, ()).values()), None) for row in rows]
    base = {"timestamp": event.time or to_text(at)}
    return [
        {**base, "request_id": id_, "target": value}
        for id_, value in zip(ids(event.pair[-1], len(values)), values, strict=True)
    ]


def _add(made: Made, place: int, rows: Any) -> None:
    """Add the lines of an event's rows, or why there are none."""
    try:
        made.lines += [_encoded(row).encode() + b"\n" for row in rows()]
    except inference.BodyUnknown:
        made.refused.append((Reason.BODY_UNKNOWN, place))
    except TensorInvalid:
        made.refused.append((Reason.TENSOR_INVALID, place))
