"""Versions that serve side by side: in the shadow of each other, or each on its own share of the records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.performance.settings import PerformanceSettings
from monitor.pipeline.cycle import Pipeline
from monitor.replay import Replay
from monitor.store.database import State
from monitor.versions import VersionsSettings
from tests.contracts.schemas import BACKTEST, faults
from tests.passes import opened, plain
from tests.scored import Answered, hour_of, hours_of, scored_plan, write_records, write_reference, write_targets
from tests.worlds import BEGIN, Json

WRONG, BETTER = 0.2, 0.02
HOURS = 16
"""Of the last one no target is known yet when the log ends."""
KNOWN = HOURS - 1


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with a reference whose answers are wrong in one of five."""
    write_reference(tmp_path, WRONG)
    return tmp_path


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state of the test's own."""
    with opened(tmp_path) as state:
        yield state


def second(number: int, wrong: float) -> list[Answered]:
    """Return the answers of version 2 to the very records of version 1 of an hour, of which a share is wrong."""
    rng = np.random.default_rng((number, 2))
    found = []
    for each in hour_of(number, WRONG):
        answer = each.target ^ int(rng.random() < wrong)
        own = {"model_version": "2", "prediction": answer, "score": 0.9 if answer else 0.1}
        found.append(Answered({**each.record, **own, "latency_ms": 20.0}, each.target))
    return found


def side_by_side(number: int, wrong: float) -> list[Answered]:
    """Return the answers of both versions of an hour, in order of time."""
    first = [Answered(each.record | {"latency_ms": 10.0}, each.target) for each in hour_of(number, WRONG)]
    return sorted([*first, *second(number, wrong)], key=lambda each: each.record["timestamp"])


def split(number: int, wrong: float) -> list[Answered]:
    """Return the records of an hour, of which every other one is answered by version 2."""
    both = side_by_side(number, wrong)
    return [each for place, each in enumerate(both) if (each.record["model_version"] == "2") == bool(place // 2 % 2)]


def write(root: Path, hour: Callable[[int, float], list[Answered]], wrong: float = BETTER, hours: int = HOURS) -> None:
    """Write so many hours of a log with its targets."""
    found = [each for number in range(hours) for each in hour(number, wrong)]
    write_records(root, found)
    write_targets(root, found)


def replayed(root: Path, **changes: Any) -> tuple[list[Json], list[Json]]:
    """Return the windows of a replay, and the comparisons of its summary."""
    replay = Replay(scored_plan(root, **changes))
    lines = [plain(line) for line in replay.lines()]
    comparisons: list[Json] = replay.summary()["comparisons"]
    return [line for line in lines if line["kind"] == "window"], comparisons


def figure(body: Json, name: str) -> Json:
    """Return one figure of a comparison."""
    found: Json = next(each for each in body["figures"] if each["figure"] == name)
    return found


def test_a_shadow_is_compared_on_the_same_records(root: Path) -> None:
    """A version that answers the same records better is found better on pairs, by as much as the targets say."""
    write(root, side_by_side)
    windows, (body,) = replayed(root)
    assert [fault for line in windows for fault in faults(BACKTEST["window"], line)] == []
    loss = figure(body, "loss")
    first, other = (
        float(np.mean([each.record["prediction"] != each.target for each in found]))
        for found in (hours_of(range(KNOWN), WRONG), [each for n in range(KNOWN) for each in second(n, BETTER)])
    )
    assert (body["version"], body["baseline"], body["verdict"]) == ("2", "1", "better")
    assert loss["value"] == pytest.approx(other - first)
    assert loss["rows"] == loss["baseline_rows"] == loss["paired_rows"] == KNOWN * 60


def test_shares_of_the_records_are_compared_as_they_are(root: Path) -> None:
    """Where each record has one version the comparison is of all rows of either."""
    write(root, split)
    (body,) = replayed(root)[1]
    loss = figure(body, "loss")
    assert (body["verdict"], loss["paired_rows"]) == ("better", 0)
    assert loss["rows"] + loss["baseline_rows"] == KNOWN * 60


def test_versions_that_answer_alike_are_not_told_apart(root: Path) -> None:
    """No difference is found where there is none, and how many rows would show the smallest of interest is told."""
    write(root, side_by_side, WRONG)
    (body,) = replayed(root)[1]
    assert (body["verdict"], body["why"]) == ("no_difference_yet", "interval_holds_zero")
    assert figure(body, "loss")["rows_needed_for_smallest"] > 0


def test_latency_is_compared_without_targets(root: Path) -> None:
    """Twice as long is worse, from the first five windows on, and needs neither target nor estimate."""
    write(root, side_by_side)
    windows, _ = replayed(root, targets=None, task="none")
    seen = [figure(body["compared"], "latency") for body in windows if body["version"] == "2"]
    assert [each["verdict"] for each in seen[:5]] == [*["no_difference_yet"] * 4, "worse"]
    assert seen[-1]["value"] == pytest.approx(2.0, rel=0.02)


def test_what_is_predicted_is_compared_at_once(root: Path) -> None:
    """Scores of the positive class that are higher are told as different before any target is known."""
    high = [Answered(each.record | {"score": 0.99}, each.target) for n in range(HOURS) for each in second(n, BETTER)]
    found = sorted([*hours_of(range(HOURS), WRONG), *high], key=lambda each: each.record["timestamp"])
    write_records(root, found)
    (root / "targets.jsonl").touch()
    (body,) = replayed(root)[1]
    assert (figure(body, "predictions")["of"], figure(body, "predictions")["verdict"]) == ("1", "different")
    assert figure(body, "loss")["why"] == "no_rows_of_both"


def test_what_is_predicted_is_compared_where_no_answer_is_kept(root: Path) -> None:
    """Without targets and estimates the mean scores of each stretch are compared all the same, and give the verdict."""
    high = [Answered(each.record | {"score": 0.99}, each.target) for n in range(HOURS) for each in second(n, BETTER)]
    low = hours_of(range(HOURS), WRONG)
    write_records(root, sorted([*low, *high], key=lambda each: each.record["timestamp"]))
    windows, (body,) = replayed(root, targets=None, performance=PerformanceSettings(estimate=False))
    assert [fault for line in windows for fault in faults(BACKTEST["window"], line)] == []
    told = figure(body, "predictions")
    by_hand = 0.99 - float(np.mean([each.record["score"] for each in low]))
    assert (body["verdict"], body["by"], told["of"], told["verdict"]) == ("different", "predictions", "1", "different")
    assert told["value"] == pytest.approx(by_hand, abs=1e-4)
    assert (told["rows"], told["blocks"], told["paired_rows"]) == (HOURS * 60, HOURS, 0)


def test_one_version_is_compared_with_nothing(root: Path) -> None:
    """Where a single version serves there is no comparison."""
    found = hours_of(range(5), WRONG)
    write_records(root, found)
    write_targets(root, found)
    windows, comparisons = replayed(root)
    assert ({body["compared"] is None for body in windows}, comparisons) == ({True}, [])


def test_the_config_may_name_the_baseline(root: Path) -> None:
    """The named version is what the others are held against, whichever came first."""
    write(root, side_by_side)
    (body,) = replayed(root, versions=VersionsSettings(baseline="2"))[1]
    assert (body["version"], body["baseline"], body["verdict"]) == ("1", "2", "worse")


def test_a_comparison_ends_with_a_version(root: Path) -> None:
    """Once version 1 has retired, version 2 serves beside nobody."""
    write(root, side_by_side, hours=8)
    alone = [each for number in range(8, 14) for each in second(number, BETTER)]
    write_records(root, alone)
    write_targets(root, alone)
    windows, comparisons = replayed(root)
    assert windows[-1]["compared"] is None
    assert figure(comparisons[0], "loss")["blocks"] == 8


@pytest.mark.parametrize("bare", [{}, {"targets": None, "performance": PerformanceSettings(estimate=False)}])
def test_run_compares_as_a_replay_does_through_restarts(root: Path, state: State, bare: Json) -> None:
    """Small blocks and a new process at every block change no bit of any comparison."""
    found = [each for number in range(10) for each in side_by_side(number, BETTER)]
    write_targets(root, found)
    told = []
    for start in range(0, len(found), 311):
        write_records(root, found[start : start + 211])
        pipeline = Pipeline(scored_plan(root, **bare), state, block_bytes=2048)
        told += [plain(body) for closed in pipeline.step(BEGIN) for body in closed.windows]
        pipeline.close()
    compared = {body["id"]: body["compared"] for body in replayed(root, **bare)[0]}
    assert len(told) >= 16
    assert {body["id"]: body["compared"] for body in told} == {body["id"]: compared[body["id"]] for body in told}
