"""The quality of the data through the whole pipeline: what is told, what fires, and that cuts change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.tally import Limits
from monitor.quality.settings import QualitySettings
from tests.contracts.schemas import WINDOW as WINDOW_SCHEMA
from tests.contracts.schemas import faults
from tests.passes import WALL, Told, counted, opened, replayed
from tests.worlds import Json, World, plan_of, write_log, write_reference

BAD_FROM, BAD_TO, HOURS = 6, 10, 16
EXPECTED = QualitySettings.model_validate(
    {"columns": {"amount": {"range": [-50, 50]}}, "pairs": [["score", "<=", "count"]]}
)


def broken(record: Json, place: int) -> Json:
    """Return a record in which something is wrong, now and then."""
    inputs = dict(record["inputs"])
    if place % 5 == 0:
        inputs["count"] = "many"
    if place % 4 == 0:
        inputs["amount"] = 999.0
    if place % 6 == 0:
        inputs["carrier"] = "ZZ"
    return record | {"inputs": inputs}


def log() -> Iterator[Json]:
    """Yield some hours, of which a few are broken."""
    for hour in range(HOURS):
        for place, record in enumerate(World().hours(hour, 1)):
            yield broken(record, place) if BAD_FROM <= hour < BAD_TO else record


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> ModelPlan:
    """Lay out a log and a reference."""
    root = tmp_path_factory.mktemp("quality")
    write_log(root / "log.jsonl", log())
    write_reference(root / "reference.parquet")
    return replace(plan_of(root), quality=EXPECTED)


@pytest.fixture(scope="module")
def told(plan: ModelPlan) -> Told:
    """Give what a replay tells."""
    return replayed(plan)


def test_violations_are_told_where_they_are(told: Told) -> None:
    """The broken hours say what is broken, by column and check; the others say nothing."""
    found = [{(one["column"], one["check"]) for one in each} for each in told.column("quality_violations")]
    broken_hour = {("amount", "range"), ("count", "type"), ("count", "missing"), ("carrier", "unseen")}
    assert found == [set()] * BAD_FROM + [broken_hour] * (BAD_TO - BAD_FROM) + [set()] * (HOURS - BAD_TO)


def test_windows_with_violations_keep_the_contract(told: Told) -> None:
    """A window that says what is violated is as the contract shows it."""
    assert [fault for body in told.windows for fault in faults(WINDOW_SCHEMA, body)] == []


def test_the_alert_fires_after_so_many_windows_and_resolves(told: Told) -> None:
    """The second broken hour fires, as a fault of the data with its causes; the second whole one resolves."""
    alerts = [alert for alert in told.alerts if alert["name"] == "quality"]
    assert [(alert["at"][11:16], alert["reason"]) for alert in alerts] == [
        ("08:05", "first_time"),
        ("12:05", "resolved"),
    ]
    assert (alerts[0]["began_at"][11:16], alerts[0]["columns"]) == ("06:00", ["amount", "count", "carrier"])
    assert alerts[0]["diagnosis"]["class"] == "data_fault"
    assert [cause["kind"] for cause in alerts[0]["diagnosis"]["causes"]] == ["range", "type", "missing", "unseen"]


def test_no_value_of_a_user_is_told(told: Told) -> None:
    """A cause says how many and what is allowed, and holds no value of a record but a default that many rows share."""
    assert not [alert for alert in told.alerts if "ZZ" in str(alert["diagnosis"])]
    causes = [cause for alert in told.alerts for cause in alert["diagnosis"]["causes"]]
    assert {cause["kind"] for cause in causes if "999" in cause["detail"]} <= {"default_value"}


@pytest.mark.parametrize("block_bytes", [700, 5000])
def test_cuts_change_nothing(plan: ModelPlan, told: Told, block_bytes: int) -> None:
    """Blocks of any size give the same violations and alerts, bit for bit."""
    assert replayed(plan, block_bytes=block_bytes) == told


def test_restarts_change_nothing(plan: ModelPlan, told: Told, tmp_path: Path) -> None:
    """A daemon that starts anew after every block gives the same violations and alerts, bit for bit."""
    again = Told()
    with opened(tmp_path) as state:
        while True:
            pipeline = Pipeline(plan, state, block_bytes=20_000)
            read = pipeline.read_records(WALL, Limits())
            for closed in pipeline.close_due(WALL, drained=not read):
                again.add(closed)
            for closed in () if read else pipeline.flush(WALL):
                again.add(closed)
            pipeline.close()
            if not read:
                break
        counted(again, state)
    assert again.column("quality_violations") == told.column("quality_violations")
    fired = [[alert for alert in pass_.alerts if alert["name"] == "quality"] for pass_ in (again, told)]
    assert fired[0] == fired[1]


def test_quality_can_be_left_alone(plan: ModelPlan) -> None:
    """Off, nothing is looked at, and nothing fires."""
    silent = replayed(replace(plan, quality=QualitySettings(checks="off")))
    assert not any(silent.column("quality_violations"))
    assert not [alert for alert in silent.alerts if alert["name"] == "quality"]
