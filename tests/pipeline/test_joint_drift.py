"""Drift that no single column shows, from the log to the alert."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.comparison import DriftSettings
from monitor.instant import to_text
from monitor.joint.settings import JointSettings
from monitor.pipeline.plan import ModelPlan
from tests.passes import Told, opened, passed, replayed
from tests.worlds import BEGIN, HOUR, Json, plan_of, write_log

ROWS, REFERENCE_HOURS, CALM_HOURS, HOURS = 60, 80, 12, 20
ON = DriftSettings(joint=JointSettings(columns=24))


def hour_of(hour: int, *, joined: bool = True) -> list[Json]:
    """Return the records of an hour, of which place and price belong together unless they are joined wrongly."""
    rng = np.random.default_rng(hour + 1000)
    size, noise, speed = rng.normal(size=(3, ROWS))
    place = np.where(size < -0.5, "small", np.where(size < 0.5, "middle", "large"))
    price = 0.8 * size + 0.6 * noise
    if not joined:
        price = rng.permutation(price)
    return [
        {
            "timestamp": to_text(BEGIN + hour * HOUR + row * 1_000_000),
            "request_id": f"{hour}-{row}",
            "model_version": "1",
            "inputs": {"place": str(place[row]), "price": float(price[row]), "speed": float(speed[row])},
        }
        for row in range(ROWS)
    ]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> ModelPlan:
    """Give the plan of a model whose log is joined wrongly from an hour on."""
    root = tmp_path_factory.mktemp("joint")
    known = [record for hour in range(-REFERENCE_HOURS, 0) for record in hour_of(hour)]
    columns = {f"inputs.{name}": [record["inputs"][name] for record in known] for name in known[0]["inputs"]}
    pq.write_table(
        pa.table({"timestamp": [record["timestamp"] for record in known]} | columns), root / "reference.parquet"
    )
    write_log(root / "log.jsonl", (r for hour in range(HOURS) for r in hour_of(hour, joined=hour < CALM_HOURS)))
    return plan_of(root, task="none")


@pytest.fixture(scope="module")
def told(plan: ModelPlan) -> Told:
    """Give what is told where joint scores are watched."""
    return replayed(replace(plan, drift=ON))


def test_columns_that_come_loose_are_found_and_named(told: Told) -> None:
    """A wrong join, which leaves every column as it was, pages in its first two hours, and names the pair."""
    (alert,) = told.alerts
    assert set(alert["columns"]) >= {"joint.place~price", "joint.pca_error"}
    assert alert["diagnosis"]["class"] == "unclear"
    assert told.column("verdict").index("drifted") in (CALM_HOURS, CALM_HOURS + 1)


def test_without_joint_scores_a_wrong_join_stays_unseen(plan: ModelPlan) -> None:
    """No column's own distribution changes; by default nothing else is watched."""
    windows = replayed(plan).windows
    assert {body["verdict"] for body in windows} == {"stable"}
    assert {len(body["columns"]) for body in windows} == {3}


def test_joint_scores_are_the_same_bits_however_the_log_is_cut(plan: ModelPlan, told: Told) -> None:
    """Small blocks tell what one large block tells."""
    assert replayed(replace(plan, drift=ON), block_bytes=2000).windows == told.windows


def test_a_store_changes_no_bit_of_a_joint_score(plan: ModelPlan, told: Told, tmp_path: Path) -> None:
    """What is counted, stored and judged in small passes tells what a replay tells."""
    with opened(tmp_path) as state:
        found = passed(replace(plan, drift=ON), state, block_bytes=5000)
    assert (found.windows, found.alerts) == (told.windows, told.alerts)


def test_every_joint_score_is_shown_as_a_column(told: Told) -> None:
    """Windows hold joint scores under their names, as numeric features."""
    shown = {body["name"]: (body["role"], body["kind"]) for body in told.windows[0]["columns"]}
    joint = {name: what for name, what in shown.items() if name.startswith("joint.")}
    assert {"joint.place~price", "joint.pca_error", "joint.wave1"} <= set(joint)
    assert set(joint.values()) == {("feature", "numeric")}
