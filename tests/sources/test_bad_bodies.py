"""Whatever stands in another product's log, it is read or counted by a reason: nothing is lost, nothing stops."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sources import foreign
from tests.sources.foreign import AT, WHOLE, blob, changed, read, text

_DEEP = b'{"a": ' * 500 + b"1" + b"}" * 500
LINES = {
    "broken": (b'{"captureData": {', "json_syntax"),
    "no-object": (b"7", "not_object"),
    "null": (b"null", "not_object"),
    "objects-in-an-array": (b"[7]", "not_object"),
    "key-twice": (b'{"id": "a", "id": "b"}', "duplicate_key"),
    "key-twice-within": (b'{"data": [{"age": 1, "age": 2}]}', "duplicate_key"),
    "not-utf-8": (b'{"id": "\xff"}', "encoding"),
    "deep": (_DEEP, "json_syntax"),
    "too-long": (b'{"id": "' + b"x" * 5000 + b'"}', "too_long"),
}
"""Lines that are no record in any format."""


@pytest.mark.parametrize("format_", sorted(WHOLE))
def test_a_line_that_is_no_record_is_refused_alone(format_: str, tmp_path: Path) -> None:
    """Each is counted by its reason, in order, and the records before, between and behind them are read."""
    good = text(WHOLE[format_])
    data = good + b"".join(line + b"\n" + good for line, _ in LINES.values())
    (tmp_path / "log.jsonl").write_bytes(data + b"\r\n\n")
    found = read(tmp_path, format_, max_line=4096)
    assert found.refused == [reason for _, reason in LINES.values()]
    assert [row["inputs.age"] for row in found.rows] == [34.0] * (len(LINES) + 1)


@pytest.mark.parametrize("format_", sorted(WHOLE))
def test_a_byte_order_mark_and_carriage_returns_are_no_fault(format_: str, tmp_path: Path) -> None:
    """Files that were carried through another system's editor are read."""
    (tmp_path / "log.jsonl").write_bytes(b"\xef\xbb\xbf" + text(WHOLE[format_]).replace(b"\n", b"\r\n"))
    found = read(tmp_path, format_)
    assert (len(found.rows), found.refused) == (1, [])


TIMES = {
    "sagemaker": "eventMetadata.inferenceTime",
    "bentoml": "timestamp",
    "databricks": "request_time",
    "azure": "time",
    "kserve": "occurrenceTime",
}
BAD_TIMES = {
    "2026-02-30T00:00:00Z": "timestamp_invalid",
    "yesterday": "timestamp_invalid",
    1795298406: "timestamp_invalid",
    "": "timestamp_invalid",
    ...: "timestamp_missing",
}


@pytest.mark.parametrize("format_", sorted(TIMES))
def test_a_call_without_a_time_is_refused(format_: str, tmp_path: Path) -> None:
    """No event time is ever made up, and none is guessed of a number."""
    lines = [changed(line, TIMES[format_], time) for time in BAD_TIMES for line in WHOLE[format_]]
    (tmp_path / "log.jsonl").write_bytes(text(lines))
    found = read(tmp_path, format_)
    assert found.rows == []
    assert len(found.refused) == len(lines)
    if format_ in {"sagemaker", "bentoml", "databricks"}:
        assert found.refused == list(BAD_TIMES.values())


_IN, _OUT = "captureData.endpointInput", "captureData.endpointOutput"
_JOINT = foreign.AZURE_INPUTS | {"type": "azureml.inference.joint"}
BODIES: list[tuple[str, str, dict[str, Any], str]] = [
    ("sagemaker", "no-metadata", changed(foreign.SAGEMAKER, "eventMetadata", ...), "event_invalid"),
    ("sagemaker", "nothing-captured", changed(foreign.SAGEMAKER, "captureData", 7), "event_invalid"),
    ("sagemaker", "neither-part", changed(foreign.SAGEMAKER, "captureData", {}), "body_unknown"),
    ("sagemaker", "no-data", changed(foreign.SAGEMAKER, f"{_IN}.data", None), "body_unknown"),
    ("sagemaker", "no-encoding", changed(foreign.SAGEMAKER, f"{_IN}.encoding", "XML"), "body_unknown"),
    ("sagemaker", "open-quote", changed(foreign.SAGEMAKER, f"{_IN}.data", '34,"gold'), "body_unknown"),
    ("sagemaker", "json-is-none", changed(foreign.SAGEMAKER, f"{_IN}.encoding", "JSON"), "body_unknown"),
    ("sagemaker", "no-base64", changed(foreign.SAGEMAKER, f"{_IN}.encoding", "BASE64"), "body_unknown"),
    ("databricks", "no-request", changed(foreign.DATABRICKS, "request", None), "body_unknown"),
    (
        "databricks",
        "request-too-large",
        foreign.DATABRICKS | {"request": None, "logging_error_codes": ["MAX_REQUEST_SIZE_EXCEEDED"]},
        "body_too_large",
    ),
    ("databricks", "no-json", changed(foreign.DATABRICKS, "request", "age=34"), "body_unknown"),
    ("databricks", "deep", changed(foreign.DATABRICKS, "request", _DEEP.decode()), "body_unknown"),
    ("databricks", "key-twice", changed(foreign.DATABRICKS, "request", '{"age": 1, "age": 2}'), "body_unknown"),
    (
        "databricks",
        "ragged",
        changed(foreign.DATABRICKS, "request", '{"dataframe_split": {"columns": ["a", "b"], "data": [[1]]}}'),
        "body_unknown",
    ),
    (
        "databricks",
        "tensor",
        changed(
            foreign.DATABRICKS,
            "request",
            '{"inputs": [{"name": "age", "shape": [2], "datatype": "FP32", "data": [1]}]}',
        ),
        "tensor_invalid",
    ),
    ("bentoml", "schema", {"meta_data": {"bento_name": ""}, "columns": [{"name": "age"}]}, "event_invalid"),
    ("azure", "no-id", changed(foreign.AZURE_INPUTS, "id", ...), "event_invalid"),
    ("azure", "old-version", changed(foreign.AZURE_INPUTS, "specversion", "7"), "event_invalid"),
    ("azure", "data-elsewhere", changed(foreign.AZURE_INPUTS, "data", "https://store/blob"), "body_too_large"),
    ("azure", "another-type", changed(foreign.AZURE_INPUTS, "type", "com.example"), "event_type_unknown"),
    (
        "azure",
        "rows-without-names",
        foreign.AZURE_INPUTS | {"type": "azureml.inference.x", "data": [1]},
        "body_unknown",
    ),
    ("kserve", "no-bytes", changed(foreign.KSERVE_REQUEST, "bytes", ...), "event_invalid"),
    ("kserve", "no-base64", changed(foreign.KSERVE_REQUEST, "bytes", "{}"), "body_unknown"),
    ("kserve", "another-type", changed(foreign.KSERVE_REQUEST, "reqType", "x"), "event_type_unknown"),
    ("kserve", "response-alone", blob("response", {"predictions": [1]}, id="r-2"), "request_missing"),
]


@pytest.mark.parametrize("format_", sorted(WHOLE))
def test_a_call_that_cannot_be_read_is_refused_alone(format_: str, tmp_path: Path) -> None:
    """Each is counted by its reason, once, and the call behind it is read."""
    cases = [(line, reason) for whose, _, line, reason in BODIES if whose == format_]
    lines = [json.loads(json.dumps(each).replace("r-1", "r-9")) for each in WHOLE[format_]]
    (tmp_path / "log.jsonl").write_bytes(text([*(line for line, _ in cases), *lines]))
    found = read(tmp_path, format_)
    assert [row["request_id"] for row in found.rows] == ["r-9"]
    assert sorted(found.refused) == sorted(reason for _, reason in cases)


ANSWERS = [
    ("sagemaker", [changed(foreign.SAGEMAKER, f"{_OUT}.data", "0.1\n0.2")], "rows_disagree"),
    ("sagemaker", [changed(foreign.SAGEMAKER, f"{_OUT}.data", '"')], "body_unknown"),
    ("databricks", [changed(foreign.DATABRICKS, "response", '{"predictions": [1, 2]}')], "rows_disagree"),
    ("databricks", [changed(foreign.DATABRICKS, "response", "no JSON")], "body_unknown"),
    ("databricks", [changed(foreign.DATABRICKS, "response", None)], "body_unknown"),
    ("azure", [foreign.AZURE_INPUTS, foreign.AZURE_OUTPUTS | {"data": [{"prediction": 1}] * 2}], "rows_disagree"),
    ("kserve", [foreign.KSERVE_REQUEST, blob("response", {"predictions": [1, 2]})], "rows_disagree"),
]


@pytest.mark.parametrize(
    ("format_", "lines", "reason"), ANSWERS, ids=[f"{each[0]}-{at}" for at, each in enumerate(ANSWERS)]
)
def test_an_answer_that_cannot_be_used_costs_the_answer_alone(
    format_: str, lines: list[dict[str, Any]], reason: str, tmp_path: Path
) -> None:
    """The inputs count all the same, and what is wrong with the answer is counted."""
    (tmp_path / "log.jsonl").write_bytes(text(lines))
    found = read(tmp_path, format_)
    assert [row["inputs.age"] for row in found.rows] == [34.0]
    assert found.refused == [reason]


VALUES = ["NaN", "Infinity", "1e999", '"12"', "true", '"gold"', "[1]", '"\\ud800"', "9" * 400, "null", "{}", "-0"]


@pytest.mark.parametrize("format_", sorted(WHOLE))
def test_a_value_means_what_it_means_in_the_native_layout(format_: str, tmp_path: Path) -> None:
    """Whatever a value is, it costs no more than itself, and is read as Driftline's own log would have it read."""
    native, foreign_ = tmp_path / "native", tmp_path / "foreign"
    native.mkdir()
    foreign_.mkdir()
    plain = [b'{"timestamp": "%s", "inputs": {"age": %s}}' % (AT.encode(), value.encode()) for value in VALUES]
    (native / "log.jsonl").write_bytes(text(plain))
    (foreign_ / "log.jsonl").write_bytes(text(each for value in VALUES for each in with_age(format_, value)))
    expected, found = read(native, "jsonl"), read(foreign_, format_)
    assert (expected.refused, found.refused) == ([], [])
    assert [repr(row["inputs.age"]) for row in found.rows] == [repr(row["inputs.age"]) for row in expected.rows]


def with_age(format_: str, value: str) -> Iterator[bytes]:
    """Yield the lines of a call whose age is written so."""
    body = '{"instances": [{"age": ' + value + "}]}"
    if format_ == "sagemaker":
        part = {"data": body, "encoding": "JSON"}
        yield json.dumps(changed(foreign.SAGEMAKER, _IN, part)).encode()
    elif format_ == "databricks":
        yield json.dumps(foreign.DATABRICKS | {"request": body}).encode()
    elif format_ == "kserve":
        yield json.dumps(foreign.KSERVE_REQUEST | {"bytes": base64.b64encode(body.encode()).decode()}).encode()
        yield json.dumps(foreign.KSERVE_RESPONSE).encode()
    else:
        yield from (json.dumps(line).replace("34", value).encode() for line in WHOLE[format_])
