"""Messages of topics as halves of inferences, in each form in which servers write them."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, cast

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from monitor.sources.formats import inference
from monitor.sources.formats.event import EventInvalid, Part
from monitor.sources.kafka.halves import event_of
from monitor.sources.kafka.open_inference import as_json

AT = 1_795_298_400_120
ASKED = {"instances": [{"age": 34}]}
CE = {
    "ce_specversion": b"1.0",
    "ce_type": b"org.kubeflow.serving.inference.request",
    "ce_source": b"churn-predictor-7d9",
    "ce_id": "2f%30\u00e9".encode(),
    "ce_time": b"2026-11-21T22:00:00.12Z",
    "ce_inferenceservicename": b"churn",
    "ce_endpoint": b"",
    "content-type": b"application/json",
}
STRUCTURED = {name.removeprefix("ce_"): value.decode() for name, value in CE.items() if name.startswith("ce_")}
SELDON = {
    "type": b"io.seldon.serving.inference.response",
    "content-type": b"application/json",
    "modelid": b"classifier",
    "requestid": b"9f1c",
    "namespace": b"ml",
}


@dataclass(frozen=True)
class Written:
    """A message as a client hands it on."""

    body: bytes
    told: dict[str, bytes]
    named: bytes | None = None

    def value(self) -> bytes:
        return self.body

    def key(self) -> bytes | None:
        return self.named

    def headers(self) -> list[tuple[str, bytes]] | None:
        return list(self.told.items()) or None

    def timestamp(self) -> tuple[int, int]:
        return 1, AT

    def topic(self) -> str:
        return "logged"


def read(body: Any, told: dict[str, bytes], key: bytes | None = None, part: Part | None = None) -> Any:
    """Read a message."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return event_of(cast("Any", Written(data, told, key)), part)


def test_attributes_in_headers_are_taken_as_they_are() -> None:
    """Kafka's headers are bytes: nothing in them is encoded by per cent, and an empty one is none."""
    event = read(ASKED, CE)
    assert (event.part, event.id, event.time, event.service) == (
        Part.REQUEST,
        "2f%30\u00e9",
        "2026-11-21T22:00:00.12Z",
        "churn",
    )
    assert json.loads(event.body) == ASKED


@pytest.mark.parametrize(
    "told", [{"content-type": b"application/cloudevents+json; charset=utf-8"}, {}], ids=["said", "unsaid"]
)
def test_an_event_may_be_the_whole_value(told: dict[str, bytes]) -> None:
    """In structured mode attributes and body are one object."""
    event = read(STRUCTURED | {"data": ASKED}, told)
    assert (event.part, event.service, json.loads(event.body)) == (Part.REQUEST, "churn", ASKED)


def test_seldons_logger_says_no_time() -> None:
    """Its headers have no prefix; the request's id pairs, and the time is the message's."""
    event = read(ASKED, SELDON)
    assert (event.part, event.pair[-2:], event.time) == (
        Part.RESPONSE,
        ("classifier", "9f1c"),
        "2026-11-21T22:00:00.120000Z",
    )


@pytest.mark.parametrize(
    "framed", [b"", b"\x00\x00\x00\x00\x07\x00", b"\x00\x00\x00\x00\x07\x02\x04"], ids=["bare", "first", "third"]
)
def test_a_topic_of_requests_has_bodies_and_keys(framed: bytes) -> None:
    """Of Seldon Core 2's topics the key pairs, and what a schema registry puts before a body is left out."""
    event = read(framed + json.dumps(ASKED).encode(), {}, b"d1c2", Part.REQUEST)
    assert (event.part, event.pair[-1], json.loads(event.body)) == (Part.REQUEST, "d1c2", ASKED)


@pytest.mark.parametrize(
    ("body", "told", "key", "part"),
    [
        (b"\xff", {}, None, None),
        (ASKED, {}, None, None),
        (ASKED, CE | {"ce_id": b""}, None, None),
        (STRUCTURED, {"content-type": b"application/cloudevents-batch+json"}, None, None),
        (ASKED, SELDON | {"requestid": b""}, None, None),
        (ASKED, {}, None, Part.REQUEST),
        (b"\x00\x00\x00", {}, b"k", Part.REQUEST),
        (b"\x00\x00\x00\x00\x01\x7f\x80", {}, b"k", Part.REQUEST),
        (b"", {}, b"k", Part.REQUEST),
        (b"\x0a\x05ab", {}, b"k", Part.REQUEST),
        (b"\x0b", {}, b"k", Part.RESPONSE),
        (b"\x0a\x02ab", {}, b"k", Part.RESPONSE),
    ],
    ids=[
        "no-json", "no-event", "no-id", "batch", "no-request", "no-key", "cut-number", "cut-path", "empty", "cut-text",
        "group", "no-tensors",
    ],
)  # fmt: skip
def test_what_is_no_half_is_refused(body: Any, told: dict[str, bytes], key: bytes | None, part: Part | None) -> None:
    """A message that is none of these is told so, and never by another error."""
    with pytest.raises(EventInvalid):
        read(body, told, key, part)


def schema() -> dict[str, Any]:
    """Return the messages of the Open Inference Protocol, by the numbers of its specification."""
    file = descriptor_pb2.FileDescriptorProto(name="v2.proto", package="inference", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    texts = [("name", 1, kinds.TYPE_STRING, False), ("datatype", 2, kinds.TYPE_STRING, False)]
    contents = ("bool", "int32:int", "int64", "uint32:uint", "uint64", "float:fp32", "double:fp64", "bytes")
    fields: dict[str, list[tuple[str, int, Any, bool]]] = {
        "Contents": [
            (
                f"{name.partition(':')[2] or name}_contents",
                place,
                getattr(kinds, f"TYPE_{name.partition(':')[0].upper()}"),
                True,
            )
            for place, name in enumerate(contents, 1)
        ],
        "Tensor": [*texts, ("shape", 3, kinds.TYPE_INT64, True), ("contents", 5, ".inference.Contents", False)],
    }
    head = [
        (name, place, kinds.TYPE_STRING, False) for place, name in enumerate(("model_name", "model_version", "id"), 1)
    ]
    fields["Request"] = [
        *head,
        ("inputs", 5, ".inference.Tensor", True),
        ("raw_input_contents", 7, kinds.TYPE_BYTES, True),
    ]
    fields["Response"] = [
        *head,
        ("outputs", 5, ".inference.Tensor", True),
        ("raw_output_contents", 6, kinds.TYPE_BYTES, True),
    ]
    for name, members in fields.items():
        made = file.message_type.add(name=name)
        for field, number, kind, many in members:
            label = kinds.LABEL_REPEATED if many else kinds.LABEL_OPTIONAL
            told = {"type_name": kind, "type": kinds.TYPE_MESSAGE} if isinstance(kind, str) else {"type": kind}
            made.field.add(name=field, number=number, label=label, **told)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"inference.{name}")) for name in fields}


TENSORS: dict[str, tuple[str, str, list[Any]]] = {
    "flag": ("BOOL", "bool_contents", [True, False]),
    "count": ("INT32", "int_contents", [-7, 34]),
    "long": ("INT64", "int64_contents", [-(2**60), 5]),
    "small": ("UINT8", "uint_contents", [0, 255]),
    "huge": ("UINT64", "uint64_contents", [2**63 + 1, 1]),
    "ratio": ("FP32", "fp32_contents", [0.25, -1.5]),
    "exact": ("FP64", "fp64_contents", [0.1, 1e300]),
    "plan": ("BYTES", "bytes_contents", [b"gold", "\u00e9".encode()]),
}


def test_what_grpc_sends_is_read_as_what_http_sends() -> None:
    """Every type of tensor, written by Google's library, gives the rows that its values are."""
    request = schema()["Request"](model_name="churn", id="42")
    for name, (datatype, field, values) in TENSORS.items():
        tensor = request.inputs.add(name=name, datatype=datatype, shape=[2, 1])
        getattr(tensor.contents, field).extend(values)
    found = inference.read(*as_json(request.SerializeToString()))
    plain = {
        name: [v.decode() if isinstance(v, bytes) else v for v in values] for name, (_, _, values) in TENSORS.items()
    }
    assert found.rows == [{name: values[place] for name, values in plain.items()} for place in (0, 1)]
    assert found.id == "42"


@pytest.mark.parametrize(
    ("message", "tensors", "raw"),
    [("Request", "inputs", "raw_input_contents"), ("Response", "outputs", "raw_output_contents")],
)
def test_raw_tensors_are_read(message: str, tensors: str, raw: str) -> None:
    """Tensors that stand in binary beside their descriptions give the same rows."""
    made = schema()[message](model_version="7")
    getattr(made, tensors).add(name="age", datatype="INT64", shape=[2])
    getattr(made, tensors).add(name="plan", datatype="BYTES", shape=[2])
    texts = b"".join(struct.pack("<I", len(text)) + text for text in (b"gold", b"free"))
    getattr(made, raw).extend([struct.pack("<qq", 34, -51), texts])
    found = inference.read(*as_json(made.SerializeToString()))
    assert (found.rows, found.version) == ([{"age": 34, "plan": "gold"}, {"age": -51, "plan": "free"}], "7")
