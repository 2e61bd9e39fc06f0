"""Forty columns that move together are one alert that names them all, and one message."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from monitor.instant import to_text
from monitor.routing import Policy
from monitor.store.database import State
from monitor.store.delivery import list_deliveries
from tests.passes import passed
from tests.worlds import BEGIN, HOUR, plan_of

NAMES = [f"reading_{number:02}" for number in range(40)]
ROWS = 40


def readings(hour: int, shift: float) -> dict[str, NDArray[np.float64]]:
    """Return an hour of forty independent readings, each moved by so many standard deviations."""
    rng = np.random.default_rng((5, hour + 100))
    return {name: rng.normal(shift, 1.0, ROWS) for name in NAMES}


@pytest.mark.long
def test_forty_columns_are_one_alert(tmp_path: Path, state: State) -> None:
    """What moved stands in one alert of one kind, and the team gets one message of its start."""
    hours = [readings(hour, 0.0) for hour in range(-60, 0)]
    times = BEGIN - 60 * HOUR + np.arange(60 * ROWS) * (HOUR // ROWS)
    table = {"timestamp": pa.array(times, pa.int64()).cast(pa.timestamp("us", "UTC"))}
    table |= {f"inputs.{name}": np.concatenate([hour[name] for hour in hours]) for name in NAMES}
    pq.write_table(pa.table(table), tmp_path / "reference.parquet")
    with (tmp_path / "log.jsonl").open("w") as log:
        for hour in range(7):
            drawn = readings(hour, 3.0 if hour >= 4 else 0.0)
            for row in range(ROWS):
                inputs = {name: round(float(drawn[name][row]), 3) for name in NAMES}
                at = to_text(BEGIN + hour * HOUR + row * (HOUR // ROWS))
                log.write(json.dumps({"timestamp": at, "model_version": "1", "inputs": inputs}) + "\n")
    told = passed(plan_of(tmp_path, task="none", policy=Policy((), ("team",))), state)
    drifted = {alert["id"]: sorted(alert["columns"]) for alert in told.alerts if alert["name"] == "drift"}
    with state.read() as connection:
        sent, _ = list_deliveries(connection)
    bodies = [json.loads(delivery.body)["data"] for delivery in sent]
    of_drift = [body for body in bodies if body["alert"]["name"] == "drift"]
    assert list(drifted.values()) == [NAMES]
    assert [(body["alert"]["id"], body["columns_total"]) for body in of_drift] == [(*drifted, 40)]
    assert len({body["alert"]["name"] for body in bodies}) == len(bodies)
