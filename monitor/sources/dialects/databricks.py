"""Databricks' inference tables: a row is a call, its request and its response are texts of JSON.

Three schemas are in use; a column is looked for under each of its names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor.instant import to_text
from monitor.record import Reason, Told
from monitor.sources.calls import Names
from monitor.sources.dialects.bodies import call, first_text, stamped

_IDS = ("client_request_id", "databricks_request_id", "invocation_id")
TIMES = ("request_time", "event_time")
_LATENCIES = ("execution_duration_ms", "execution_time_ms", "latency_ms")
_TOO_LARGE = {"request": "MAX_REQUEST_SIZE_EXCEEDED", "response": "MAX_RESPONSE_SIZE_EXCEEDED"}
_WELL = range(200, 300)


@dataclass(frozen=True, slots=True)
class Databricks:
    """Reads rows of an inference table."""

    names: Names

    def read(self, line: Mapping[str, Any]) -> Told:
        """Read one row."""
        request, response = (_payload(line, name) for name in ("request", "response"))
        if request is None:
            return Told((), [_missing(line, "request")])
        status = _whole(line.get("status_code"))
        failed = status is not None and status not in _WELL
        told = call(first_text(line, _IDS), request, None if failed else response, self.names)
        if response is None and not failed:
            told = Told(told.records, [*told.refused, _missing(line, "response")])
        latency = next((line[name] for name in _LATENCIES if line.get(name) is not None), None)
        beside = {"timestamp": _instant(line), "latency_ms": latency, "error": f"status_{status}" if failed else None}
        version = _version(line)
        return stamped(told, beside if version is None else {**beside, "model_version": version})


def _payload(line: Mapping[str, Any], name: str) -> bytes | None:
    value = line.get(name)
    return value.encode("utf-8", "replace") if isinstance(value, str) and value.strip() else None


def _missing(line: Mapping[str, Any], name: str) -> tuple[Reason, str]:
    codes = line.get("logging_error_codes")
    large = isinstance(codes, list | str) and _TOO_LARGE[name] in codes
    return Reason.BODY_TOO_LARGE if large else Reason.BODY_UNKNOWN, f"no {name}"


def _whole(value: Any) -> int | None:
    """Return a whole number, which tables of texts write as one."""
    try:
        return None if value is None or isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _instant(line: Mapping[str, Any]) -> Any:
    """Return when a call came; what is no instant is left for the layout to refuse."""
    told = next((line[name] for name in TIMES if line.get(name) is not None), None)
    milliseconds = line.get("timestamp_ms")
    if told is not None or milliseconds is None:
        return told
    number = _whole(milliseconds)
    try:
        return "" if number is None else to_text(number * 1000)
    except (OverflowError, ValueError):
        return ""


def _version(line: Mapping[str, Any]) -> str | None:
    told = line.get("request_metadata")
    pairs = told.items() if isinstance(told, dict) else told if isinstance(told, list) else ()
    named = {pair[0]: pair[1] for pair in map(tuple, filter(_is_pair, pairs))}
    version = named.get("model_version") or line.get("served_entity_id")
    return version if isinstance(version, str) and version else None


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], str)  # noqa: PLR2004 - a name and its value
