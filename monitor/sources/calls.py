"""One call of a model, its request and its response, as records in the native layout: a row of the request is one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

from monitor.instant import Instant, from_text, to_text
from monitor.record import Reason
from monitor.sources.formats import inference
from monitor.sources.formats.event import Event
from monitor.sources.formats.tensors import TensorInvalid

_OWN = ("prediction", "score")


class Names(Protocol):
    """What values that come without names are called: of inputs, and of answers."""

    @property
    def features(self) -> tuple[str, ...]:
        """Return the names of inputs, in order."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the names of answers, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Half:
    """A request or a response; ``at`` is when it came, ``place`` where it stands in its stream."""

    event: Event
    at: Instant
    place: int


def records(
    request: Half,
    response: Half | None,
    names: Names,
    refused: MutableSequence[tuple[Reason, int]],
    error: str | None = None,
) -> list[dict[str, Any]]:
    """Return the records of a call; what of its response cannot be used goes to ``refused``.

    Raises
    ------
    BodyUnknown: the request is of no known form.
    TensorInvalid: a tensor of the request does not agree with itself.
    """
    asked = _body(request.event)
    base: dict[str, Any] = {"timestamp": request.event.time or to_text(request.at), "error": error}
    base["model_version"] = request.event.more.get("modelversion")
    rows = [named(row, names.features) for row in asked.rows]
    answers: Sequence[Mapping[str, Any]] = [{} for _ in rows]
    if response is not None:
        try:
            answered = _body(response.event)
        except (inference.BodyUnknown, TensorInvalid):
            refused.append((Reason.BODY_UNKNOWN, response.place))
            answered = inference.Body([])
        base["model_version"] = answered.version or base["model_version"]
        base["latency_ms"] = _latency(request.event.time, response.event.time)
        if len(answered.rows) == len(rows):
            answers = [outputs(row, names.outputs) for row in answered.rows]
        elif answered.rows:
            refused.append((Reason.ROWS_DISAGREE, response.place))
    own = ids(asked.id or _request_id(request.event) or request.event.pair[-1], len(rows))
    return [
        {**base, "request_id": id_, "inputs": given, **answer}
        for id_, given, answer in zip(own, rows, answers, strict=True)
    ]


def outputs(row: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return an answer by names: ``prediction`` and ``score`` are the record's own, others stand in ``outputs``."""
    found = named(row, names or (("prediction",) if _width(row) == 1 else ()))
    if len(found) == 1 and not names:
        found = {"prediction": next(iter(found.values())), **found}
    own = {name: found.pop(name) for name in _OWN if name in found}
    return {**own, "outputs": found} if found else own


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


def ids(own: str, count: int) -> Iterator[str]:
    """Return the ids of the rows of one request: its own, and where there are several, with their number behind."""
    return iter([own] if count == 1 else [f"{own}/{number}" for number in range(count)])


def _latency(asked: str | None, answered: str | None) -> float | None:
    try:
        return None if not asked or not answered else (from_text(answered) - from_text(asked)) / 1000
    except ValueError:
        return None


def _width(row: Any) -> int:
    return len(row) if isinstance(row, list | dict) else 1


def named(row: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return a row by names: its own, else those given, else its places."""
    if isinstance(row, dict):
        return dict(row)
    values = row if isinstance(row, list) else [row]
    return {names[at] if at < len(names) else str(at): value for at, value in enumerate(values)}
