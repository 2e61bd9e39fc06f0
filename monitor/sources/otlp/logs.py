"""Log records as OTLP says them in JSON: 64-bit numbers are texts, ids are hexadecimal, what is not known is ignored.

:mod:`monitor.sources.otlp.protobuf` reads the same from protobuf.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.sources.formats.json_rows import too_deep

_INT64 = 2**63
_DIGITS = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NAMED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_ID = re.compile(r"(?:[0-9a-fA-F]{2})*")


class OtlpInvalid(ValueError):
    """What came is no export of logs; the text says why, and nothing of what was sent."""


@dataclass(frozen=True, slots=True)
class Log:
    """One log record, as plain values.

    Attributes
    ----------
    attributes: of its resource, its scope and itself; where they disagree the narrower one counts.
    body: a text, a number, a list, a mapping or ``None``; bytes as base64.
    at: nanoseconds since 1970 at which it happened, or else was seen; 0 if neither is told.
    trace, span: in hexadecimal; empty without one.
    twice: a key of it came twice.
    """

    attributes: Mapping[str, Any] = field(repr=False)
    body: Any = field(repr=False)
    at: int
    trace: str
    span: str
    twice: bool = False


class Twice:
    """Makes mappings of pairs, and remembers whether a key came twice."""

    def __init__(self) -> None:
        self.found = False

    def mapping(self, pairs: Iterator[tuple[str, Any]]) -> dict[str, Any]:
        """Return a mapping; of a key that came twice the last value."""
        made: dict[str, Any] = {}
        for key, value in pairs:
            self.found |= key in made
            made[key] = value
        return made


def from_json(body: bytes) -> Iterator[Log]:
    """Yield the records of an ``ExportLogsServiceRequest``.

    Raises
    ------
    OtlpInvalid: it is none.
    """
    if too_deep(body):
        raise OtlpInvalid("nested too deep")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise OtlpInvalid("not JSON") from None
    for resource in _messages(_message(told, "the body"), "resourceLogs"):
        of_resource = _attributes(_message(resource.get("resource") or {}, "resource"), Twice())
        for scope in _messages(resource, "scopeLogs"):
            outer = of_resource | _attributes(_message(scope.get("scope") or {}, "scope"), Twice())
            for record in _messages(scope, "logRecords"):
                yield _log(record, outer)


def _log(record: Mapping[str, Any], outer: Mapping[str, Any]) -> Log:
    twice = Twice()
    attributes = {**outer, **_attributes(record, twice)}
    body = _value(record.get("body"), twice)
    at = _nanos(record.get("timeUnixNano")) or _nanos(record.get("observedTimeUnixNano"))
    return Log(attributes, body, at, _hex(record.get("traceId")), _hex(record.get("spanId")), twice.found)


def _message(given: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise OtlpInvalid(f"{what} is not an object")
    return given


def _messages(given: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    listed = given.get(name)
    if listed is None:
        return
    if not isinstance(listed, list):
        raise OtlpInvalid(f"{name} is not an array")
    for each in listed:
        yield _message(each, f"an element of {name}")


def _attributes(given: Mapping[str, Any], twice: Twice, name: str = "attributes") -> dict[str, Any]:
    return twice.mapping(_pair(each, twice) for each in _messages(given, name))


def _pair(given: Mapping[str, Any], twice: Twice) -> tuple[str, Any]:
    return _text(given.get("key") or ""), _value(given.get("value"), twice)


def _value(given: Any, twice: Twice) -> Any:
    """Return an ``AnyValue`` as a plain value."""
    if given is None:
        return None
    for name, told in _message(given, "a value").items():
        if told is None:
            continue
        if name == "arrayValue":
            return [_value(each, twice) for each in _messages(_message(told, name), "values")]
        if name == "kvlistValue":
            return _attributes(_message(told, name), twice, "values")
        if name in _SCALARS:
            return _SCALARS[name](told)
    return None


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise OtlpInvalid("a stringValue or a key is not text")
    return given


def _bool(given: Any) -> bool:
    if not isinstance(given, bool):
        raise OtlpInvalid("a boolValue is neither true nor false")
    return given


def _int(given: Any) -> int:
    value = _whole(given)
    if value is None:
        raise OtlpInvalid("an intValue is not a whole number")
    if not -_INT64 <= value < _INT64:
        raise OtlpInvalid("an intValue has more than 64 bits")
    return value


def _whole(given: Any) -> int | None:
    """Return a whole number that JSON writes as text or as a number; ``None`` of anything else."""
    if isinstance(given, str):
        return int(given) if _DIGITS.fullmatch(given) else None
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def _double(given: Any) -> float:
    if isinstance(given, str):
        if given in _NAMED:
            return _NAMED[given]
        if _NUMBER.fullmatch(given):
            return float(given)
    try:
        if isinstance(given, float | int) and not isinstance(given, bool):
            return float(given)
    except OverflowError:
        pass
    raise OtlpInvalid("a doubleValue is not a number")


def _nanos(given: Any) -> int:
    """Return nanoseconds; 0 where there are none."""
    value = 0 if given is None else _whole(given)
    if value is None or not 0 <= value < 2 * _INT64:
        raise OtlpInvalid("a time is not a number of nanoseconds of 64 bits")
    return value


def _hex(given: Any) -> str:
    if given is None:
        return ""
    if not isinstance(given, str) or not _ID.fullmatch(given):
        raise OtlpInvalid("a traceId or spanId is not hexadecimal")
    return given.lower()


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "stringValue": _text,
    "boolValue": _bool,
    "intValue": _int,
    "doubleValue": _double,
    "bytesValue": _text,
}
