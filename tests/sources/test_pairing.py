"""Requests and responses become records: in any order, once, and also where one of them never comes."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from monitor.sources.formats.event import Event, batch, binary, from_line, structured, to_line
from monitor.sources.pairing import EventSettings, Made, Pairing

KSERVE, SELDON = "org.kubeflow.serving.inference.", "io.seldon.serving."
MINUTE = 60_000_000
ASKED = b'{"instances": [{"age": 34}]}'
ANSWERED = b'{"predictions": [0.07]}'


def kserve(part: str, body: bytes, id: str = "2f0f", at: str = "2026-11-21T22:00:00.120Z", **more: str) -> Event:
    """Return an event of KServe's logger, with an empty header as it sends one."""
    attributes = {
        "ce-specversion": "1.0",
        "ce-type": KSERVE + part,
        "ce-source": "churn-predictor-00001-deployment-6f5c7d9b8-x2x7k",
        "ce-id": id,
        "ce-time": at,
        "ce-inferenceservicename": "churn",
        "ce-namespace": "ml",
        "ce-component": "predictor",
        "ce-endpoint": "",
        "content-type": "application/json",
    }
    return binary(attributes | {f"ce-{name}": value for name, value in more.items()}, body)


def seldon(part: str, body: Any, id: str, request: str = "9f1c") -> Event:
    """Return an event of Seldon's logger: every event has an id of its own, and says that of the request beside."""
    names = {"requestid": request, "modelid": "classifier", "inferenceservicename": "churn", "endpoint": "default"}
    head = {"specversion": "1.0", "id": id, "type": SELDON + part, "source": "http://localhost:8000/"}
    headers = {f"ce-{name}": value for name, value in {**head, **names, "time": "2026-11-21T22:00:00Z"}.items()}
    return binary(headers, json.dumps(body).encode())


def fed(settings: EventSettings, *events: tuple[int, Event], until: int = 0) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the records that events make that come at these minutes, and why others do not."""
    pairing, made = Pairing(settings), Made()
    for place, (minute, event) in enumerate(events):
        pairing.take(from_line(to_line(event)), minute * MINUTE, place, made)
    pairing.expire(until * MINUTE, made)
    return [json.loads(line) for line in made.lines], [str(reason) for reason, _ in made.refused]


WHOLE = {
    "timestamp": "2026-11-21T22:00:00.120Z",
    "error": None,
    "model_version": None,
    "latency_ms": 30.0,
    "request_id": "2f0f",
    "inputs": {"age": 34},
    "prediction": 0.07,
}


@pytest.mark.parametrize("turned", [False, True])
def test_a_request_and_its_response_are_one_record(turned: bool) -> None:
    """Whichever comes first, the two become one record, stamped when it was asked."""
    events = [(0, kserve("request", ASKED)), (0, kserve("response", ANSWERED, at="2026-11-21T22:00:00.150Z"))]
    assert fed(EventSettings(), *(events[::-1] if turned else events)) == ([WHOLE | {"prediction": 0.07}], [])


def test_a_batch_is_a_record_a_row() -> None:
    """The rows of one request have its id with their number behind."""
    asked, answered = (
        b'{"instances": [[34, 0.2], [51, 0.9]]}',
        b'{"predictions": [{"score": 0.1}, {"score": 0.8, "why": "x"}]}',
    )
    settings = EventSettings(features=("age", "rate"))
    records, _ = fed(settings, (0, kserve("request", asked)), (0, kserve("response", answered)))
    assert [(record["request_id"], record["inputs"], record["score"]) for record in records] == [
        ("2f0f/0", {"age": 34, "rate": 0.2}, 0.1),
        ("2f0f/1", {"age": 51, "rate": 0.9}, 0.8),
    ]
    assert [record.get("outputs") for record in records] == [{}, {"why": "x"}] or records[1]["outputs"] == {"why": "x"}


def test_tensors_give_id_version_and_names() -> None:
    """Of the Open Inference Protocol the caller's id, the model's version and the names of the answers are taken."""
    asked = {"id": "order-7", "inputs": [{"name": "age", "shape": [1], "datatype": "INT64", "data": [34]}]}
    answered = {"model_version": "7", "outputs": [{"name": "churn", "shape": [1], "datatype": "FP32", "data": [0.07]}]}
    events = [
        (0, kserve(part, json.dumps(body).encode())) for part, body in (("request", asked), ("response", answered))
    ]
    record = fed(EventSettings(), *events)[0][0]
    found = [record[name] for name in ("request_id", "model_version", "prediction", "outputs")]
    assert found == ["order-7", "7", 0.07, {"churn": 0.07}]


@pytest.mark.parametrize("metadata", ['{"X-Request-Id":["r-1"]}', "%7B%22X-Request-Id%22%3A%5B%22r-1%22%5D%7D"])
def test_a_header_names_the_request(metadata: str) -> None:
    """The id that a caller gave in a header is the record's, encoded as the specification wants it or not."""
    assert (
        fed(EventSettings(mode="request"), (0, kserve("request", ASKED, metadata=metadata)))[0][0]["request_id"]
        == "r-1"
    )


def test_a_request_without_a_response_counts_as_an_error() -> None:
    """Once its time is up, a request is a record with its inputs, and failed."""
    records, refused = fed(EventSettings(), (0, kserve("request", ASKED)), until=5)
    assert [(record["inputs"], record["error"], "prediction" in record) for record in records] == [
        ({"age": 34}, "no_response", False)
    ]
    assert refused == []
    assert fed(EventSettings(), (0, kserve("request", ASKED)), until=4) == ([], [])


def test_a_response_without_a_request_is_counted() -> None:
    """A response alone has no inputs to compare."""
    assert fed(EventSettings(), (0, kserve("response", ANSWERED)), until=6) == ([], ["request_missing"])


def test_where_only_requests_are_logged_none_is_waited_for() -> None:
    """With ``mode: request`` each request is a record at once, and no failure."""
    records, _ = fed(EventSettings(mode="request"), (0, kserve("request", ASKED)), (0, kserve("response", ANSWERED)))
    assert [(record["inputs"], record["error"]) for record in records] == [({"age": 34}, None)]


def test_rows_that_disagree_are_not_zipped() -> None:
    """Where a response has another number of rows, inputs count alone, and it is said."""
    asked = b'{"instances": [{"age": 34}, {"age": 51}]}'
    records, refused = fed(EventSettings(), (0, kserve("request", asked)), (0, kserve("response", ANSWERED)))
    assert [(record["inputs"]["age"], "prediction" in record) for record in records] == [(34, False), (51, False)]
    assert refused == ["rows_disagree"]


@pytest.mark.parametrize(
    ("asked", "answered", "expected"),
    [
        (b"\xff", ANSWERED, (0, ["body_unknown"])),
        (ASKED, b"<html>", (1, ["body_unknown"])),
        (
            b'{"inputs": [{"name": "x", "shape": [2], "datatype": "FP32", "data": [1]}]}',
            ANSWERED,
            (0, ["tensor_invalid"]),
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_counted(asked: bytes, answered: bytes, expected: tuple[int, list[str]]) -> None:
    """A request that cannot be read is refused; a response that cannot leaves the inputs."""
    records, refused = fed(EventSettings(), (0, kserve("request", asked)), (0, kserve("response", answered)))
    assert (len(records), refused) == expected


def test_only_one_part_of_a_service_counts() -> None:
    """What a transformer logs beside its predictor is no second inference."""
    transformer = kserve("request", ASKED, component="transformer")
    assert fed(EventSettings(mode="request"), (0, transformer)) == ([], ["other_component"])
    assert len(fed(EventSettings(mode="request", component="transformer"), (0, transformer))[0]) == 1


def test_seldon_says_the_request_beside() -> None:
    """Seldon's events are paired by the id of their request, and known again by it."""
    asked = {"data": {"names": ["age"], "ndarray": [[34]]}}
    answered = {"data": {"names": ["p0", "p1"], "ndarray": [[0.3, 0.7]]}}
    events = (seldon("inference.request", asked, "e1"), seldon("inference.response", answered, "e2"))
    record = fed(EventSettings(outputs=("p0", "score")), *((0, event) for event in events))[0][0]
    assert (record["request_id"], record["inputs"], record["outputs"]) == ("9f1c", {"age": 34}, {"p0": 0.3, "p1": 0.7})
    assert events[0].key == seldon("inference.request", asked, "e3").key


def test_feedback_is_a_target() -> None:
    """The truth of a feedback event is the target of its request."""
    told = {"reward": 1.0, "truth": {"data": {"ndarray": [[1]]}}}
    records, _ = fed(EventSettings(), (0, seldon("feedback", told, "e9")))
    assert records == [{"timestamp": "2026-11-21T22:00:00Z", "request_id": "9f1c", "target": 1}]
    assert fed(EventSettings(), (0, seldon("feedback", {"reward": 1.0}, "e9")))[1] == ["body_unknown"]


def test_azure_says_the_endpoint_in_the_source() -> None:
    """Azure's structured events are paired by their correlation, and belong to the endpoint of their source."""
    base = {
        "specversion": "1.0",
        "source": "/subscriptions/0/resourceGroups/rg/workspaces/ws/onlineEndpoints/churn/deployments/blue",
        "datacontenttype": "application/json",
        "time": "2026-11-21T22:00:30Z",
        "correlationid": "c0ffee",
        "modelversion": "3",
    }
    parts = {"model_inputs": [{"age": 34}, {"age": 51}], "model_outputs": [{"churn": 0.1}, {"churn": 0.8}]}
    told = [base | {"id": name, "type": f"azureml.inference.{name}", "data": data} for name, data in parts.items()]
    one = structured(json.dumps(told[0]).encode())
    assert one.service == "churn"
    records, _ = fed(EventSettings(), *((0, event) for event in batch(json.dumps(told).encode())))
    assert [(record["request_id"], record["model_version"], record["prediction"]) for record in records] == [
        ("c0ffee/0", "3", 0.1),
        ("c0ffee/1", "3", 0.8),
    ]


def test_what_waits_is_bounded() -> None:
    """Of too many requests without a response the oldest is given up."""
    events = [(0, kserve("request", ASKED, id=str(number))) for number in range(4100)]
    records, _ = fed(EventSettings(), *events)
    assert [record["request_id"] for record in records] == ["0", "1", "2", "3"]


def test_the_order_of_arrival_changes_no_record() -> None:
    """Any order of three requests and their responses makes the same records."""
    events = [
        kserve(part, body, id=name) for name in "abc" for part, body in (("request", ASKED), ("response", ANSWERED))
    ]
    found = {
        json.dumps(
            sorted(fed(EventSettings(), *((0, event) for event in order))[0], key=lambda record: record["request_id"])
        )
        for order in itertools.islice(itertools.permutations(events), 0, 720, 7)
    }
    assert len(found) == 1
