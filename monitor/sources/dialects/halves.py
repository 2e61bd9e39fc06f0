"""Logs in which a request and its response stand apart: each becomes an event, and they are paired afterwards.

KServe's logger in blob mode writes an object, or an array of some; Azure's data collector a CloudEvent a line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitor.record import Reason, Told
from monitor.sources.dialects.bodies import of_base64, rows_of, text_of
from monitor.sources.formats.event import Event, EventInvalid, Part, of_object, to_line
from monitor.sources.formats.inference import BodyUnknown
from monitor.sources.pairing import EventSettings

_ABOUT = {
    "inferenceService": "inferenceservicename",
    "namespace": "namespace",
    "component": "component",
    "endpoint": "endpoint",
}
_AZURE = "azureml.inference."


@dataclass(frozen=True, slots=True)
class KServe:
    """Reads what KServe's logger writes to a bucket as JSON."""

    settings: EventSettings

    def read(self, line: Mapping[str, Any]) -> Told:
        """Read one logged half."""
        type_, id_, body = (text_of(line.get(name)) for name in ("reqType", "id", "bytes"))
        if type_ is None or id_ is None or body is None:
            return Told((), [(Reason.EVENT_INVALID, "no reqType, id or bytes")])
        more = {name: text for key, name in _ABOUT.items() if (text := text_of(line.get(key))) is not None}
        if isinstance(line.get("metadata"), dict):
            more["metadata"] = json.dumps(line["metadata"])
        try:
            event = Event(type_, "", id_, text_of(line.get("occurrenceTime")), more, of_base64(body))
        except BodyUnknown as error:
            return Told((), [(Reason.BODY_UNKNOWN, str(error))])
        return _told([event], self.settings)


@dataclass(frozen=True, slots=True)
class Azure:
    """Reads what Azure's data collector writes; a collection of inputs and outputs at once is told as both."""

    settings: EventSettings

    def read(self, line: Mapping[str, Any]) -> Told:
        """Read one event."""
        if isinstance(line.get("data"), str):
            return Told((), [(Reason.BODY_TOO_LARGE, "the data lie elsewhere")])
        try:
            event = of_object(line)
            return _told(self._apart(event), self.settings)
        except EventInvalid as error:
            return Told((), [(Reason.EVENT_INVALID, str(error))])
        except BodyUnknown as error:
            return Told((), [(Reason.BODY_UNKNOWN, str(error))])

    def _apart(self, event: Event) -> list[Event]:
        """Return the request and the response of a collection that holds both."""
        if event.part is not None or not event.type.startswith(_AZURE):
            return [event]
        rows = rows_of(event.body)
        if not all(isinstance(row, dict) for row in rows):
            raise BodyUnknown("rows without names")
        wanted = self.settings.outputs
        inputs = [{name: value for name, value in row.items() if name not in wanted} for row in rows]
        answers = [{name: row[name] for name in wanted if name in row} for row in rows]
        asked = replace(event, type=f"{_AZURE}model_inputs", body=json.dumps(inputs).encode())
        return [asked, replace(event, type=f"{_AZURE}model_outputs", body=json.dumps(answers).encode())]


def _told(events: Sequence[Event], settings: EventSettings) -> Told:
    """Return events as lines to be paired, or why they are not of the model."""
    made: list[Mapping[str, Any]] = []
    refused: list[tuple[Reason, str]] = []
    for event in events:
        if event.part not in {Part.REQUEST, Part.RESPONSE}:
            refused.append((Reason.EVENT_TYPE_UNKNOWN, f"a type of {len(event.type)} characters"))
        elif not settings.is_of_model(event):
            refused.append((Reason.OTHER_COMPONENT, "another service, namespace or component"))
        else:
            made.append({"timestamp": event.time, **json.loads(to_line(event))})
    return Told(made, refused)
