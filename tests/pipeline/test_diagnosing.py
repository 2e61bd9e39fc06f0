"""A fault of the data from the log to the alert: the cause by its name, and the same words after a restart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.alert import AlertState, DriftAlert
from monitor.instant import from_text
from monitor.pipeline.loss_alarm import class_of_loss
from monitor.pipeline.model import Version
from monitor.pipeline.plan import ModelPlan
from tests.passes import Told, opened, replayed, restarted
from tests.worlds import BEGIN, HOUR, Json, World, plan_of, write_log, write_reference

CALM, HOURS = 4, 14


def kilometres(record: Json) -> Json:
    """Return a record whose amount is in kilometres, not miles."""
    return recast(record, 1.609344)


def recast(record: Json, factor: float) -> Json:
    """Return a record whose amount is in another unit."""
    amount = record["inputs"]["amount"]
    changed = None if amount is None else round(amount * factor, 6)
    return record | {"inputs": record["inputs"] | {"amount": changed}}


def records() -> Iterator[Json]:
    """Yield calm hours, and then such with the fault."""
    world = World(rows=240)
    yield from world.hours(0, CALM)
    yield from map(kilometres, world.hours(CALM, HOURS - CALM))


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> ModelPlan:
    """Give the plan of a model whose log changes its unit."""
    root = tmp_path_factory.mktemp("diagnosing")
    write_reference(root / "reference.parquet", World(rows=240))
    write_log(root / "log.jsonl", records())
    return plan_of(root)


@pytest.fixture(scope="module")
def told(plan: ModelPlan) -> Told:
    """Give what a replay tells."""
    return replayed(plan)


def test_a_changed_unit_is_a_fault_of_the_data_with_its_factor(told: Told) -> None:
    """The alert names the column, the unit and the factor, and says what to do."""
    diagnosis = told.alerts[0]["diagnosis"]
    assert diagnosis["class"] == "data_fault"
    cause = diagnosis["causes"][0]
    assert (cause["kind"], cause["column"]) == ("unit_change", "amount")
    assert cause["factor"] == pytest.approx(1.609, abs=0.001)
    assert 0.5 < cause["confidence"] <= 1
    assert diagnosis["text"].startswith("amount is now in kilometres, x1.609")
    assert "do not retrain" in diagnosis["text"]


def test_a_fault_that_began_within_the_window_is_told_by_the_next(tmp_path: Path) -> None:
    """Half a window in feet looks like a population that moved; the alert is told anew once it is known better."""
    world, onset = World(rows=240), BEGIN + CALM * HOUR + HOUR // 2
    write_reference(tmp_path / "reference.parquet", world)
    hours = world.hours(0, HOURS)
    write_log(
        tmp_path / "log.jsonl",
        (recast(each, 0.3048) if from_text(each["timestamp"]) >= onset else each for each in hours),
    )
    alerts = replayed(plan_of(tmp_path)).alerts
    assert [alert["reason"] for alert in alerts] == ["first_time", "changed"]
    assert [alert["diagnosis"]["class"] == "data_fault" for alert in alerts] == [False, True]
    assert alerts[1]["diagnosis"]["causes"][0]["factor"] == pytest.approx(0.3048)
    assert alerts[0]["id"] == alerts[1]["id"]


def test_a_restart_at_every_window_tells_the_same(plan: ModelPlan, told: Told, tmp_path: Path) -> None:
    """A diagnosis follows from what is stored alone."""
    with opened(tmp_path) as state:
        again = restarted(plan, state)
    assert json.dumps(again.alerts[0]["diagnosis"]) == json.dumps(told.alerts[0]["diagnosis"])


@pytest.mark.parametrize(
    ("state", "told", "class_"),
    [
        (AlertState.INACTIVE, None, "concept_change"),
        (AlertState.FIRING, "population_change", "unclear"),
        (AlertState.FIRING, "data_fault", "data_fault"),
    ],
)
def test_a_loss_beside_a_fault_of_the_data_is_of_that_fault(state: AlertState, told: str | None, class_: str) -> None:
    """A model that answers broken inputs badly has learnt nothing wrong."""
    body = None if told is None else {"diagnosis": {"class": told}}
    assert class_of_loss(Version(None, None, 0, DriftAlert(state), body)) == class_
