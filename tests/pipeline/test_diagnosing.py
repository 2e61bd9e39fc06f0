"""A fault of the data from the log to the alert: the cause by its name, and the same words after a restart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.pipeline.plan import ModelPlan
from tests.passes import Told, opened, replayed, restarted
from tests.worlds import Json, World, plan_of, write_log, write_reference

CALM, HOURS = 4, 14


def kilometres(record: Json) -> Json:
    """Return a record whose amount is in another unit."""
    amount = record["inputs"]["amount"]
    changed = None if amount is None else round(amount * 1.609344, 6)
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


def test_a_restart_at_every_window_tells_the_same(plan: ModelPlan, told: Told, tmp_path: Path) -> None:
    """A diagnosis follows from what is stored alone."""
    with opened(tmp_path) as state:
        again = restarted(plan, state)
    assert json.dumps(again.alerts[0]["diagnosis"]) == json.dumps(told.alerts[0]["diagnosis"])
