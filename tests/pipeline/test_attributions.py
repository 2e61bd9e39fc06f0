"""What each feature decided, logged beside the answers: watched by itself, outside the evidence of drift."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.attributions import in_order
from monitor.comparison import ColumnDriftSettings, DriftSettings
from monitor.instant import from_text, to_text
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.record_layout import ColumnsSettings
from monitor.replay import Replay
from tests.contracts.schemas import WINDOW, faults
from tests.passes import plain
from tests.worlds import BEGIN, HOUR, Json, plan_of, write_log

NAMES = ("amount", "income", "age")
BEFORE, AFTER = (3.0, 2.0, 1.0), (1.0, 2.0, 3.0)
TURNED, HOURS, ROWS = 4, 8, 60


def hour(number: int, weights: tuple[float, ...]) -> list[Json]:
    """Return records whose attributions are the features times weights; the features never change."""
    rng = np.random.default_rng(number + 1000)
    values = rng.normal(size=(ROWS, len(NAMES)))
    times = BEGIN + number * HOUR + np.sort(rng.integers(0, HOUR, ROWS))
    return [
        {
            "timestamp": to_text(int(time)),
            "request_id": f"{number}-{place}",
            "inputs": dict(zip(NAMES, row.round(4).tolist(), strict=True)),
            "shap": dict(zip(NAMES, (row * np.array(weights)).round(4).tolist(), strict=True)),
        }
        for place, (time, row) in enumerate(zip(times, values, strict=True))
    ]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write a reference, and a log in which the last feature takes the place of the first."""
    found = [record for number in range(-60, 0) for record in hour(number, BEFORE)]
    columns = {
        f"{group}.{name}": [each[group][name] for each in found] for group in ("inputs", "shap") for name in NAMES
    }
    times = pa.array([from_text(each["timestamp"]) for each in found], pa.int64()).cast(pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"timestamp": times, **columns}), tmp_path / "reference.parquet")
    write_log(tmp_path / "log.jsonl", (r for n in range(HOURS) for r in hour(n, AFTER if n >= TURNED else BEFORE)))
    return tmp_path


def plan(root: Path, *, weighed: bool = False) -> ModelPlan:
    """Return the plan of a model that logs attributions."""
    columns = ColumnsSettings(attributions="shap.*")
    return plan_of(root, task="none", columns=columns, drift=DriftSettings(attributions=weighed))


def lines(root: Path, *, weighed: bool = False) -> list[Json]:
    """Return the lines of a replay."""
    return [plain(line) for line in Replay(plan(root, weighed=weighed)).lines()]


def test_a_new_ranking_is_told_and_is_no_drift(root: Path) -> None:
    """The alert quality names who changed ranks after two windows, while the features are stable."""
    told = lines(root)
    windows = [line for line in told if line["kind"] == "window"]
    assert [fault for line in windows for fault in faults(WINDOW, line)] == []
    assert {line["verdict"] for line in windows} == {"stable"}
    broken = [[each["check"] for each in line["quality_violations"]] for line in windows]
    assert broken == [[]] * TURNED + [["attribution_ranking"]] * (HOURS - TURNED)
    (alert,) = [line for line in told if line["kind"] == "alert"]
    assert (alert["name"], alert["diagnosis"]["class"]) == ("quality", "unclear")
    assert "shap.age from 3 to 1" in alert["diagnosis"]["causes"][0]["detail"]


def test_each_attribution_is_judged_by_its_threshold(root: Path) -> None:
    """Columns of role attribution drift by their distance, have no share of the drift, and are no features."""
    window = next(line for line in reversed(lines(root)) if line["kind"] == "window")
    found = {column["name"]: column for column in window["columns"] if column["role"] == "attribution"}
    assert sorted(found) == ["shap.age", "shap.amount", "shap.income"]
    assert (found["shap.age"]["verdict"], found["shap.income"]["verdict"]) == ("drifted", "stable")
    assert {column["share_of_drift"] for column in found.values()} <= {0.0, None}
    assert {column["name"] for column in window["columns"]} - set(found) == set(NAMES)


def test_who_moved_most_comes_first(root: Path) -> None:
    """A window tells each column's part of all weight, before and now, with its rank."""
    windows = [line for line in lines(root) if line["kind"] == "window"]
    calm, turned = windows[0]["attributions"], windows[-1]["attributions"]
    assert (calm["ndcg"], turned["ndcg"] < 0.9) == (1.0, True)
    first = next(each for each in turned["moved"] if each["column"] == "shap.amount")
    assert (first["rank_before"], first["rank_now"]) == (1, 3)
    assert first["before"] == pytest.approx(3 / 6, abs=0.02)
    assert turned["moved"][-1]["column"] == "shap.income"


def test_attributions_are_evidence_where_that_is_asked_for(root: Path) -> None:
    """With drift.attributions the same log is drift."""
    windows = [line for line in lines(root, weighed=True) if line["kind"] == "window"]
    assert windows[-1]["verdict"] == "drifted"


def test_what_decides_most_stands_first_in_an_alert(root: Path) -> None:
    """Of two features that drift alike the one comes first that has the larger part of all attribution."""
    judge = Pipeline(plan(root)).references.judge("")
    assert judge is not None
    window = {"columns": [{"name": name, "share_of_drift": 0.4} for name in ("age", "income", "amount")]}
    assert in_order(judge, ("age", "income", "amount"), window) == ["amount", "income", "age"]


def test_a_given_importance_is_not_put_in_order_again(root: Path) -> None:
    """Where the config says what matters the evidence is weighed by it, and the order is the evidence's."""
    given = DriftSettings(columns={"age": ColumnDriftSettings(importance=2.0)})
    judge = Pipeline(replace(plan(root), drift=given)).references.judge("")
    assert judge is not None
    window = {"columns": [{"name": name, "share_of_drift": 0.4} for name in ("age", "amount")]}
    assert in_order(judge, ("age", "amount"), window) == ["age", "amount"]
