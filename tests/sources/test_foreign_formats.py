"""What other products log is read as they write it: each call once, with its values under their names."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.instant import from_text
from monitor.sources.dialects.settings import LoggedEventSettings
from monitor.sources.objects.settings import ObjectStoreSettings
from monitor.sources.opening import Where, open_source
from tests.sources import foreign
from tests.sources.foreign import AT, LAYOUT, SAGEMAKER, TARGETS, TRUTH, WHOLE, changed, drained, read, text, told

ROW = {
    "timestamp": from_text(AT),
    "inputs.age": 34.0,
    "inputs.plan": "gold",
    "prediction": 0.07,
    "request_id": "r-1",
    "error": None,
}


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what all formats tell of the call."""
    return [{name: row[name] for name in ROW} for row in rows]


@pytest.mark.parametrize("format_", sorted(WHOLE))
def test_one_call_is_one_record(format_: str, tmp_path: Path) -> None:
    """A call as a product's own manual shows it becomes one record, nothing of it refused."""
    (tmp_path / "log.jsonl").write_bytes(text(WHOLE[format_]))
    found = read(tmp_path, format_)
    assert (plain(found.rows), found.refused) == ([ROW], [])


@pytest.mark.parametrize("format_", sorted(WHOLE))
def test_what_stays_of_a_record_is_in_the_native_layout(format_: str, tmp_path: Path) -> None:
    """Whole records, as a reference that is made of the log keeps them, no longer need the dialect."""
    (tmp_path / "log.jsonl").write_bytes(text(WHOLE[format_]))
    [row] = read(tmp_path, format_, replace(LAYOUT, whole=True)).rows
    kept = json.loads(row["driftline_record"])
    assert kept["inputs"] == {"age": 34, "plan": "gold"}
    assert kept["prediction"] == 0.07


@pytest.mark.parametrize(
    ("part", "encoding", "kind", "data", "ages"),
    [
        ("endpointInput", "JSON", "application/json", '{"instances": [{"age": 1}, {"age": 2}]}', [1, 2]),
        ("endpointInput", "JSON", "application/jsonlines", '{"age": 1}\n{"age": 2}\n', [1, 2]),
        ("endpointInput", "CSV", "text/csv", '1,"a,b"\n2,c\n', [1, 2]),
        ("endpointInput", "BASE64", "text/csv", base64.b64encode(b"1,a\n2,b").decode(), [1, 2]),
        ("endpointInput", "BASE64", "application/json", base64.b64encode(b'[{"age": 1}, {"age": 2}]').decode(), [1, 2]),
    ],
    ids=["json", "json-lines", "csv", "base64-csv", "base64-json"],
)
def test_every_encoding_of_a_capture_is_read(
    part: str, encoding: str, kind: str, data: str, ages: list[int], tmp_path: Path
) -> None:
    """Batches of CSV, JSON and base64 become a record a row, each with its answer and an id of its own."""
    line = changed(SAGEMAKER, f"captureData.{part}", {"observedContentType": kind, "data": data, "encoding": encoding})
    line["captureData"]["endpointOutput"]["data"] = "0.1\n0.2"
    (tmp_path / "log.jsonl").write_bytes(text([line]))
    found = read(tmp_path, "sagemaker")
    assert found.refused == []
    assert [row["inputs.age"] for row in found.rows] == ages
    assert [row["prediction"] for row in found.rows] == [0.1, 0.2]
    assert [row["request_id"] for row in found.rows] == ["r-1/0", "r-1/1"]


def test_answers_of_a_batch_on_one_line_are_a_row_each(tmp_path: Path) -> None:
    """XGBoost answers a batch with one line of CSV: as many cells as there were rows."""
    line = changed(
        changed(SAGEMAKER, "captureData.endpointInput.data", "1,a\n2,b\n"), "captureData.endpointOutput.data", "0.1,0.2"
    )
    (tmp_path / "log.jsonl").write_bytes(text([line]))
    assert [row["prediction"] for row in read(tmp_path, "sagemaker").rows] == [0.1, 0.2]


@pytest.mark.parametrize(
    ("missing", "age", "prediction"), [("endpointInput", None, 0.07), ("endpointOutput", 34.0, None)]
)
def test_half_a_capture_is_a_record(missing: str, age: float | None, prediction: float | None, tmp_path: Path) -> None:
    """Where an endpoint captures its input or its output alone, that much is read."""
    (tmp_path / "log.jsonl").write_bytes(text([changed(SAGEMAKER, f"captureData.{missing}", ...)]))
    [row] = read(tmp_path, "sagemaker").rows
    assert (row["inputs.age"], row["prediction"]) == (age, prediction)


def test_ground_truth_is_a_target(tmp_path: Path) -> None:
    """Ground truth joins by the inference's id; a file in which it stands beside the capture is read for either."""
    both = SAGEMAKER | {"groundTruthData": TRUTH["groundTruthData"]}
    (tmp_path / "truth.jsonl").write_bytes(text([TRUTH, both]))
    found = read(tmp_path, "sagemaker", TARGETS)
    assert [(row["request_id"], row["target"]) for row in found.rows] == [("r-1", 1.0), ("r-1", 1.0)]
    (tmp_path / "truth.jsonl").write_bytes(text([both]))
    assert plain(read(tmp_path, "sagemaker").rows) == [ROW]


def test_a_server_clock_without_offset_is_of_its_zone(tmp_path: Path) -> None:
    """BentoML writes local time: told the zone, its instants are right, also in winter and in summer."""
    summer = foreign.BENTOML | {"timestamp": "2026-07-01T12:00:00", "request_id": "None"}
    (tmp_path / "data.0.log").write_bytes(text([foreign.BENTOML, summer]))
    events = LoggedEventSettings(outputs=("prediction",), timezone="Europe/Berlin")
    found = read(tmp_path, "bentoml", events=events)
    assert [row["timestamp"] for row in found.rows] == [
        from_text("2026-11-21T21:00:06Z"),
        from_text("2026-07-01T10:00:00Z"),
    ]
    assert [row["request_id"] for row in found.rows] == ["r-1", None]


_LEGACY = {
    "databricks_request_id": "r-1",
    "timestamp_ms": from_text(AT) // 1000,
    "status_code": 200,
    "execution_time_ms": 12,
    "request": json.dumps({"dataframe_records": [{"age": 34, "plan": "gold"}]}),
    "response": json.dumps({"predictions": [0.07]}),
    "request_metadata": [("model_name", "churn"), ("model_version", "7")],
}
_NEWEST = {
    "invocation_id": "r-1",
    "event_time": AT,
    "status_code": 200,
    "latency_ms": 12,
    "request": json.dumps({"inputs": {"age": [34], "plan": ["gold"]}}),
    "response": json.dumps({"predictions": [0.07]}),
}


@pytest.mark.parametrize("row", [foreign.DATABRICKS, _LEGACY, _NEWEST], ids=["gateway", "legacy", "newest"])
def test_every_schema_of_an_inference_table_is_read(row: dict[str, Any], tmp_path: Path) -> None:
    """Exported as Parquet with their own types, rows of each of the three schemas become the same record."""
    table = pa.table({name: [value] for name, value in row.items()})
    if "request_time" in row:
        at = pa.array([from_text(AT)], pa.timestamp("us", "UTC"))
        table = table.set_column(table.column_names.index("request_time"), "request_time", at)
    if "request_metadata" in row:
        pairs = pa.array([row["request_metadata"]], pa.map_(pa.string(), pa.string()))
        table = table.set_column(table.column_names.index("request_metadata"), "request_metadata", pairs)
    pq.write_table(table, tmp_path / "export.parquet")
    found = read(tmp_path, "databricks")
    assert (plain(found.rows), found.refused) == ([ROW], [])
    assert found.rows[0]["latency_ms"] == 12


def test_the_version_is_read_of_where_a_table_has_it(tmp_path: Path) -> None:
    """A served entity, or the version in the map of the older schema, is the version of a record."""
    (tmp_path / "log.jsonl").write_bytes(text([foreign.DATABRICKS, _LEGACY]))
    assert [row["model_version"] for row in read(tmp_path, "databricks").rows] == ["churn-7", "7"]


def test_a_call_that_failed_has_its_status_as_error(tmp_path: Path) -> None:
    """What was asked counts, and that there was no answer."""
    (tmp_path / "log.jsonl").write_bytes(text([foreign.DATABRICKS | {"status_code": 500, "response": "{}"}]))
    found = read(tmp_path, "databricks")
    assert [(row["error"], row["inputs.age"], row["prediction"]) for row in found.rows] == [("status_500", 34.0, None)]
    assert found.refused == []


def test_a_table_that_was_exported_as_csv_is_read(tmp_path: Path) -> None:
    """All its values are texts, and mean what they do in the table."""
    names = ["client_request_id", "request_time", "status_code", "request", "response"]
    cells = ['"' + str(foreign.DATABRICKS[name]).replace('"', '""') + '"' for name in names]
    (tmp_path / "export.csv").write_text(",".join(names) + "\n" + ",".join(cells) + "\n")
    found = read(tmp_path, "databricks")
    assert (plain(found.rows), found.refused) == ([ROW], [])


def test_a_collection_of_inputs_and_outputs_is_told_apart(tmp_path: Path) -> None:
    """A frame that was collected whole under a name of its own is a call: outputs says which columns are answers."""
    line = foreign.AZURE_INPUTS | {
        "type": "azureml.inference.model_inputs_outputs",
        "data": [{"age": 34, "plan": "gold", "prediction": 0.07}],
    }
    (tmp_path / "log.jsonl").write_bytes(text([line]))
    assert plain(read(tmp_path, "azure").rows) == [ROW]


def test_a_batch_of_blobs_in_one_array_is_read(tmp_path: Path) -> None:
    """KServe writes several in one array, and its array needs no newline at its end."""
    (tmp_path / "log.json").write_bytes(json.dumps([foreign.KSERVE_REQUEST, foreign.KSERVE_RESPONSE]).encode())
    assert plain(read(tmp_path, "kserve").rows) == [ROW]


def test_blobs_are_read_where_each_is_an_object(tmp_path: Path) -> None:
    """A request and its response, each an object without a newline at its end, are paired whichever is listed first."""
    for name, half in {"z-request": foreign.KSERVE_REQUEST, "a-response": foreign.KSERVE_RESPONSE}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(half))
    settings = ObjectStoreSettings(type="object_store", path=str(tmp_path), format="kserve")
    opened = open_source(settings, LAYOUT, Where(tmp_path, None, at_rest=True))
    found = told(drained(opened, {}))
    opened.close()
    assert (plain(found.rows), found.refused) == ([ROW], [])


def test_a_transformer_is_another_component(tmp_path: Path) -> None:
    """The same call logged by the transformer is not counted twice; nor is that of another service."""
    lines = [*WHOLE["kserve"], foreign.KSERVE_REQUEST | {"component": "transformer"}]
    (tmp_path / "log.json").write_bytes(text([*lines, foreign.KSERVE_REQUEST | {"inferenceService": "other"}]))
    events = LoggedEventSettings(service="churn")
    found = read(tmp_path, "kserve", events=events)
    assert (plain(found.rows), found.refused) == ([ROW], ["other_component"] * 2)
