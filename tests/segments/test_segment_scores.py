"""Performance by segment: scored as targets come, alarmed on by its own bound, named where a loss is concentrated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import accuracy_score

from monitor.performance.settings import PerformanceSettings
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.tally import Limits
from monitor.record_layout import ColumnsSettings
from tests.passes import WALL, opened, plain
from tests.scored import Answered, hours_of, scored_plan, write_records, write_reference, write_targets
from tests.worlds import Json

WRONG, REGIONS, HOURS = 0.1, ("north", "south"), 40
SCORED = PerformanceSettings(metrics=["accuracy"], estimate=False)


def grouped(found: list[Answered], wrong: float = 0.0) -> list[Answered]:
    """Put every other record into the south, and turn a share of the targets there."""
    rng = np.random.default_rng(5)
    made = []
    for number, each in enumerate(found):
        region = REGIONS[number % 2]
        turned = region == "south" and rng.random() < wrong
        record = {**each.record, "inputs": {**each.record["inputs"], "region": region}}
        made.append(Answered(record, 1 - each.target if turned else each.target))
    return made


def plan(root: Path) -> ModelPlan:
    """Return the plan of a model that is judged by region."""
    return scored_plan(root, columns=ColumnsSettings(segments=[("region",)]), performance=SCORED)


def told(pipeline: Pipeline, wall: int = 0) -> tuple[list[Json], list[Json]]:
    """Return what became known of performance, and the alerts on it."""
    closed = [*pipeline.step(wall), *pipeline.flush(wall)]
    pipeline.close()
    alerts = [plain(body) for each in closed for body in each.alerts if body["name"] == "performance"]
    return [plain(body) for each in closed for body in each.performance], alerts


@pytest.fixture(scope="module")
def answers() -> list[Answered]:
    """Give the answers of a log in which half of the south's are wrong from the fifth hour on."""
    found = hours_of(range(HOURS), WRONG)
    first = [each for each in found if each.record["request_id"].split("-")[1] in {"0", "1", "2", "3"}]
    return [*grouped(first), *grouped(found[len(first) :], 0.5)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, answers: list[Answered]) -> Path:
    """Give a folder with the reference, the log and the targets."""
    folder = tmp_path_factory.mktemp("scores")
    write_reference(folder, WRONG)
    table = pq.read_table(folder / "reference.parquet")
    regions = [REGIONS[number % 2] for number in range(table.num_rows)]
    pq.write_table(table.append_column("inputs.region", [regions]), folder / "reference.parquet")
    write_records(folder, answers)
    write_targets(folder, answers)
    return folder


@pytest.fixture(scope="module")
def replayed(root: Path) -> tuple[list[Json], list[Json]]:
    """Give what a replay tells."""
    return told(Pipeline(plan(root), event_clock=True))


def test_segments_are_scored_as_scikit_learn_does(replayed: Any, answers: list[Answered]) -> None:
    """The accuracy of a window's segment is that of its rows, with their number."""
    last = replayed[0][-1]
    hour = last["window"].split("~")[2]
    number = int(hour[6:8]) * 24 + int(hour[9:11]) - 5 * 24
    rows = [each for each in answers if int(each.record["request_id"].split("-")[1]) == number]
    for part, region in zip(last["segments"], REGIONS, strict=True):
        own = [each for each in rows if each.record["inputs"]["region"] == region]
        realised = part["performance"][0]["realised"]
        expected = accuracy_score([each.target for each in own], [each.record["prediction"] for each in own])
        assert (part["segment"], part["rows"], realised["rows"]) == (f"region={region}", len(own), len(own))
        assert realised["value"] == pytest.approx(expected)


def test_a_loss_of_one_segment_has_its_alert(replayed: Any) -> None:
    """The segment whose answers are wrong has an alert, and no other."""
    fired = [body for body in replayed[1] if body["state"] == "firing"]
    assert {body["segment"] for body in fired} == {None, "region=south"}


def test_the_alert_of_the_whole_says_where_the_loss_is(replayed: Any) -> None:
    """The performance alert of all rows names the segment in which the loss is concentrated."""
    whole = next(body for body in replayed[1] if body["segment"] is None)
    causes = [cause for cause in whole["diagnosis"]["causes"] if cause["kind"] == "concentration"]
    assert [cause["detail"].split(":")[0] for cause in causes] == ["concentrated in region=south"]


def test_a_restart_changes_nothing(replayed: Any, root: Path, tmp_path: Path) -> None:
    """A new process for every few windows tells of the very alerts that a replay tells of."""
    found: list[Json] = []
    with opened(tmp_path) as state:
        for _ in range(8):
            pipeline = Pipeline(plan(root), state, event_clock=True, block_bytes=2**16)
            pipeline.read_targets(WALL)
            pipeline.read_records(WALL, Limits())
            for closed in pipeline.close_due(WALL, drained=False):
                found += [plain(body) for body in closed.alerts if body["name"] == "performance"]
            pipeline.close()
        found += told(Pipeline(plan(root), state, event_clock=True), WALL)[1]
    keys = ("segment", "state", "window", "columns", "diagnosis", "severity")
    assert [{key: body[key] for key in keys} for body in found] == [
        {key: body[key] for key in keys} for body in replayed[1]
    ]
