"""An inference event, such as KServe's logger sends: a CloudEvent whose body is a request or a response.

Read from what comes by HTTP (binary, structured and batched mode of CloudEvents 1.0, and 0.3 as MLServer says it),
and written to a spool as one line.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from monitor.sources.formats.json_rows import too_deep

_PREFIX = "ce-"
_VERSIONS = re.compile(r"0\.3|1\.\d+")
_NEEDED = ("id", "source", "specversion", "type")
_RAW = frozenset({"metadata", "annotations"})  # JSON that KServe does not encode as the specification wants
_DATA = frozenset({"data", "data_base64", "datacontenttype", "datacontentencoding"})
_MOST_TEXT = 4096
_encoded = json.JSONEncoder(separators=(",", ":")).encode


class EventInvalid(ValueError):
    """What came is no CloudEvent; the text says why, and nothing of what was sent."""


class Part(StrEnum):
    """Which part of an inference an event tells of."""

    REQUEST = "request"
    RESPONSE = "response"
    FEEDBACK = "feedback"


_PARTS = {
    "org.kubeflow.serving.inference.request": Part.REQUEST,
    "org.kubeflow.serving.inference.response": Part.RESPONSE,
    "io.kserve.inference.request": Part.REQUEST,
    "io.kserve.inference.response": Part.RESPONSE,
    "io.seldon.serving.inference.request": Part.REQUEST,
    "io.seldon.serving.inference.response": Part.RESPONSE,
    "io.seldon.serving.feedback": Part.FEEDBACK,
    "azureml.inference.model_inputs": Part.REQUEST,
    "azureml.inference.model_outputs": Part.RESPONSE,
    "azureml.inference.request": Part.REQUEST,
    "azureml.inference.response": Part.RESPONSE,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes
    ----------
    more: every other attribute, by its name in small letters.
    body: the request or response as it was.
    """

    type: str
    source: str
    id: str
    time: str | None
    more: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def part(self) -> Part | None:
        """Return what it tells of; ``None`` of a type that is not known."""
        return _PARTS.get(self.type)

    @property
    def pair(self) -> tuple[str, ...]:
        """Return what a request and its response share: KServe gives both one id, Seldon and Azure say it beside."""
        own = self.more.get("requestid") or self.more.get("correlationid") or self.id
        return (self.more.get("namespace", ""), self.service, self.component, own)

    @property
    def key(self) -> str:
        """Return what it is known by when it comes again."""
        request = self.more.get("requestid")
        return "\n".join((request, self.component, self.type) if request else (self.source, self.id, self.type))

    @property
    def service(self) -> str:
        """Return the name of what was asked: of the inference service, or of Azure's endpoint."""
        found = re.search(r"/onlineEndpoints/([^/]+)", self.source)
        return self.more.get("inferenceservicename") or (found[1] if found else "")

    @property
    def component(self) -> str:
        """Return which part of the service tells of it: KServe's component, or Seldon's node of the graph."""
        return self.more.get("component") or self.more.get("modelid") or ""


def binary(headers: Mapping[str, str], body: bytes) -> Event:
    """Read an event whose attributes are headers, by names in small letters.

    Raises
    ------
    EventInvalid: an attribute lacks or cannot be read.
    """
    given = {name[len(_PREFIX) :]: value for name, value in headers.items() if name.startswith(_PREFIX)}
    attributes = {name: value if name in _RAW else _decoded(value) for name, value in given.items()}
    for header in ("inference-header-content-length",):
        if header in headers:
            attributes["jsonlength"] = headers[header]
    return of_attributes(attributes, body)


def _decoded(value: str) -> str:
    """Undo what the HTTP binding asks for: quotes, then one round of percent-encoding."""
    text = value.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    try:
        return unquote(text.encode("latin-1").decode(), errors="strict") if not text.isascii() else _unquoted(text)
    except UnicodeError:
        raise EventInvalid("an attribute is not UTF-8") from None


def _unquoted(text: str) -> str:
    return unquote(text, errors="strict") if "%" in text else text


def structured(body: bytes) -> Event:
    """Read an event that is one JSON object.

    Raises
    ------
    EventInvalid: it is none.
    """
    return of_object(_loaded(body))


def batch(body: bytes) -> list[Event]:
    """Read events that are a JSON array of objects.

    Raises
    ------
    EventInvalid: one of them is none.
    """
    found = _loaded(body)
    if not isinstance(found, list):
        raise EventInvalid("a batch is an array")
    return [of_object(each) for each in found]


def _loaded(body: bytes) -> Any:
    if too_deep(body):
        raise EventInvalid("nested too deep")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise EventInvalid("not JSON") from None


def of_object(given: Any) -> Event:
    """Read an event that is one JSON object, already read.

    Raises
    ------
    EventInvalid: it is none.
    """
    if not isinstance(given, dict):
        raise EventInvalid("an event is an object")
    attributes = {}
    for name, value in given.items():
        if name in _DATA or value is None:
            continue
        attributes[name] = value if isinstance(value, str) else json.dumps(value)
    return of_attributes(attributes, _data(given))


def _data(given: Mapping[str, Any]) -> bytes:
    if "data_base64" in given:
        if "data" in given or not isinstance(given["data_base64"], str):
            raise EventInvalid("data and data_base64 exclude each other, and the latter is text")
        try:
            return base64.b64decode(given["data_base64"], validate=True)
        except binascii.Error:
            raise EventInvalid("data_base64 is not base64") from None
    data, kind = given.get("data"), given.get("datacontenttype")
    is_json = not isinstance(kind, str) or "json" in kind.lower()
    return data.encode("utf-8", "replace") if isinstance(data, str) and not is_json else json.dumps(data).encode()


def of_attributes(attributes: Mapping[str, str], body: bytes) -> Event:
    """Read an event whose attributes are known, by names in small letters.

    Raises
    ------
    EventInvalid: one lacks or is too long.
    """
    for name in _NEEDED:
        if not attributes.get(name):
            raise EventInvalid(f"{name} is missing")
    if not _VERSIONS.fullmatch(attributes["specversion"]):
        raise EventInvalid("specversion is neither 1.0 nor 0.3")
    if any(len(value) > _MOST_TEXT for name, value in attributes.items() if name not in _RAW):
        raise EventInvalid(f"an attribute is longer than {_MOST_TEXT} characters")
    known = {"id", "source", "specversion", "type", "time"}
    more = {name: value for name, value in attributes.items() if name not in known and value}
    return Event(attributes["type"], attributes["source"], attributes["id"], attributes.get("time"), more, body)


def to_line(event: Event) -> bytes:
    """Write an event as one line of JSON."""
    try:
        name, body = "text", event.body.decode()
    except UnicodeDecodeError:
        name, body = "base64", base64.b64encode(event.body).decode()
    told = {"type": event.type, "source": event.source, "id": event.id, "time": event.time, "more": event.more}
    return _encoded({**told, name: body}).encode() + b"\n"


def from_line(line: bytes) -> Event:
    """Read what :func:`to_line` wrote."""
    told = json.loads(line)
    body = told["text"].encode("utf-8", "surrogatepass") if "text" in told else base64.b64decode(told["base64"])
    return Event(told["type"], told["source"], told["id"], told["time"], told["more"], body)
