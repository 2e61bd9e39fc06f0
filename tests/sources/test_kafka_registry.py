"""Values that a schema registry describes, of a topic on brokers that speak the real protocol."""

from __future__ import annotations

import base64
import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import fastavro
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2, wrappers_pb2
from pydantic import ValidationError

from monitor.errors import SourceUnavailable
from monitor.record import Column, Kind, Layout, Role
from monitor.sources.batch import Batch
from monitor.sources.kafka.client import Unreachable
from monitor.sources.kafka.described import Described, line_of
from monitor.sources.kafka.registry import Registry
from monitor.sources.kafka.settings import KafkaSettings, RegistrySettings
from monitor.sources.kafka.source import KafkaSource
from monitor.sources.position import Position
from tests.scripted_http import Request, ScriptedServer, scripted
from tests.sources.brokers import Brokers, brokers

LAYOUT = Layout("timestamp", (Column("x", "inputs.x", Role.FEATURE, Kind.NUMERIC),), id="request_id")
AT = datetime(2026, 1, 5, 8, 30, 0, 120000, tzinfo=UTC)
INPUTS = {
    "type": "record",
    "name": "Inputs",
    "namespace": "shop",
    "fields": [{"name": "x", "type": ["null", "double"]}],
}
RECORD = {
    "type": "record",
    "name": "Inference",
    "fields": [
        {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "request_id", "type": "string"},
        {"name": "inputs", "type": "shop.Inputs"},
    ],
}


class Schemas:
    """A registry over HTTP: what stands at its paths, and what it was asked."""

    def __init__(self) -> None:
        self.at: dict[str, dict[str, Any]] = {}
        self.status = 200
        self.server: ScriptedServer | None = None

    @property
    def url(self) -> str:
        """Return its address, which has a path."""
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.port}/schemas-of-all"

    @property
    def asked(self) -> list[str]:
        """Return the paths that it was asked for."""
        assert self.server is not None
        return [request.line.split()[1].removeprefix("/schemas-of-all") for request in self.server.requests]

    def answer(self, opened: socket.socket, _over: threading.Event) -> None:
        """Answer a request as a registry does."""
        assert self.server is not None
        found = self.at.get(self.asked[-1])
        status = self.status if found is not None or self.status != 200 else 404
        body = json.dumps(found if status == 200 else {"error_code": status * 100 + 3, "message": "no"}).encode()
        opened.sendall(b"HTTP/1.1 %d Told\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    def last(self) -> Request:
        """Return the last request."""
        assert self.server is not None
        return self.server.requests[-1]


@contextmanager
def serving() -> Iterator[Schemas]:
    """Serve schemas."""
    schemas = Schemas()
    with scripted(schemas.answer) as schemas.server:
        yield schemas


@pytest.fixture
def schemas() -> Iterator[Schemas]:
    """Give a registry with one schema of Avro, number 7, that refers to another."""
    with serving() as made:
        reference = {"name": "shop.Inputs", "subject": "shop/inputs", "version": 2}
        made.at["/schemas/ids/7"] = {"schema": json.dumps(RECORD), "references": [reference]}
        made.at["/subjects/shop%2Finputs/versions/2"] = {"schema": json.dumps(INPUTS), "version": 2, "id": 3}
        yield made


@pytest.fixture
def cluster() -> Iterator[Brokers]:
    """Give a cluster with a topic."""
    with brokers(logged=1) as made:
        yield made


def framed(number: int, body: bytes) -> bytes:
    """Return a value as a producer with a registry writes it."""
    return b"\x00" + number.to_bytes(4, "big") + body


def avro(schema: Any, value: Any, number: int = 7) -> bytes:
    """Return a value of Avro."""
    written = io.BytesIO()
    fastavro.schemaless_writer(written, fastavro.parse_schema(schema), value)
    return framed(number, written.getvalue())


def inference(x: float | None, name: str = "a") -> bytes:
    """Return an inference as Avro, whose schema has the one that it refers to in it."""
    whole = json.loads(json.dumps(RECORD).replace('"shop.Inputs"', json.dumps(INPUTS)))
    return avro(whole, {"timestamp": AT, "request_id": name, "inputs": {"x": x}})


def source(cluster: Brokers, schemas: Schemas, *, at_rest: bool = True, **options: Any) -> KafkaSource:
    """Return the source of the topic, with a registry."""
    given = {"type": "kafka", "servers": cluster.servers, "topic": "logged", "registry": {"url": schemas.url}}
    return KafkaSource(KafkaSettings.model_validate(given), LAYOUT, Path(), at_rest=at_rest, **options)


def read(cluster: Brokers, schemas: Schemas) -> Batch:
    """Read all that there is, at once."""
    reader = source(cluster, schemas)
    batch = reader.read({})
    reader.close()
    assert batch is not None
    return batch


def test_avro_is_read_by_its_schema(cluster: Brokers, schemas: Schemas) -> None:
    """Values of Avro are records, beside such of JSON, and the registry is asked once for each schema."""
    plain = {"timestamp": "2026-01-05T09:00:00Z", "request_id": "c", "inputs": {"x": 3}}
    cluster.put("logged", [inference(1.5), inference(None, "b"), plain])
    assert read(cluster, schemas).table.to_pylist() == [
        {"timestamp": 1767601800120000, "request_id": "a", "inputs.x": 1.5},
        {"timestamp": 1767601800120000, "request_id": "b", "inputs.x": None},
        {"timestamp": 1767603600000000, "request_id": "c", "inputs.x": 3.0},
    ]
    assert schemas.asked == ["/schemas/ids/7", "/subjects/shop%2Finputs/versions/2"]


def test_what_is_not_of_its_schema_is_refused_by_its_reason(cluster: Brokers, schemas: Schemas) -> None:
    """A number that the registry does not have, and values not of their schema, are counted; others are read."""
    schemas.at["/schemas/ids/8"] = {"schema": '"string"'}
    odd = [framed(9, b"x"), framed(7, b"\x02"), inference(1.0) + b"\x00", b"\x00\x00", framed(8, b"\x04ab")]
    cluster.put("logged", [*odd, inference(2.0), framed(9, b"y")])
    batch = read(cluster, schemas)
    assert batch.table["inputs.x"].to_pylist() == [2.0]
    assert batch.refused() == {"schema_unknown": 2, "unreadable": 3, "not_object": 1}
    assert schemas.asked.count("/schemas/ids/9") == 1


@pytest.mark.parametrize(
    ("status", "why"),
    [(503, "answers 503, and no schema"), (401, "refuses the login"), (301, "answers 301, and no schema")],
)
def test_a_registry_that_is_down_is_told_and_heals(cluster: Brokers, schemas: Schemas, status: int, why: str) -> None:
    """While a schema cannot be had, nothing is read or refused, and the problem says why; then reading goes on."""
    now, positions = 0.0, dict[str, Position]()
    cluster.put("logged", [inference(1.0)])
    live = source(cluster, schemas, at_rest=False, clock=lambda: now)
    schemas.status = status
    assert live.read(positions) is None
    assert (live.away, live.problem()) == (True, f"logged: the schema registry {why}")
    schemas.status, now = 200, 11.0
    batch = live.read(positions)
    live.close()
    assert batch is not None
    assert (batch.table["inputs.x"].to_pylist(), batch.rejected) == ([1.0], ())


def test_a_replay_without_its_registry_fails(cluster: Brokers, schemas: Schemas) -> None:
    """Half a topic is no answer: a replay that cannot read a value ends, and says no address."""
    cluster.put("logged", [inference(1.0)])
    schemas.at.clear()
    schemas.status = 500
    with pytest.raises(SourceUnavailable, match="logged: the schema registry answers 500, and no schema"):
        source(cluster, schemas).read({})


def described(schemas: Schemas, **options: Any) -> Described:
    """Return what reads values by a registry."""
    return Described(Registry(RegistrySettings.model_validate({"url": schemas.url, **options}), Path()))


def test_values_of_avro_become_those_of_a_log(schemas: Schemas) -> None:
    """Instants, days, decimals, UUIDs, bytes and NaN are as JSON would have had them."""
    kinds = {
        "at": {"type": "long", "logicalType": "timestamp-millis"},
        "day": {"type": "int", "logicalType": "date"},
        "price": {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2},
        "key": {"type": "string", "logicalType": "uuid"},
        "raw": "bytes",
        "ratio": "double",
        "plan": {"type": "enum", "name": "Plan", "symbols": ["GOLD", "FREE"]},
    }
    schema = {"type": "record", "name": "All", "fields": [{"name": name, "type": kind} for name, kind in kinds.items()]}
    schemas.at["/schemas/ids/1"] = {"schema": json.dumps(schema)}
    key = UUID("0b8f3f0e-7e0c-4b41-8b62-3f9f1d2c4a10")
    value = {"at": AT, "day": AT.date(), "price": Decimal("12.50"), "key": key, "raw": b"ab", "ratio": float("nan")}
    assert json.loads(described(schemas)(avro(schema, value | {"plan": "FREE"}, 1))) == {
        "at": "2026-01-05T08:30:00.120000Z", "day": "2026-01-05", "price": 12.5, "key": str(key), "raw": "YWI=",
        "ratio": None, "plan": "FREE",
    }  # fmt: skip


def test_an_odd_number_changes_no_other_value() -> None:
    """With NaN beside it, or without, every value is written alike."""
    value = {"at": AT, "prices": [Decimal("0.1"), 1e300], "deep": {"raw": b"ab", "day": AT.date()}, "n": 2**60}
    calm, odd = (json.loads(line_of(value | {"x": x})) for x in (1.0, float("-inf")))
    assert calm == odd | {"x": 1.0}
    assert odd["x"] is None


def proto() -> tuple[Any, Any, Any]:
    """Return two files of protocol buffers, the second with the first and a message within another, and its class."""
    kinds = descriptor_pb2.FieldDescriptorProto
    inner = descriptor_pb2.FileDescriptorProto(name="shop/inputs.proto", package="shop", syntax="proto3")
    inputs = inner.message_type.add(name="Inputs")
    inputs.field.add(name="x", number=1, type=kinds.TYPE_DOUBLE, label=kinds.LABEL_OPTIONAL)
    inputs.field.add(name="visits", number=2, type=kinds.TYPE_INT64, label=kinds.LABEL_OPTIONAL)
    outer = descriptor_pb2.FileDescriptorProto(name="log.proto", package="shop.log", syntax="proto3")
    outer.dependency.extend(["google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto", "shop/inputs.proto"])
    outer.message_type.add(name="Other")
    record = outer.message_type.add(name="Outer").nested_type.add(name="Inference")
    plan = record.enum_type.add(name="Plan")
    for number, name in enumerate(("FREE", "GOLD")):
        plan.value.add(name=name, number=number)
    told: list[tuple[str, int, int, str | None]] = [
        ("timestamp", 1, kinds.TYPE_MESSAGE, ".google.protobuf.Timestamp"),
        ("request_id", 2, kinds.TYPE_STRING, None),
        ("inputs", 3, kinds.TYPE_MESSAGE, ".shop.Inputs"),
        ("score", 4, kinds.TYPE_MESSAGE, ".google.protobuf.DoubleValue"),
        ("plan", 5, kinds.TYPE_ENUM, ".shop.log.Outer.Inference.Plan"),
        ("raw", 6, kinds.TYPE_BYTES, None),
    ]
    for name, number, kind, type_name in told:
        record.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL, type_name=type_name)
    record.field.add(name="shares", number=7, type=kinds.TYPE_FLOAT, label=kinds.LABEL_REPEATED)
    pool = descriptor_pool.DescriptorPool()
    for known in (timestamp_pb2, wrappers_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(inner.SerializeToString())
    pool.AddSerializedFile(outer.SerializeToString())
    return inner, outer, message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.log.Outer.Inference"))


@pytest.fixture
def proto_schemas(schemas: Schemas) -> Schemas:
    """Give a registry with a schema of protocol buffers, number 5."""
    inner, outer, _ = proto()
    told = {"schemaType": "PROTOBUF", "references": [{"name": "shop/inputs.proto", "subject": "inputs", "version": 1}]}
    schemas.at["/schemas/ids/5"] = told | {"schema": "as it is written"}
    schemas.at["/schemas/ids/5?format=serialized"] = told | {"schema": _text(outer)}
    schemas.at["/subjects/inputs/versions/1?format=serialized"] = {"schemaType": "PROTOBUF", "schema": _text(inner)}
    return schemas


def _text(file: Any) -> str:
    return base64.b64encode(file.SerializeToString()).decode()


def test_protocol_buffers_are_read_by_their_description(proto_schemas: Schemas) -> None:
    """A message within another, with others of other files, becomes the object that it is."""
    _, _, inference_class = proto()
    message = inference_class(request_id="a", plan=1, raw=b"ab", shares=[0.5, 0.25])
    message.timestamp.FromDatetime(AT)
    message.inputs.x, message.inputs.visits = 1.5, 2**60
    path = b"\x04\x02\x00"  # two numbers, each doubled: 1, 0
    read_again = json.loads(described(proto_schemas)(framed(5, path + message.SerializeToString())))
    assert read_again == {
        "timestamp": "2026-01-05T08:30:00.120Z", "request_id": "a", "inputs": {"x": 1.5, "visits": 2**60},
        "score": None, "plan": "GOLD", "raw": "YWI=", "shares": [0.5, 0.25],
    }  # fmt: skip


def test_protocol_buffers_of_a_topic_are_records(cluster: Brokers, proto_schemas: Schemas) -> None:
    """They come as any record does, and what is none of them is counted."""
    _, _, inference_class = proto()
    message = inference_class(request_id="a")
    message.timestamp.FromDatetime(AT)
    message.inputs.x = 2.5
    whole = b"\x04\x02\x00" + message.SerializeToString()
    cluster.put("logged", [framed(5, whole), framed(5, whole[:-3]), framed(5, b"\x02\x0e"), framed(5, b"\x02")])
    batch = read(cluster, proto_schemas)
    assert batch.table.to_pylist() == [{"timestamp": 1767601800120000, "request_id": "a", "inputs.x": 2.5}]
    assert batch.refused() == {"unreadable": 3}


def test_json_that_a_registry_knows_is_read(schemas: Schemas) -> None:
    """Of JSON with a schema what follows the number is the value."""
    schemas.at["/schemas/ids/2"] = {"schemaType": "JSON", "schema": "{}"}
    assert json.loads(described(schemas)(framed(2, b'{"a": 1}'))) == {"a": 1}


def test_a_registry_that_nobody_serves_is_told_without_its_address() -> None:
    """Where nothing listens, it is said that it cannot be reached, and not where."""
    with serving() as gone:
        read_by = described(gone)
    with pytest.raises(Unreachable, match=r"^the schema registry cannot be reached \(ConnectionRefusedError\)$"):
        read_by(framed(1, b""))


@pytest.mark.parametrize(
    "told",
    [
        {"schema": None},
        {"schema": "{"},
        {"schema": '"Unknown"'},
        {"schema": "{}", "references": [{"name": "a"}]},
        {"schema": '"string"', "references": [{"name": "a", "subject": "a", "version": 1}]},
        {"schemaType": "PROTOBUF", "schema": "syntax"},
    ],
    ids=["none", "no-json", "unknown-type", "half-a-reference", "lost-reference", "no-description"],
)
def test_a_registry_that_answers_nonsense_is_told(schemas: Schemas, told: dict[str, Any]) -> None:
    """What is no schema stops the reading, in words, and never by another error: nothing is refused for it."""
    schemas.at |= {"/schemas/ids/1": told, "/schemas/ids/1?format=serialized": told}
    with pytest.raises(Unreachable, match="schema"):
        described(schemas)(framed(1, b"\x00"))


def test_a_registry_is_given_its_login(schemas: Schemas) -> None:
    """User and password go with each request, as HTTP's basic scheme has them."""
    schemas.at["/schemas/ids/2"] = {"schemaType": "JSON", "schema": "{}"}
    described(schemas, user="driftline", password="secret")(framed(2, b"{}"))
    assert schemas.last().headers["authorization"] == f"Basic {base64.b64encode(b'driftline:secret').decode()}"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://registry"},
        {"url": "http://user:secret@registry"},
        {"url": "http://registry", "user": "driftline"},
    ],
    ids=["scheme", "login-in-url", "no-password"],
)
def test_wrong_settings_are_refused(wrong: dict[str, str]) -> None:
    """An address of another scheme or with a login in it, and half a login, are refused; no secret is told."""
    with pytest.raises(ValidationError) as refused:
        RegistrySettings.model_validate(wrong)
    assert len(refused.value.errors()) == 1


def test_a_registry_is_of_records() -> None:
    """Events say themselves what they are."""
    given = {
        "type": "kafka",
        "servers": "broker:9092",
        "topic": "a",
        "events": {},
        "registry": {"url": "http://registry"},
    }
    with pytest.raises(ValidationError, match="registry is of records"):
        KafkaSettings.model_validate(given)
