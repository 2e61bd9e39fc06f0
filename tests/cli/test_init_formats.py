"""``init`` knows another product's log by its first records, a source by its address, and takes over constraints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.config import load_text
from monitor.config.model import ModelSettings
from tests.cli.conftest import Answer
from tests.sources.foreign import BENTOML, DATABRICKS, TRUTH, WHOLE, text
from tests.sources.lakes import Delta, Iceberg, arrow, minutes

Driftline = Callable[..., Answer]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder to work in, with a reference."""
    monkeypatch.chdir(tmp_path)
    write_reference("prediction")
    return tmp_path


def write_reference(answer: str) -> None:
    """Write a small reference whose answer is named so."""
    rows = 200
    times = [f"2026-11-{1 + at // 24:02d}T{at % 24:02d}:00:00Z" for at in range(rows)]
    columns = {"timestamp": times, "age": [*range(rows)], "plan": ["gold", "free"] * (rows // 2)}
    pq.write_table(pa.table(columns | {answer: [at / 7 for at in range(rows)]}), "churn.parquet")


def model_of(answer: Answer) -> ModelSettings:
    """Return the model of the config that was written."""
    assert answer.code == 0, answer.err
    return load_text(answer.out, Path("config.yaml"), {}).config.models[0]


@pytest.mark.parametrize("format_", sorted(WHOLE))
def test_a_format_is_known_by_the_first_records(format_: str, driftline: Driftline, folder: Path) -> None:
    """Pointed at a product's log, the config says its format, and reads it."""
    (folder / "log").mkdir()
    (folder / "log" / "a.jsonl").write_bytes(b"no JSON\n" + text(WHOLE[format_]))
    (folder / "truth.jsonl").write_bytes(text([TRUTH]))
    done = driftline("init", "churn.parquet", "--records", "log/*", "--targets", "truth.jsonl")
    model = model_of(done)
    [records] = model.records
    assert (records.format, model.targets.format) == (format_, "sagemaker")  # type: ignore[union-attr] # of files
    assert f"as {format_} logs them" in done.err
    if format_ == "sagemaker":
        assert records.events.features == ("age", "plan")  # type: ignore[union-attr] # of files
    if format_ == "bentoml":
        assert records.events.outputs == ("prediction",)  # type: ignore[union-attr] # of files


def test_an_export_as_parquet_is_known(driftline: Driftline, folder: Path) -> None:
    """So is a table that was exported as Parquet; and a log in the native layout stays what it is."""
    pq.write_table(pa.table({name: [value] for name, value in DATABRICKS.items()}), folder / "export.parquet")
    assert model_of(driftline("init", "churn.parquet", "--records", "export.parquet")).records[0].format == "databricks"  # type: ignore[union-attr]
    (folder / "own.jsonl").write_text('{"timestamp": "2026-11-21T22:00:00Z", "inputs": {"age": 1}, "prediction": 1}\n')
    done = driftline("init", "churn.parquet", "--records", "own.jsonl")
    assert model_of(done).records[0].format == "auto"  # type: ignore[union-attr] # of files
    assert "logs them" not in done.err


def test_an_answer_of_another_name_is_found_in_log_and_reference(driftline: Driftline, folder: Path) -> None:
    """BentoML's answers have the service's own names: the config that is written finds them in both."""
    write_reference("y_pred")
    line = {**BENTOML, "y_pred": 0.5}
    del line["prediction"]
    (folder / "data.0.log").write_bytes(text([line] * 3))
    assert driftline("init", "churn.parquet", "--records", "data.*", "-o", "config.yaml").code == 0
    body: dict[str, Any] = json.loads(driftline("check", "-c", "config.yaml", "--format", "json").out)
    assert body["faults"] == []
    [model] = body["models"]
    assert {"age", "plan"} < {column["name"] for column in model["columns"]}
    assert [column["source"] for column in model["columns"] if column["role"] == "prediction"] == ["y_pred"]
    assert model["sources"][0]["rows"][0]["y_pred"] == "number"


@pytest.mark.parametrize(
    ("given", "type_", "named"),
    [
        ("s3://bucket/logs/", "object_store", {"path": "s3://bucket/logs/"}),
        ("kafka://a:9092,b:9092/calls", "kafka", {"servers": ["a:9092", "b:9092"], "topic": "calls"}),
        ("sqlite:///shop.db#calls.id", "sql", {"table": "calls", "key": "id"}),
    ],
    ids=["bucket", "topic", "table"],
)
def test_an_address_is_a_source(
    given: str, type_: str, named: dict[str, Any], driftline: Driftline, folder: Path
) -> None:
    """A bucket, a topic and a table are told by their address."""
    assert folder.is_dir()
    [records] = model_of(driftline("init", "churn.parquet", "--records", given)).records
    assert records.type == type_
    assert {key: getattr(records, key) for key in named} == named


@pytest.mark.parametrize(
    "given",
    ["kafka://a:9092", "sqlite:///shop.db", "postgresql://me:secret@host/db#t.id"],
    ids=["topic", "key", "secret"],
)
def test_an_address_that_is_none_is_refused(given: str, driftline: Driftline, folder: Path) -> None:
    """It is said what is missing, and a password is never written down."""
    assert folder.is_dir()
    done = driftline("init", "churn.parquet", "--records", given)
    assert done.code == 2
    assert "E112" in done.err
    assert "secret" not in done.out + done.err


CONSTRAINTS = {
    "version": 0,
    "features": [
        {
            "name": "age",
            "inferred_type": "Integral",
            "completeness": 0.99,
            "num_constraints": {"is_non_negative": True},
        },
        {
            "name": "_c1",
            "inferred_type": "String",
            "completeness": 1.0,
            "string_constraints": {"domains": ["gold", "free"]},
        },
        {"name": "gone", "inferred_type": "Unknown", "completeness": 0.5},
        7,
    ],
    "monitoring_config": {"datatype_check_threshold": 1.0, "domain_content_threshold": 0.9},
}


def test_constraints_become_expectations(driftline: Driftline, folder: Path) -> None:
    """What SageMaker's baseline asked of the columns stands in the config, and of columns that are gone it is told."""
    (folder / "constraints.json").write_text(json.dumps(CONSTRAINTS))
    done = driftline("init", "churn.parquet", "--constraints", "constraints.json")
    found = {name: each.model_dump(exclude_defaults=True) for name, each in model_of(done).quality.columns.items()}
    assert found == {
        "age": {"missing": {"at_most": 0.01}, "type": {"at_most": 0.0}, "range": (0.0, None)},
        "plan": {"missing": {"at_most": 0.0}, "type": {"at_most": 0.0}, "unseen": {"at_most": 0.1}},
    }
    assert "gone" in done.err


@pytest.mark.parametrize("data", [b"[", b"7", b'{"features": 1}', b"\xff"], ids=["broken", "number", "none", "bytes"])
def test_a_file_that_holds_no_constraints_is_refused(data: bytes, driftline: Driftline, folder: Path) -> None:
    """It is named with what is wrong with it."""
    (folder / "constraints.json").write_bytes(data)
    done = driftline("init", "churn.parquet", "--constraints", "constraints.json")
    assert done.code == 2
    assert "E112" in done.err
    assert "constraints.json" in done.err


@pytest.mark.parametrize("type_", ["delta", "iceberg"])
def test_a_table_is_known_by_its_folder(type_: str, driftline: Driftline, folder: Path) -> None:
    """Pointed at the folder of a table, the config reads it by its log, and `check` shows rows of it, masked."""
    rows = arrow(minutes(1, 2, 3))
    table = Delta(folder / "logged") if type_ == "delta" else Iceberg(folder)
    table.append(rows)
    given = str(table.folder.relative_to(folder))
    done = driftline("init", "churn.parquet", "--records", given, "--prediction", "prediction", "-o", "config.yaml")
    assert done.code == 0, done.err
    body: dict[str, Any] = json.loads(driftline("check", "-c", "config.yaml", "--format", "json").out)
    [source] = body["models"][0]["sources"]
    assert (source["kind"], source["path"], source["why"]) == (type_, given, None)
    assert (source["table"]["files"], source["table"]["rows"]) == (1, 3)
    assert source["rows"] == [{"timestamp": "text of 20", "request_id": "text of 4", "inputs.x": "number"}] * 3
    assert f"{type_.capitalize()} table of 3 rows in 1 files" in driftline("check", "-c", "config.yaml").out


def test_an_inference_table_is_known(driftline: Driftline, folder: Path) -> None:
    """A Delta table that Databricks logs to is told by its columns."""
    Delta(folder / "logged").append(pa.table({name: [value] for name, value in DATABRICKS.items()}))
    [records] = model_of(driftline("init", "churn.parquet", "--records", "logged")).records
    assert (records.type, records.format) == ("delta", "databricks")  # type: ignore[union-attr] # of a table
