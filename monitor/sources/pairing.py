"""Requests and responses that come apart, in any order, become records in the native layout.

Whichever comes first is held until the other comes, or its time is up. A request without a response is a record all the
same: its inputs count, and its error is ``no_response``. A response without a request has nothing to compare.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import unquote

from pydantic import Field

from monitor.instant import Instant, from_text, microseconds, to_text
from monitor.record import Reason
from monitor.settings import Duration, Settings
from monitor.sources.formats import inference
from monitor.sources.formats.event import Event, Part
from monitor.sources.formats.tensors import TensorInvalid

NO_RESPONSE = "no_response"
_MOST_HELD, _MOST_HELD_BYTES = 4096, 2**25
_Name = Annotated[str, Field(min_length=1, max_length=256)]
_OWN = ("prediction", "score")
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


@dataclass(frozen=True, slots=True)
class _Half:
    """A request or a response that waits for the other; ``at`` is when it came."""

    event: Event
    at: Instant
    place: int


_Pair: TypeAlias = tuple[str, ...]


class Pairing:
    """Holds what waits: what it gives depends on the events and their times alone."""

    def __init__(self, settings: EventSettings) -> None:
        self._settings = settings
        self._within = microseconds(settings.within)
        self._held: OrderedDict[_Pair, _Half] = OrderedDict()
        self._bytes = 0

    @property
    def places(self) -> tuple[int, ...]:
        """Return where in the stream the events stand that are held, in the order in which they came."""
        return tuple(half.place for half in self._held.values())

    def hold(self, event: Event, at: Instant, place: int) -> None:
        """Let an event wait for its other half."""
        self._held[event.pair] = _Half(event, at, place)
        self._bytes += len(event.body)

    def take(self, event: Event, at: Instant, place: int, made: Made) -> None:
        """Take an event that came."""
        self.expire(at, made)
        if not self._settings.wants(event):
            made.refused.append((Reason.OTHER_COMPONENT, place))
            return
        if event.part is Part.FEEDBACK:
            _add(made, place, lambda: targets(event, at))
            return
        if self._settings.mode == "request":
            if event.part is Part.REQUEST:
                _add(made, place, lambda: self._records(_Half(event, at, place), None, made))
            return
        other = self._held.get(event.pair)
        if other is None or other.event.part is event.part:
            self._give_up([event.pair] if other else [], made)
            self.hold(event, at, place)
            self._bound(made)
            return
        self._forget(event.pair)
        mine = _Half(event, at, place)
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

    def _forget(self, pair: _Pair) -> _Half:
        half = self._held.pop(pair)
        self._bytes -= len(half.event.body)
        return half

    def _records(
        self, request: _Half, response: _Half | None, made: Made, error: str | None = None
    ) -> list[dict[str, Any]]:
        asked = _body(request.event)
        base: dict[str, Any] = {"timestamp": request.event.time or to_text(request.at), "error": error}
        base["model_version"] = request.event.more.get("modelversion")
        inputs = [self._inputs(row) for row in asked.rows]
        answers: Sequence[Mapping[str, Any]] = [{} for _ in inputs]
        if response is not None:
            try:
                answered = _body(response.event)
            except (inference.BodyUnknown, TensorInvalid):
                made.refused.append((Reason.BODY_UNKNOWN, response.place))
                answered = inference.Body([])
            base["model_version"] = answered.version or base["model_version"]
            base["latency_ms"] = _latency(request.event.time, response.event.time)
            if len(answered.rows) == len(inputs):
                answers = [self._outputs(row) for row in answered.rows]
            elif answered.rows:
                made.refused.append((Reason.ROWS_DISAGREE, response.place))
        ids = _ids(asked.id or _request_id(request.event) or request.event.pair[-1], len(inputs))
        rows = zip(ids, inputs, answers, strict=True)
        return [{**base, "request_id": id_, "inputs": given, **answer} for id_, given, answer in rows]

    def _inputs(self, row: Any) -> dict[str, Any]:
        return _named(row, self._settings.features)

    def _outputs(self, row: Any) -> dict[str, Any]:
        """Return an answer's names: ``prediction`` and ``score`` are the record's own, others stand in ``outputs``."""
        names = self._settings.outputs
        found = _named(row, names or (("prediction",) if _width(row) == 1 else ()))
        if len(found) == 1 and not names:
            found = {"prediction": next(iter(found.values())), **found}
        own = {name: found.pop(name) for name in _OWN if name in found}
        return {**own, "outputs": found} if found else own


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
    values = [next(iter(_named(row, ()).values()), None) for row in rows]
    base = {"timestamp": event.time or to_text(at)}
    return [
        {**base, "request_id": id_, "target": value}
        for id_, value in zip(_ids(event.pair[-1], len(values)), values, strict=True)
    ]


def _add(made: Made, place: int, rows: Any) -> None:
    """Add the lines of an event's rows, or why there are none."""
    try:
        made.lines += [_encoded(row).encode() + b"\n" for row in rows()]
    except inference.BodyUnknown:
        made.refused.append((Reason.BODY_UNKNOWN, place))
    except TensorInvalid:
        made.refused.append((Reason.TENSOR_INVALID, place))


def _body(event: Event) -> inference.Body:
    length = event.more.get("jsonlength", "") or _metadata(event).get("inference-header-content-length", "")
    return inference.read(event.body, int(length) if length.isdecimal() else None)


def _metadata(event: Event) -> dict[str, str]:
    """Return the headers of the request that KServe was told to add, by their names in small letters."""
    raw = event.more.get("metadata", "")
    for text in dict.fromkeys((raw, unquote(raw))) if raw else ():
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            continue
        items = told.items() if isinstance(told, dict) else ()
        firsts = ((name, value[0] if isinstance(value, list) and value else value) for name, value in items)
        return {name.lower(): value for name, value in firsts if isinstance(value, str)}
    return {}


def _request_id(event: Event) -> str | None:
    return _metadata(event).get("x-request-id") or None


def _ids(own: str, count: int) -> Iterator[str]:
    """Return the ids of the rows of one request: its own, and where there are several, with their number behind."""
    return iter([own] if count == 1 else [f"{own}/{number}" for number in range(count)])


def _latency(asked: str | None, answered: str | None) -> float | None:
    try:
        return None if not asked or not answered else (from_text(answered) - from_text(asked)) / 1000
    except ValueError:
        return None


def _width(row: Any) -> int:
    return len(row) if isinstance(row, list | dict) else 1


def _named(row: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return a row by names: its own, else those given, else its places."""
    if isinstance(row, dict):
        return dict(row)
    values = row if isinstance(row, list) else [row]
    return {names[at] if at < len(names) else str(at): value for at, value in enumerate(values)}
