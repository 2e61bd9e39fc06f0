"""BentoML's monitoring files: a line is a record, flat, stamped by the server's own clock without an offset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from monitor.instant import from_datetime, to_text
from monitor.record import Reason, Told
from monitor.sources.calls import Names

_OWN = ("timestamp", "request_id", "trace_id")
_NONE = ("", "None", "0")
"""What BentoML writes for an id outside of a request."""


@dataclass(frozen=True, slots=True)
class BentoMl:
    """Reads lines of ``data.*.log``; answers keep their own names. ``zone`` is the server's."""

    names: Names
    zone: str

    def read(self, line: Mapping[str, Any]) -> Told:
        """Read one line."""
        if "columns" in line and "meta_data" in line:
            return Told((), [(Reason.EVENT_INVALID, "a schema, no record: let path match data files alone")])
        given = {name: value for name, value in line.items() if name not in _OWN}
        answers = {name: given.pop(name) for name in self.names.outputs if name in given}
        wanted = self.names.features
        inputs = {name: value for name, value in given.items() if not wanted or name in wanted}
        id_ = line.get("request_id")
        record = {
            "timestamp": self._instant(line.get("timestamp")),
            "request_id": None if id_ in _NONE else id_,
            "inputs": inputs,
        }
        return Told([{**answers, **record}])

    def _instant(self, told: Any) -> Any:
        """Return an instant with its offset; what is none is left for the layout to refuse."""
        try:
            found = datetime.fromisoformat(told)
            if found.tzinfo is None:
                found = found.replace(tzinfo=ZoneInfo(self.zone))
            return to_text(from_datetime(found))
        except (TypeError, ValueError, OverflowError):
            return told
