"""The bodies of inference servers as rows."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.formats.inference import Body, BodyUnknown, read
from monitor.sources.formats.tensors import TensorInvalid

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "inputs",
                    "outputs",
                    "instances",
                    "data",
                    "names",
                    "ndarray",
                    "tensor",
                    "shape",
                    "values",
                    "name",
                    "datatype",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def tensor(name: str, shape: list[int], data: Any, datatype: str = "FP64", **parameters: Any) -> dict[str, Any]:
    """Return a tensor of the Open Inference Protocol."""
    return {"name": name, "shape": shape, "datatype": datatype, "data": data, "parameters": parameters}


NAMED = [{"age": 34, "plan": "gold"}, {"age": 51, "plan": "free"}]
BODIES: list[tuple[str, Any, list[Any]]] = [
    ("V1, lists", {"instances": [[34, 0.2], [51, 0.9]]}, [[34, 0.2], [51, 0.9]]),
    ("V1, objects", {"instances": NAMED}, NAMED),
    ("V1, inputs for instances", {"inputs": NAMED}, NAMED),
    ("V1, columns", {"inputs": {"age": [34, 51], "plan": ["gold", "free"]}}, NAMED),
    ("V1, answers", {"predictions": [0, 1]}, [0, 1]),
    ("V1, named answers", {"predictions": [{"churn": 0.07}]}, [{"churn": 0.07}]),
    (
        "V2, columns",
        {"inputs": [tensor("age", [2, 1], [34, 51]), tensor("plan", [2], ["gold", "free"], "BYTES")]},
        NAMED,
    ),
    ("V2, nested data", {"inputs": [tensor("age", [2, 1], [[34], [51]])]}, [{"age": 34}, {"age": 51}]),
    ("V2, one matrix", {"inputs": [tensor("x", [2, 2], [1, 2, 3, 4])]}, [[1, 2], [3, 4]]),
    ("V2, a vector beside", {"inputs": [tensor("x", [1, 2], [1, 2]), tensor("y", [1], [3])]}, [{"x": [1, 2], "y": 3}]),
    ("V2, absent values", {"outputs": [tensor("p", [2], [0.5, None])]}, [{"p": 0.5}, {"p": None}]),
    ("V2, base64", {"inputs": [tensor("t", [1], ["YWI="], "BYTES", content_type="base64")]}, [{"t": "ab"}]),
    ("V2, no row", {"inputs": [tensor("x", [0, 2], [])]}, []),
    ("Seldon, ndarray", {"data": {"names": ["age", "plan"], "ndarray": [[34, "gold"], [51, "free"]]}}, NAMED),
    (
        "Seldon, tensor",
        {"data": {"names": ["a", "b"], "tensor": {"shape": [1, 2], "values": [1, 2]}}},
        [{"a": 1, "b": 2}],
    ),
    ("Seldon, no names", {"data": {"ndarray": [[1, 2]]}}, [[1, 2]]),
    ("Seldon, jsonData", {"jsonData": {"a": 1}}, [{"a": 1}]),
    (
        "a split data frame",
        {"dataframe_split": {"columns": ["age", "plan"], "data": [[34, "gold"], [51, "free"]]}},
        NAMED,
    ),
    ("Azure", NAMED, NAMED),
    ("whatever else", {"label": "cat"}, [{"label": "cat"}]),
]


@pytest.mark.parametrize(("body", "rows"), [pytest.param(*case[1:], id=case[0]) for case in BODIES])
def test_every_form_becomes_rows(body: Any, rows: list[Any]) -> None:
    """Whatever form a server uses, a batch becomes a row an inference."""
    assert read(json.dumps(body).encode()).rows == rows


def test_the_protocol_says_id_and_version() -> None:
    """Of the Open Inference Protocol id and model version are taken."""
    body = {"model_name": "churn", "model_version": "7", "id": "42", "outputs": [tensor("churn", [1], [0.07])]}
    assert read(json.dumps(body).encode()) == Body([{"churn": 0.07}], "42", "7")


def binary(tensors: list[tuple[str, list[int], str, bytes]]) -> tuple[bytes, bytes]:
    """Return the JSON of tensors that follow in binary, and what follows."""
    told = [
        {"name": name, "shape": shape, "datatype": kind, "parameters": {"binary_data_size": len(raw)}}
        for name, shape, kind, raw in tensors
    ]
    return json.dumps({"inputs": told}).encode(), b"".join(raw for *_, raw in tensors)


TEXTS = b"".join(struct.pack("<I", len(text)) + text for text in (b"gold", "frée".encode()))


@pytest.mark.parametrize("says_length", [True, False])
def test_binary_tensors_follow_the_json(says_length: bool) -> None:
    """Values in binary are those that they stand for, whether or not the sender said where the JSON ends."""
    head, rest = binary(
        [
            ("age", [2, 1], "INT64", struct.pack("<2q", 34, -51)),
            ("half", [2], "FP16", struct.pack("<2e", 0.5, 2.0)),
            ("flag", [2], "BOOL", b"\x01\x00"),
            ("plan", [2], "BYTES", TEXTS),
        ]
    )
    found = read(head + rest, len(head) if says_length else None).rows
    assert found == [
        {"age": 34, "half": 0.5, "flag": True, "plan": "gold"},
        {"age": -51, "half": 2.0, "flag": False, "plan": "frée"},
    ]


WRONG: dict[str, Any] = {
    "too few": {"inputs": [tensor("x", [3], [1, 2])]},
    "too many": {"inputs": [tensor("x", [1], [1, 2])]},
    "a shape without end": {"inputs": [tensor("x", [2**40, 2**40], [1])]},
    "below nothing": {"inputs": [tensor("x", [-1], [])]},
    "half a row": {"inputs": [tensor("x", [1.5], [1])]},  # type: ignore[list-item]
    "ragged": {"inputs": [tensor("x", [2], [[1], 2])]},
    "rows that differ": {"inputs": [tensor("x", [1], [1]), tensor("y", [2], [1, 2])]},
    "a name twice": {"inputs": [tensor("x", [1], [1]), tensor("x", [1], [2])]},
    "no data": {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32"}]},
    "not base64": {"inputs": [tensor("x", [1], ["?"], "BYTES", content_type="base64")]},
    "Seldon's": {"data": {"tensor": {"shape": [2, 2], "values": [1]}}},
    "binary that is not there": {"inputs": [tensor("x", [1], None, "FP32", binary_data_size=4)]},
    "a negative length": {"inputs": [tensor("x", [1], None, "FP32", binary_data_size=-4)]},
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_a_tensor_that_disagrees_with_itself_is_refused(body: Any) -> None:
    """Where shape, type and data do not agree, nothing is made up."""
    with pytest.raises(TensorInvalid):
        read(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("kind", "raw"), [("FP32", b"\x00" * 7), ("FP33", b"\x00" * 8), ("BYTES", b"\xff\xff\xff\xff"), ("BYTES", b"\x01")]
)
def test_binary_that_does_not_fit_is_refused(kind: str, raw: bytes) -> None:
    """Binary values of another length than their type and shape have are refused."""
    head, rest = binary([("x", [2], kind, raw)])
    with pytest.raises(TensorInvalid):
        read(head + rest, len(head))


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfe", b"[" * 100_000, b"{", b'{"data": {}}', b'{"inputs": {"a": [1], "b": []}}', b'"' * 3]
)
def test_what_is_no_body_is_refused(raw: bytes) -> None:
    """What is not JSON, or has no rows, is unknown."""
    with pytest.raises((BodyUnknown, TensorInvalid)):
        read(raw)


@given(ANYTHING.map(lambda body: json.dumps(body).encode()) | st.binary(max_size=40), st.none() | st.integers(0, 50))
def test_no_body_breaks_the_reader(raw: bytes, length: int | None) -> None:
    """Whatever a body is, it becomes rows or is refused."""
    with suppress(BodyUnknown, TensorInvalid):
        assert isinstance(read(raw, length).rows, list)
