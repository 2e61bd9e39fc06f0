from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow.parquet as pq
import pytest

from monitor.errors import MonitorError
from monitor.fairness.registry import MEASURES
from monitor.fairness.settings import FairnessSettings, MeasureName
from monitor.pipeline.cycle import Pipeline
from tests.passes import plain
from tests.scored import (
    REFERENCE_HOURS,
    Answered,
    hours_of,
    scored_plan,
    write_records,
    write_reference,
    write_targets,
)
from tests.worlds import Json

WRONG = 0.15
GROUPS = ("north", "south")


def grouped(found: list[Answered], more: float = 0.0) -> list[Answered]:
    """Put every record into one of two groups; of the second a share ``more`` is answered with yes whatever is true."""
    rng = np.random.default_rng(7)
    made = []
    for number, each in enumerate(found):
        group = GROUPS[number % 2]
        inputs = {**each.record["inputs"], "region": group}
        forced = group == "south" and rng.random() < more
        answer = {"prediction": 1, "score": 0.8} if forced else {}
        made.append(Answered({**each.record, "inputs": inputs, **answer}, each.target))
    return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder with a reference in which both groups are treated alike."""
    write_reference(tmp_path, WRONG)
    table = pq.read_table(tmp_path / "reference.parquet")
    regions = [GROUPS[number % 2] for number in range(table.num_rows)]
    pq.write_table(table.append_column("inputs.region", [regions]), tmp_path / "reference.parquet")
    return tmp_path


def replay(root: Path, **settings: Any) -> tuple[list[Json], list[Json], list[Json]]:
    """Return the windows, what became known of their performance, and the alerts."""
    fairness = FairnessSettings(**{"columns": ["region"], **settings})
    pipeline = Pipeline(scored_plan(root, fairness=fairness), event_clock=True)
    closed = [*pipeline.step(0), *pipeline.flush(0)]
    closed.append(pipeline.settle())
    pipeline.close()
    windows = [plain(body) for each in closed for body in each.windows]
    scores = [plain(body) for each in closed for body in each.performance]
    return windows, scores, [plain(body) for each in closed for body in each.alerts]


def value(body: Json, metric: str) -> Any:
    """Return the difference of a measure."""
    return next(each["value"] for each in body["fairness"] if each["metric"] == metric)


def test_the_settings_know_every_measure() -> None:
    """A measure can be named in a config exactly if it is registered."""
    assert set(get_args(MeasureName)) == set(MEASURES)


def test_what_needs_no_target_is_known_at_the_close(root: Path) -> None:
    """A window has the difference of the shares predicted positive before any target, and no other that needs one."""
    write_records(root, grouped(hours_of(range(4), WRONG), more=0.5))
    windows, _, _ = replay(root)
    assert value(windows[0], "demographic_parity") > 0.1
    assert "equal_opportunity" not in {each["metric"] for each in windows[0]["fairness"]}


def test_what_needs_targets_is_known_when_they_come(root: Path) -> None:
    """All measures stand beside the performance, with the reference's own difference."""
    found = grouped(hours_of(range(6), WRONG), more=0.5)
    write_records(root, found)
    write_targets(root, found)
    _, scores, _ = replay(root)
    first = min(scores, key=lambda body: body["window"])
    assert {each["metric"] for each in first["fairness"]} == set(MEASURES)
    assert next(each for each in first["fairness"] if each["metric"] == "demographic_parity")["reference"] < 0.1


def test_groups_that_are_treated_alike_raise_no_alert(root: Path) -> None:
    """Chance alone stays under what is allowed."""
    found = grouped(hours_of(range(24), WRONG))
    write_records(root, found)
    write_targets(root, found)
    assert replay(root, at_most={"demographic_parity": 0.1})[2] == []


def test_a_group_that_is_answered_otherwise_is_told(root: Path) -> None:
    """The alert names the column and the measure, and ends when both are treated alike again."""
    fair, unfair = hours_of(range(8), WRONG), hours_of(range(8, 16), WRONG)
    found = [*grouped(fair), *grouped(unfair, more=0.9), *grouped(hours_of(range(16, 24), WRONG))]
    write_records(root, found)
    write_targets(root, found)
    _, _, alerts = replay(root, at_most={"demographic_parity": 0.1})
    told = [body for body in alerts if body["name"] == "fairness"]
    assert [body["state"] for body in told] == ["firing", "resolved"]
    assert told[0]["columns"] == ["region"]
    assert "demographic_parity: two groups are" in told[0]["diagnosis"]["causes"][0]["detail"]


def test_a_column_that_is_no_feature_is_a_fault(root: Path) -> None:
    """It is named, with the nearest one."""
    with pytest.raises(MonitorError) as caught:
        replay(root, columns=["regio"])
    assert "region" in str(caught.value) + str(caught.value.hint)


def stormy(numbers: range, lasting: float = 0.0) -> list[Answered]:
    """Return hours of which three in each fifteen are a storm: one group alone is then often answered with yes."""
    return [
        each
        for number in numbers
        for each in grouped(hours_of([number], WRONG), more=0.8 if number % 15 < 3 else lasting)
    ]


@pytest.fixture
def stormy_root(tmp_path: Path) -> tuple[Path, float]:
    """Give a folder with a reference that has storms, and how far apart its groups are."""
    write_reference(tmp_path, WRONG)
    found = stormy(range(-REFERENCE_HOURS, 0))
    table = pq.read_table(tmp_path / "reference.parquet").drop_columns(["prediction"])
    answers = np.array([each.record["prediction"] for each in found])
    regions = np.array([each.record["inputs"]["region"] for each in found])
    table = table.append_column("prediction", [answers]).append_column("inputs.region", [regions])
    pq.write_table(table, tmp_path / "reference.parquet")
    return tmp_path, float(answers[regions == "south"].mean() - answers[regions == "north"].mean())


def test_storms_that_the_reference_has_too_raise_no_alert(stormy_root: tuple[Path, float]) -> None:
    """The records of an hour share its storm: what is over the limit hours in a row is not over it on the whole."""
    root, apart = stormy_root
    found = stormy(range(75))
    write_records(root, found)
    write_targets(root, found)
    windows, _, alerts = replay(root, at_most={"demographic_parity": round(apart + 0.02, 3)})
    stormed = [body["fairness"][0]["lower"] for body in windows if body["fairness"]]
    assert sum(lower > apart + 0.02 for lower in stormed) > 4
    assert [body for body in alerts if body["name"] == "fairness"] == []


def test_a_difference_that_lasts_is_told_though_storms_are_larger(stormy_root: tuple[Path, float]) -> None:
    """Evidence adds up over windows, none of which says anything alone."""
    root, apart = stormy_root
    found = stormy(range(75), lasting=0.5)
    write_records(root, found)
    write_targets(root, found)
    _, _, alerts = replay(root, at_most={"demographic_parity": round(apart + 0.02, 3)})
    assert "fairness" in {body["name"] for body in alerts}
