"""What a log record of OpenTelemetry says of an inference, as a record of the native format.

OpenTelemetry has no convention for inferences of such models, so the names of attributes are ours, but for
``error.type`` and ``service.name``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.record import Reason
from monitor.sources.formats.json_rows import Refused, too_deep
from monitor.sources.otlp.logs import Log

MODEL, SERVICE, NAMESPACE = "ml.model.name", "service.name", "service.namespace"
FIELDS = {
    "ml.request.id": "request_id",
    "ml.model.version": "model_version",
    "ml.prediction": "prediction",
    "ml.score": "score",
    "ml.latency_ms": "latency_ms",
    "error.type": "error",
}
"""Attributes that become a field of the record, if its body does not say it."""
GROUPS = {"ml.input.": "inputs", "ml.resource.": "resources", "ml.score.": "score"}
"""What attributes that begin so are gathered in; the rest of their name is the name there."""
_TELLING = frozenset({"inputs", "features", "prediction", "score"})
"""One of them makes an inference of what a service logs, where no attribute names a model."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Named:
    """Whose inference it is: ``model`` if an attribute says it, and else the model of a service."""

    model: str | None
    service: str
    namespace: str | None


def named(attributes: Mapping[str, Any]) -> Named:
    """Return whose inference a log tells of, by its attributes."""
    model, service, namespace = (attributes.get(name) for name in (MODEL, SERVICE, NAMESPACE))
    return Named(
        model if isinstance(model, str) else None,
        service if isinstance(service, str) else "",
        namespace if isinstance(namespace, str) else None,
    )


def record_of(log: Log) -> dict[str, Any]:
    """Return what a log says of an inference; its time is not yet in the record (:func:`timed`).

    Raises
    ------
    Refused: it cannot be read.
    """
    if log.twice:
        raise Refused(Reason.DUPLICATE_KEY, "a key came twice")
    record = _body(log.body)
    if "features" in record and "inputs" not in record:
        record["inputs"] = record.pop("features")
    for name, value in _of_attributes(log.attributes).items():
        if record.get(name) is None:
            record[name] = value
    if not record:
        raise Refused(Reason.NOT_OBJECT, "neither a body that is a map nor attributes of an inference")
    if log.trace:
        record.setdefault("trace_id", log.trace)
    if log.span:
        record.setdefault("span_id", log.span)
    return record


def is_inference(log: Log) -> bool:
    """Say whether a log tells of an inference: one that names its model does, and else what it holds decides."""
    if isinstance(log.attributes.get(MODEL), str):
        return True
    body = log.body if isinstance(log.body, dict) else {}
    text = log.body if isinstance(log.body, str) else ""
    told = _of_attributes(log.attributes).keys() | body.keys()
    return bool(_TELLING & told) or (text.lstrip().startswith("{") and any(f'"{name}"' in text for name in _TELLING))


def timed(record: dict[str, Any], log: Log, path: str) -> dict[str, Any]:
    """Give a record the time of its log where it has none of its own; a number is no time, as nobody says of what."""
    *groups, name = [path] if path in record else path.split(".")
    inner = record
    for group in groups:
        found = inner.get(group)
        inner[group] = inner = dict(found) if isinstance(found, dict) else {}
    if log.at and not isinstance(inner.get(name), str):
        inner[name] = _text(log.at)
    return record


def _body(body: Any) -> dict[str, Any]:
    """Return a body that is a map, or the text of one; empty where it is only text."""
    if isinstance(body, str) and body.lstrip().startswith("{"):
        return _parsed(body)
    return dict(body) if isinstance(body, dict) else {}


def _parsed(text: str) -> dict[str, Any]:
    if too_deep(text.encode("utf-8", "replace")):
        raise Refused(Reason.JSON_SYNTAX, "nested too deep")
    try:
        read: dict[str, Any] = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Refused(Reason.JSON_SYNTAX, "a body that is text is not JSON") from None
    return read


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise Refused(Reason.DUPLICATE_KEY, "a key came twice")
    return made


def _of_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name, value in attributes.items():
        if name in FIELDS:
            record[FIELDS[name]] = value
    for name, value in attributes.items():
        for prefix, group in GROUPS.items():
            if name.startswith(prefix):
                inner = record.setdefault(group, {})
                if isinstance(inner, dict):
                    inner[name.removeprefix(prefix)] = value
    return record


def _text(nanos: int) -> str:
    seconds, rest = divmod(nanos, _NANOS)
    return f"{(_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]}.{rest:09d}Z"
