"""Log records as OTLP says them in protobuf, read as :mod:`monitor.sources.otlp.logs` reads them from JSON.

The one home of OpenTelemetry's library, which is loaded with the first export that needs it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from monitor.sources.otlp.logs import Log, OtlpInvalid, Twice


class ProtobufMissing(Exception):
    """The library that reads protobuf is not installed."""


def from_protobuf(body: bytes) -> Iterator[Log]:
    """Yield the records of an ``ExportLogsServiceRequest``.

    Raises
    ------
    OtlpInvalid: it is none. ProtobufMissing: nothing here can read it.
    """
    try:
        from google.protobuf.message import DecodeError
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    except ImportError:
        raise ProtobufMissing from None
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError:
        raise OtlpInvalid("not the protobuf of an ExportLogsServiceRequest") from None
    for resource in request.resource_logs:
        of_resource = _mapping(resource.resource.attributes, Twice())
        for scope in resource.scope_logs:
            outer = of_resource | _mapping(scope.scope.attributes, Twice())
            for record in scope.log_records:
                yield _log(record, outer)


def _log(record: Any, outer: Mapping[str, Any]) -> Log:
    twice = Twice()
    attributes = {**outer, **_mapping(record.attributes, twice)}
    body = _value(record.body, twice)
    at = record.time_unix_nano or record.observed_time_unix_nano
    return Log(attributes, body, at, record.trace_id.hex(), record.span_id.hex(), twice.found)


def _mapping(pairs: Any, twice: Twice) -> dict[str, Any]:
    return twice.mapping((pair.key, _value(pair.value, twice)) for pair in pairs)


def _value(given: Any, twice: Twice) -> Any:
    """Return an ``AnyValue`` as a plain value."""
    kind = given.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_value(each, twice) for each in given.array_value.values]
    if kind == "kvlist_value":
        return _mapping(given.kvlist_value.values, twice)
    value = getattr(given, kind)
    return base64.b64encode(value).decode() if kind == "bytes_value" else value
