from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.alert import AlertSettings
from monitor.performance.settings import PerformanceSettings
from monitor.pipeline.cycle import Pipeline
from monitor.replay import Replay
from monitor.sampling import SamplingSettings
from monitor.settings import parse_rate
from monitor.store.database import State
from monitor.store.window import list_windows
from tests.passes import ALL, WALL, opened, plain
from tests.scored import (
    ROWS,
    Answered,
    Draw,
    binary,
    hour_of,
    hours_of,
    multiclass,
    multilabel,
    ranking,
    regression,
    scored_plan,
    write_records,
    write_reference,
    write_targets,
)
from tests.worlds import BEGIN, HOUR, Json

WRONG = 0.15


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder with a reference in which 15 % of the answers are wrong."""
    write_reference(tmp_path, WRONG)
    return tmp_path


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state of the test's own."""
    with opened(tmp_path) as state:
        yield state


def replay(root: Path, **changes: Any) -> tuple[list[Json], list[Json]]:
    """Return what is known of performance as it became known, and the alerts, of a replay without a state."""
    pipeline = Pipeline(scored_plan(root, **changes), event_clock=True)
    closed = [*pipeline.step(0), *pipeline.flush(0)]
    closed.append(pipeline.settle())
    pipeline.close()
    scores = [plain(body) for each in closed for body in each.performance]
    return scores, [plain(body) for each in closed for body in each.alerts]


def last_of(scores: list[Json]) -> dict[str, Json]:
    """Return what was known last of each window."""
    return {body["window"]: body for body in scores}


def value(body: Json, metric: str, kind: str = "realised") -> Any:
    """Return one metric of a window."""
    entry = next(each for each in body["performance"] if each["metric"] == metric)
    return entry[kind] and entry[kind]["value"]


def run(root: Path, state: State, **how: Any) -> dict[str, Json]:
    """Return the performance of every window that is kept after a daemon's pass."""
    pipeline = Pipeline(scored_plan(root), state, **how)
    for _ in [*pipeline.step(WALL), *pipeline.flush(WALL)]:
        pass
    pipeline.close()
    with state.read() as connection:
        found, _ = list_windows(connection, "shop", limit=ALL)
    return {body["id"]: plain(body) for body in found}


def accuracy(found: list[Answered]) -> float:
    """Return the share of answers that are right."""
    return float(np.mean([each.record["prediction"] == each.target for each in found]))


def test_a_window_is_scored_with_the_targets_that_came(root: Path) -> None:
    """Its accuracy is that of its records, and its coverage is whole."""
    found = hours_of(range(6), WRONG)
    write_records(root, found)
    write_targets(root, found)
    first = min(last_of(replay(root)[0]).values(), key=lambda body: body["window"])
    assert value(first, "accuracy") == accuracy(hour_of(0, WRONG))
    assert (first["targets_coverage_ratio"], first["performance"][0]["final"]) == (1.0, True)


def test_targets_may_come_in_any_order_and_before_their_records(root: Path) -> None:
    """Order, repetition and ids of no record change nothing."""
    found = hours_of(range(6), WRONG)
    write_records(root, found)
    write_targets(root, found)
    straight, _ = replay(root)
    (root / "targets.jsonl").unlink()
    stranger = Answered({**found[0].record, "request_id": "nobody"}, 1)
    write_targets(root, [*found[::-1], stranger, *found[:50]])
    assert last_of(replay(root)[0]) == last_of(straight)


def test_targets_of_an_unknown_class_are_counted_and_in_no_metric(root: Path) -> None:
    """Of sixty targets two of no class of the model are told as a share, and the metric is of the others."""
    found = hour_of(0, WRONG)
    write_records(root, found)
    odd = [2, 0.5]
    write_targets(root, [replace(each, target=value) for each, value in zip(found, odd, strict=False)], 0)
    write_targets(root, found[len(odd) :], 0)
    last = replay(root)[0][-1]
    assert last["targets_unreadable_ratio"] == pytest.approx(2 / 60)
    assert last["performance"][0]["realised"]["rows"] == 58


def test_targets_dated_before_their_record_are_counted(root: Path) -> None:
    """Of sixty targets three that are dated an hour before their record are told as a share, and lost to no metric."""
    found = hour_of(0, WRONG)
    write_records(root, found)
    write_targets(root, found[:3], -1)
    write_targets(root, found[3:], 0)
    last = replay(root)[0][-1]
    assert last["targets_before_record_ratio"] == pytest.approx(3 / 60)
    assert last["performance"][0]["realised"]["rows"] == 60


def test_targets_without_a_date_are_not_said_to_be_in_order(root: Path) -> None:
    """Where no target says when it was known, none is called early or on time."""
    found = hour_of(0, WRONG)
    write_records(root, found)
    bare = [{"request_id": each.record["request_id"], "target": each.target} for each in found]
    (root / "targets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in bare))
    assert replay(root)[0][-1]["targets_before_record_ratio"] is None


def test_of_two_targets_of_one_record_the_last_wins(root: Path) -> None:
    """A target that is corrected counts as corrected."""
    found = hour_of(0, WRONG)
    write_records(root, [*found, *hours_of(range(1, 4), WRONG)])
    write_targets(root, [Answered(each.record, 1 - each.target) for each in found])
    write_targets(root, found)
    (first, *_) = last_of(replay(root)[0]).values()
    assert value(first, "accuracy") == accuracy(found)


def test_targets_that_are_not_known_yet_do_not_count(root: Path) -> None:
    """What a replay reads ahead of time is of no use before its instant."""
    found = hours_of(range(8), WRONG)
    write_records(root, found)
    write_targets(root, found, hours=3.0)
    scores, _ = replay(root)
    first = [body for body in scores if body["window"].endswith("T010000Z")]
    assert [body["at"] for body in first] == ["2026-01-05T04:05:00Z"]


def test_a_window_is_final_when_its_horizon_ends(root: Path) -> None:
    """A record whose target never comes keeps nothing open for ever."""
    found = hours_of(range(20), WRONG)
    write_records(root, found)
    write_targets(root, found[1:])
    scores = [body for body in replay(root)[0] if body["window"].endswith("T010000Z")]
    assert [body["performance"][0]["final"] for body in scores] == [False, True]
    assert (scores[-1]["at"], scores[-1]["targets_coverage_ratio"]) == ("2026-01-05T13:05:00Z", 59 / 60)


def test_a_replay_tells_each_window_of_which_targets_are_missing_too(root: Path) -> None:
    """The lines of a replay hold the performance of every window once, final or not."""
    found = hours_of(range(6), WRONG)
    write_records(root, found)
    write_targets(root, found[: -ROWS // 2])
    lines = list(Replay(scored_plan(root)).lines())
    told = [line["window"] for line in lines if line["kind"] == "performance"]
    assert sorted(told) == [line["id"] for line in lines if line["kind"] == "window"]


def test_run_scores_as_a_replay_does_through_restarts(root: Path, state: State) -> None:
    """Small blocks and a new process at every block change no bit of what is known in the end."""
    found = hours_of(range(20), WRONG)
    write_targets(root, found[::-1], hours=2.0)
    told = {}
    for start in range(0, len(found), 137):
        write_records(root, found[start : start + 137])
        told = run_quietly(root, state)
    kept = {key: body["performance"] for key, body in told.items() if body["performance"][0]["final"]}
    assert len(kept) >= 15
    scores = last_of(replay(root)[0])
    assert kept == {key: scores[key]["performance"] for key in kept}


def run_quietly(root: Path, state: State) -> dict[str, Json]:
    """Return what is kept after one more pass that reads in blocks of 2 kB and does not flush."""
    pipeline = Pipeline(scored_plan(root), state, block_bytes=2048)
    for _ in pipeline.step(BEGIN):
        pass
    pipeline.close()
    with state.read() as connection:
        found, _ = list_windows(connection, "shop", limit=ALL)
    return {body["id"]: plain(body) for body in found}


def test_a_loss_fires_and_resolves(root: Path) -> None:
    """When half of the answers are wrong the alert tells, with the window that was scored and its performance."""
    found = [*hours_of(range(10), WRONG), *hours_of(range(10, 20), 0.5), *hours_of(range(20, 40), WRONG)]
    write_records(root, found)
    write_targets(root, found)
    _, alerts = replay(root, alerts=AlertSettings(false_alarms=parse_rate("1 per 1d")))
    told = [(body["name"], body["state"], body["reason"]) for body in alerts if body["name"] == "performance"]
    assert told == [("performance", "firing", "first_time"), ("performance", "resolved", "resolved")]
    (fired, _) = [body for body in alerts if body["name"] == "performance"]
    assert "2026-01-05T12:05:00Z" <= fired["at"] <= "2026-01-05T18:05:00Z"
    assert fired["began_at"] >= "2026-01-05T09:00:00Z"
    assert fired["diagnosis"]["class"] == "concept_change"
    assert "mean loss" in fired["diagnosis"]["causes"][0]["detail"]


def test_nothing_fires_while_nothing_is_lost(root: Path) -> None:
    """Forty hours as good as the reference raise no alert on performance."""
    found = hours_of(range(40), WRONG)
    write_records(root, found)
    write_targets(root, found)
    assert replay(root)[1] == []


def test_targets_that_stop_are_told(root: Path) -> None:
    """Once they have been silent for long enough the alert fires, and resolves when they come again."""
    found = hours_of(range(72), WRONG)
    write_records(root, found)
    write_targets(root, [*found[: 60 * 20], *found[60 * 55 :]])
    _, alerts = replay(root)
    told = [(body["name"], body["state"]) for body in alerts if body["name"] == "targets"]
    assert told == [("targets", "firing"), ("targets", "resolved")]


def test_one_class_has_no_area_under_a_curve(root: Path) -> None:
    """It is said why, and no number is made up."""
    found = [Answered(each.record, 0) for each in hour_of(0, WRONG)]
    write_records(root, [*found, *hours_of(range(1, 4), WRONG)])
    write_targets(root, found)
    (first, *_) = last_of(replay(root)[0]).values()
    entry = next(each for each in first["performance"] if each["metric"] == "roc_auc")
    assert (entry["realised"], entry["why"]) == (None, "one_class")


def test_sampling_keeps_both_sides_of_a_pair(root: Path) -> None:
    """Every record that is sampled finds its target."""
    found = hours_of(range(6), WRONG)
    write_records(root, found)
    write_targets(root, found)
    scores, _ = replay(root, sampling=SamplingSettings(rate=0.5))
    first = min(last_of(scores).values(), key=lambda body: body["window"])
    assert first["targets_coverage_ratio"] == 1.0
    assert 15 <= first["performance"][0]["realised"]["rows"] <= 45


def test_an_estimate_stands_before_the_targets(root: Path, state: State) -> None:
    """A window has estimates with a band as soon as it closes, in a daemon without any target."""
    write_records(root, hours_of(range(4), WRONG))
    windows = run(root, state)
    first = windows[min(windows)]
    assert value(first, "accuracy") is None
    assert value(first, "accuracy", "estimated") == pytest.approx(1 - WRONG, abs=0.05)


@pytest.mark.parametrize(
    ("task", "draw", "wrong", "metric"),
    [
        ("multiclass", multiclass, 0.2, "accuracy"),
        ("multiclass", multiclass, 0.2, "roc_auc"),
        ("regression", regression, 2.0, "mae"),
        ("ranking", ranking, 0.3, "hit_rate_at_10"),
        ("multilabel", multilabel, 0.1, "hamming_loss"),
    ],
)
def test_every_task_is_scored_from_its_log(tmp_path: Path, task: str, draw: Draw, wrong: float, metric: str) -> None:
    """Whatever a model answers, its windows have a value near that of the reference."""
    write_reference(tmp_path, wrong, draw)
    found = hours_of(range(4), wrong, draw)
    write_records(tmp_path, found)
    write_targets(tmp_path, found)
    (first, *_) = last_of(replay(tmp_path, task=task)[0]).values()
    entry = next(each for each in first["performance"] if each["metric"] == metric)
    assert entry["realised"]["lower"] <= entry["reference"] <= entry["realised"]["upper"]


def test_a_reference_without_targets_still_scores(tmp_path: Path) -> None:
    """What the targets say is told, without a value to hold it against, and no alarm."""
    write_reference(tmp_path, WRONG, with_targets=False)
    found = hours_of(range(4), WRONG, binary)
    write_records(tmp_path, found)
    write_targets(tmp_path, found)
    (first, *_) = last_of(replay(tmp_path)[0]).values()
    assert value(first, "accuracy") == accuracy(hour_of(0, WRONG))
    assert first["performance"][0]["reference"] is None


def test_the_last_hour_is_worth_as_much_as_others() -> None:
    """The hours of the log are drawn apart from those of the reference."""
    assert hour_of(0, WRONG) != hour_of(1, WRONG)
    assert BEGIN % HOUR == 0


@pytest.mark.parametrize("settings", [{}, {"targets": None}])
def test_answers_are_asked_for_while_their_window_waits(root: Path, settings: Json) -> None:
    """An answer may be asked for as long as a window waits that is later, or is open: its length and a step more."""
    write_records(root, hours_of(range(20), WRONG))
    pipeline = Pipeline(scored_plan(root, **settings), event_clock=True)
    assert list(pipeline.step(0))
    model = pipeline.model
    waiting = [end for scored in model.scored.values() for end in scored.cohorts]
    assert (len(waiting) > 10) is (not settings)
    assert min([model.closed, *waiting]) - model.asked_from == 2 * HOUR
    pipeline.close()


@pytest.mark.parametrize(
    ("estimate", "with_targets", "told"),
    [
        (True, True, {"mae": None, "rmse": None, "r2": "not_estimable", "bias": "not_estimable"}),
        (True, False, dict.fromkeys(("mae", "rmse", "r2", "bias"), "reference_without_targets")),
        (False, True, dict.fromkeys(("mae", "rmse", "r2", "bias"))),
    ],
)
def test_what_cannot_be_estimated_says_why(tmp_path: Path, estimate: bool, with_targets: bool, told: Json) -> None:
    """A metric without an estimate says why there is none, where one was asked for."""
    found = hours_of(range(3), 2.0, regression)
    write_reference(tmp_path, 2.0, regression, with_targets=with_targets)
    write_records(tmp_path, found)
    write_targets(tmp_path, found)
    performance = PerformanceSettings(estimate=estimate)
    scores, _ = replay(tmp_path, task="regression", performance=performance)
    assert {entry["metric"]: entry["estimate_why"] for entry in scores[-1]["performance"]} == told
