"""Logs of OpenTelemetry that are sent to ``/v1/logs``: what becomes a record, how the rest is told, and no 500."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from monitor.sources.otlp.logs import Log, OtlpInvalid, from_json
from monitor.sources.otlp.protobuf import from_protobuf
from tests.web.asking import Answer, ask
from tests.web.entrance import Entrance
from tests.web.sample import MODEL

JSON, PROTOBUF = "application/json", "application/x-protobuf"
AT = 1_795_298_400_120_418_009
RECORD = {
    "inputs": {"age": 34, "plan": "gold"},
    "prediction": 1,
    "score": 0.07,
    "request_id": "42",
    "timestamp": "2026-11-21T22:00:00.120418009Z",
}
"""What ``LOG`` is as a record."""


def any_value(value: Any) -> AnyValue:
    """Return a plain value as OTLP says it."""
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=pairs(value)))
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(each) for each in value]))
    names = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value", bytes: "bytes_value"}
    return AnyValue() if value is None else AnyValue(**{names[type(value)]: value})


def pairs(values: dict[str, Any]) -> list[KeyValue]:
    """Return attributes."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def log(body: Any = None, at: int = AT, seen: int = 0, **attributes: Any) -> LogRecord:
    """Return a log record; double underscores in names of attributes stand for dots."""
    named = {name.replace("__", "."): value for name, value in attributes.items()}
    return LogRecord(time_unix_nano=at, observed_time_unix_nano=seen, body=any_value(body), attributes=pairs(named))


LOG = log({"features": {"age": 34, "plan": "gold"}, "prediction": 1, "score": 0.07}, ml__request__id="42")


def export(*records: LogRecord, **resource: str) -> ExportLogsServiceRequest:
    """Return an export of records of the sample's model, unless its resource says otherwise."""
    named = {name.replace("__", "."): value for name, value in resource.items()} or {"ml.model.name": MODEL}
    scopes = [ScopeLogs(log_records=records)]
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=Resource(attributes=pairs(named)), scope_logs=scopes)]
    )


def in_json(request: ExportLogsServiceRequest) -> bytes:
    """Return an export as OTLP's own JSON: as protobuf's, but for ids in hexadecimal."""
    told = MessageToDict(request)
    for resource, plain in zip(request.resource_logs, told.get("resourceLogs", []), strict=True):
        for scope, inner in zip(resource.scope_logs, plain.get("scopeLogs", []), strict=True):
            for record, written in zip(scope.log_records, inner.get("logRecords", []), strict=True):
                written |= {"traceId": record.trace_id.hex(), "spanId": record.span_id.hex()}
    return json.dumps(told).encode()


@pytest.fixture
def entrance(tmp_path: Path) -> Iterator[Entrance]:
    """Lend an application that takes records, of which one model watches a service."""
    made = Entrance(tmp_path)
    made.doors.services = {"churn-api": (("ml", MODEL),)}
    yield made
    made.syncer.stop()


def send(entrance: Entrance, body: bytes, content_type: str = PROTOBUF, **headers: str) -> Answer:
    """Send an export."""
    return ask(entrance.app, "/v1/logs", "POST", body, content_type=content_type, **headers)


def kept(entrance: Entrance) -> list[Any]:
    """Return the records that lie in the spool."""
    return [row for rows, _ in entrance.frames() for row in rows]


@pytest.mark.parametrize("packing", ["identity", "gzip"])
@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_a_log_is_a_record(entrance: Entrance, kind: str, packing: str) -> None:
    """However an export is written, its logs are on the disk as records when the answer comes."""
    body = export(LOG).SerializeToString() if kind == PROTOBUF else in_json(export(LOG))
    answer = send(entrance, gzip.compress(body) if packing == "gzip" else body, kind, content_encoding=packing)
    assert (answer.status, answer.headers["content-type"]) == (200, kind)
    assert answer.body == (b"" if kind == PROTOBUF else b"{}")
    assert kept(entrance) == [RECORD]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            log(
                ml__input__age=34,
                ml__prediction="no",
                ml__score__yes=0.1,
                ml__score__no=0.9,
                ml__latency_ms=3.5,
                ml__model__version="7",
                ml__resource__tokens=12,
                error__type="timeout",
            ),
            {
                "inputs": {"age": 34},
                "prediction": "no",
                "score": {"yes": 0.1, "no": 0.9},
                "latency_ms": 3.5,
                "model_version": "7",
                "resources": {"tokens": 12},
                "error": "timeout",
            },
        ),
        (log('{"inputs": {"age": 34}, "prediction": 0}', ml__prediction=1), {"inputs": {"age": 34}, "prediction": 0}),
        (log({"inputs": {"a": [1.5, None], "b": b"x"}}), {"inputs": {"a": [1.5, None], "b": "eA=="}}),
    ],
    ids=["attributes", "text of JSON", "lists and bytes"],
)
def test_what_stands_where_is_mapped(entrance: Entrance, record: LogRecord, expected: dict[str, Any]) -> None:
    """Attributes fill in what the body does not say."""
    send(entrance, export(record).SerializeToString())
    assert kept(entrance) == [expected | {"timestamp": RECORD["timestamp"]}]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (log({"prediction": 1, "timestamp": "2026-01-05T00:00:00Z"}), "2026-01-05T00:00:00Z"),
        (log({"prediction": 1, "timestamp": 1795298400.1}), RECORD["timestamp"]),
        (log({"prediction": 1}, at=0, seen=AT), RECORD["timestamp"]),
    ],
    ids=["its own", "a number", "seen"],
)
def test_the_time_is_the_records_own_or_the_logs(entrance: Entrance, record: LogRecord, expected: str) -> None:
    """A time that is text counts, and else when it happened, and else when it was seen."""
    send(entrance, export(record).SerializeToString())
    assert [row["timestamp"] for row in kept(entrance)] == [expected]


def test_the_model_is_named_or_watches_a_service(entrance: Entrance) -> None:
    """``service.name`` and ``service.namespace`` lead to a model by its ``events``, as they do for KServe's."""
    request = export(LOG, service__name="churn-api", service__namespace="ml")
    assert send(entrance, request.SerializeToString()).status == 200
    assert kept(entrance) == [RECORD]


def test_ids_of_traces_are_kept(entrance: Entrance) -> None:
    """A record holds its trace and span, so that it can be found there, or known by them."""
    record = log({"prediction": 1})
    record.trace_id, record.span_id = bytes(range(16)), bytes(range(8))
    send(entrance, in_json(export(record)), JSON)
    assert [(row["trace_id"], row["span_id"]) for row in kept(entrance)] == [
        ("000102030405060708090a0b0c0d0e0f", "0001020304050607")
    ]


MIXED = (LOG, log("hello"), log({"prediction": 1}, at=0), log({"prediction": 1}, ml__model__name="nobody"))
TOLD = "3 of 4 records were not taken: 1 model_unknown, 1 not_object, 1 timestamp_missing"


def test_what_is_not_taken_is_told_in_json(entrance: Entrance) -> None:
    """A partial success says how many records were not taken, and why; those of a known model are counted, too."""
    answer = send(entrance, in_json(export(*MIXED)), JSON)
    assert (answer.status, answer.json) == (200, {"partialSuccess": {"rejectedLogRecords": "3", "errorMessage": TOLD}})
    assert entrance.frames() == [([RECORD], {"not_object": 1, "timestamp_missing": 1})]


def test_what_is_not_taken_is_told_in_protobuf(entrance: Entrance) -> None:
    """A partial success is a message that OpenTelemetry's own classes read."""
    answer = send(entrance, export(*MIXED).SerializeToString())
    told = ExportLogsServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, told.rejected_log_records, told.error_message) == (200, 3, TOLD)


def test_other_logs_of_a_service_may_come_along(entrance: Entrance) -> None:
    """Where no attribute names a model, what tells of no inference is said to be none, and not counted."""
    request = export(log("the server started"), log({"port": 80}), service__name="churn-api", service__namespace="ml")
    told = "2 of 2 records were not taken: 2 no inference"
    answer = send(entrance, in_json(request), JSON)
    assert (answer.status, answer.json) == (200, {"partialSuccess": {"rejectedLogRecords": "2", "errorMessage": told}})
    assert entrance.frames() == []


@pytest.mark.parametrize(
    ("body", "kind", "status", "message"),
    [
        (
            b"\xff\xff",
            PROTOBUF,
            400,
            "otlp_invalid: no export of logs: not the protobuf of an ExportLogsServiceRequest",
        ),
        (b"{]", JSON, 400, "otlp_invalid: no export of logs: not JSON"),
        (b"[]", JSON, 400, "otlp_invalid: no export of logs: the body is not an object"),
        (b"[" * 9999, JSON, 400, "otlp_invalid: no export of logs: nested too deep"),
        (b'{"resourceLogs": {}}', JSON, 400, "otlp_invalid: no export of logs: resourceLogs is not an array"),
        (
            export(log("x")).SerializeToString(),
            PROTOBUF,
            400,
            "not_object: 1 of 1 records were not taken: 1 not_object",
        ),
        (
            b"{}",
            "text/plain",
            415,
            "media_type_unsupported: expected content-type application/x-protobuf or application/json",
        ),
        (b" " * (2**20 + 1), PROTOBUF, 413, "body_too_large: the body is too large: more than 1048576 bytes"),
    ],
    ids=["no protobuf", "no JSON", "no object", "deep", "no array", "none passes", "another type", "large"],
)
def test_what_cannot_be_taken_is_a_status(
    entrance: Entrance, body: bytes, kind: str, status: int, message: str
) -> None:
    """A refusal is a ``google.rpc.Status`` in the format that was sent, and nothing is kept."""
    answer = send(entrance, body, kind)
    told = Status.FromString(answer.body).message if kind == PROTOBUF else answer.json["message"]
    assert (answer.status, told) == (status, message)
    assert kept(entrance) == []


def test_too_many_records_are_refused(tmp_path: Path) -> None:
    """An export of more records than ``server.limits`` allow is refused as a whole."""
    from monitor.config.server import LimitSettings

    entrance = Entrance(tmp_path, limits=LimitSettings(records=1))
    assert send(entrance, export(LOG, LOG).SerializeToString()).status == 413
    assert kept(entrance) == []


def test_a_full_spool_says_when_to_come_again(tmp_path: Path) -> None:
    """Over capacity the answer is one that OpenTelemetry's senders repeat."""
    entrance = Entrance(tmp_path, capacity=10)
    answer = send(entrance, export(LOG).SerializeToString())
    entrance.syncer.stop()
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(codec="utf-8"), max_size=5)
    | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*RECORD, "features"]), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["ml.model.name", "ml.input.age", "ml.score", "ml.score.a", "service.name", "error.type"])
LOGS = st.builds(
    lambda body, attributes, at, seen: LogRecord(
        time_unix_nano=at, observed_time_unix_nano=seen, body=any_value(body), attributes=pairs(attributes)
    ),
    PLAIN,
    st.dictionaries(NAMES, PLAIN | st.just(MODEL), max_size=4),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
)


def _same(one: Any, other: Any) -> bool:
    """Compare plain values; NaN is NaN."""
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    return type(one) is type(other) and bool(one == other)


@settings(max_examples=40, deadline=None)
@given(records=st.lists(LOGS, max_size=3))
def test_json_and_protobuf_say_the_same(records: list[LogRecord]) -> None:
    """What protobuf's own library writes as JSON is read as what it writes as bytes."""
    request = export(*records)

    def plain(log: Log) -> dict[str, Any]:
        return {"attributes": log.attributes, "body": log.body, "at": log.at, "ids": [log.trace, log.span]}

    read = [plain(log) for log in from_json(in_json(request))]
    assert _same(read, [plain(log) for log in from_protobuf(request.SerializeToString())])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(records=st.lists(LOGS, max_size=2), torn=st.integers(0, 40), kind=st.sampled_from([JSON, PROTOBUF]))
def test_no_log_gets_a_500(entrance: Entrance, records: list[LogRecord], torn: int, kind: str) -> None:
    """Whatever is sent, whole or torn, is taken, or refused as the sender's fault."""
    body = export(*records).SerializeToString() if kind == PROTOBUF else in_json(export(*records))
    assert send(entrance, body[: len(body) - torn], kind).status in {200, 400}


RECORDS = [
    "resourceLogs",
    "scopeLogs",
    "logRecords",
    "resource",
    "scope",
    "attributes",
    "body",
    "timeUnixNano",
    "traceId",
]
VALUES = ["key", "value", "kvlistValue", "values", "intValue", "doubleValue", "stringValue", "boolValue"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(RECORDS + VALUES), inner),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(told=ANYTHING)
def test_any_json_is_read_or_refused(told: Any) -> None:
    """Of JSON in no shape that is known, it is said that it is no export of logs."""
    with suppress(OtlpInvalid):
        assert all(log.at >= 0 for log in from_json(json.dumps(told).encode()))
