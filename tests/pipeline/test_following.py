"""A retraining after its end: the version that it gave is watched until it is known whether that helped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.action import RetrainSettings
from monitor.app.actions import take_report
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.routing import Policy
from monitor.store.action import list_actions
from monitor.store.alert import list_alerts
from monitor.store.database import State
from monitor.store.delivery import list_deliveries
from monitor.web.problems import Problem
from monitor.web.view import Report, Step
from tests.passes import ALL, WALL, opened
from tests.scored import hour_of, scored_plan, write_records, write_reference, write_targets
from tests.worlds import HOUR, Json

GOOD, BAD = 0.1, 0.5
ASKED_BY = 14
RETRAIN = {
    "receiver": "job",
    "mode": "auto",
    "cooldown": "1h",
    "budget": "3 per 7d",
    "min_targets": 0,
    "recovery": {"windows": 3, "within": "8h"},
}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state of the test's own."""
    with opened(tmp_path) as state:
        yield state


@pytest.fixture
def play(tmp_path: Path, state: State) -> Iterator[Callable[..., Pipeline]]:
    """Return a function that logs hours of a version, so many of its answers wrong, and has them read."""
    write_reference(tmp_path, GOOD)
    pipelines: list[Pipeline] = []

    def log(hours: range, wrong: float, version: str = "1", wall: int = WALL, **retrain: Any) -> Pipeline:
        found = [each for number in hours for each in hour_of(number, wrong, version=version)]
        write_records(tmp_path, found)
        write_targets(tmp_path, found, 0.0)
        if not pipelines or retrain:
            pipelines.append(Pipeline(plan(tmp_path, **retrain), state, event_clock=True))
        for _ in pipelines[-1].step(wall):
            pass
        return pipelines[-1]

    yield log
    for pipeline in pipelines:
        pipeline.close()


def plan(root: Path, **retrain: Any) -> ModelPlan:
    """Return a plan that retrains, and whose targets are known at once."""
    settings = RetrainSettings.model_validate(RETRAIN | retrain)
    return scored_plan(
        root, delay=timedelta(), policy=Policy(receivers=("team",)), retrain=settings, token=lambda action: action
    )


def action(state: State) -> Json:
    """Return the first action."""
    with state.read() as connection:
        found, _ = list_actions(connection, limit=ALL)
    return dict(found[-1])


def report(state: State, pipeline: Pipeline, step: Step, **said: Any) -> Json:
    """Have the job report on the first action."""
    return take_report(state, pipeline.model, action(state), Report(step, **said), WALL)


def messages(state: State, receiver: str) -> list[Json]:
    """Return what is queued for a receiver, the first first."""
    with state.read() as connection:
        found, _ = list_deliveries(connection, receiver, limit=ALL)
    return [json.loads(each.body)["data"] for each in reversed(found)]


def alerts(state: State) -> dict[str, str]:
    """Return the state of each critical alert by its version."""
    with state.read() as connection:
        found, _ = list_alerts(connection, limit=ALL)
    return {body["version"]: body["state"] for body in found if body["severity"] == "critical"}


def test_a_version_that_holds_has_recovered(play: Callable[..., Pipeline], state: State) -> None:
    """The team hears once that the retraining helped, from how much to how much; nothing critical is told."""
    report(state, play(range(ASKED_BY), BAD), Step.SUCCEEDED, version="2", rows=1000)
    play(range(ASKED_BY, ASKED_BY + 7), GOOD, "2")
    recovery = action(state)["recovery"]
    assert (recovery["status"], recovery["version"], recovery["windows"]) == ("recovered", "2", 3)
    assert recovery["before"] < 0.6
    assert recovery["after"] > 0.8
    told = [each["action"]["recovery"] for each in messages(state, "team") if (each["action"] or {}).get("recovery")]
    assert [each["text"] for each in told] == [recovery["text"]]
    assert alerts(state) == {}


def test_a_version_that_does_not_hold_is_told_of_in_time(play: Callable[..., Pipeline], state: State) -> None:
    """A critical alert of the new version says so in words; once it holds after all, the alert ends."""
    report(state, play(range(ASKED_BY), BAD), Step.SUCCEEDED, version="2", rows=1000)
    play(range(ASKED_BY, ASKED_BY + 10), BAD, "2")
    assert action(state)["recovery"]["status"] == "not_recovered"
    assert alerts(state) == {"2": "firing"}
    (told,) = [each for each in messages(state, "team") if each["alert"]["severity"] == "critical"]
    assert "version 2 did not recover within 8h" in told["diagnosis"]["text"]
    play(range(ASKED_BY + 10, ASKED_BY + 20), GOOD, "2")
    assert (action(state)["recovery"]["status"], alerts(state)) == ("recovered", {"2": "resolved"})


def test_a_version_that_is_never_seen_is_told_of(play: Callable[..., Pipeline], state: State) -> None:
    """A job may say that it succeeded, and its version never serve: the one that serves is told of then."""
    report(state, play(range(ASKED_BY), BAD), Step.SUCCEEDED, version="2", rows=1000)
    play(range(ASKED_BY, ASKED_BY + 10), BAD)
    assert action(state)["recovery"]["why"] == "version_not_seen"
    assert alerts(state) == {"1": "firing"}


def test_what_is_waited_for_outlives_a_restart(tmp_path: Path, play: Callable[..., Pipeline], state: State) -> None:
    """A new process after each window comes to the same as one that lives through all of them."""
    report(state, play(range(ASKED_BY), BAD), Step.SUCCEEDED, version="2", rows=1000)
    for hour in range(ASKED_BY, ASKED_BY + 7):
        play(range(hour, hour + 1), GOOD, "2", budget="3 per 7d")
    recovery = action(state)["recovery"]
    assert (recovery["status"], [each[1] for each in recovery["looks"]]) == ("recovered", ["held"] * 3)


def test_a_job_that_never_ends_has_timed_out(play: Callable[..., Pipeline], state: State) -> None:
    """One that said that it started and no more has failed once its action expires, and may not come back."""
    pipeline = play(range(ASKED_BY), BAD)
    report(state, pipeline, Step.STARTED, job="run-1")
    play(range(ASKED_BY, ASKED_BY + 2), BAD, wall=WALL + 25 * HOUR)
    assert (action(state)["status"], action(state)["why"]) == ("failed", "timed_out")
    with pytest.raises(Problem, match=r"failed already \(timed_out\)"):
        report(state, pipeline, Step.SUCCEEDED, version="2")


def test_a_job_that_failed_is_asked_again_as_often_as_is_allowed(play: Callable[..., Pipeline], state: State) -> None:
    """The second try has a fence and a token of its own, and counts in the budget; there is no third."""
    pipeline = play(range(ASKED_BY), BAD, retries=1)
    report(state, pipeline, Step.FAILED, why="out of memory")
    play(range(ASKED_BY, ASKED_BY + 2), BAD)
    again = action(state)
    assert (again["status"], again["fence"], len(again["attempts"])) == ("requested", 2, 1)
    assert len({each["action"]["callback"]["token"] for each in messages(state, "job")}) == 2
    report(state, pipeline, Step.FAILED, why="out of memory")
    play(range(ASKED_BY + 2, ASKED_BY + 4), BAD)
    assert (action(state)["status"], len(messages(state, "job"))) == ("failed", 2)


def test_the_budget_ends_the_tries(play: Callable[..., Pipeline], state: State) -> None:
    """A try that the budget has no room for is not made, whatever ``retries`` says."""
    pipeline = play(range(ASKED_BY), BAD, retries=5, budget="1 per 7d")
    report(state, pipeline, Step.FAILED)
    play(range(ASKED_BY, ASKED_BY + 4), BAD)
    assert len(messages(state, "job")) == 1


def test_a_job_may_say_twice_that_it_started_and_another_may_not(play: Callable[..., Pipeline], state: State) -> None:
    """A repeated word changes nothing; that of another job is refused, and the action stays the first one's."""
    pipeline = play(range(ASKED_BY), BAD)
    first = report(state, pipeline, Step.STARTED, job="run-1")
    assert report(state, pipeline, Step.STARTED, job="run-1") == first
    with pytest.raises(Problem) as refused:
        report(state, pipeline, Step.SUCCEEDED, version="3", job="run-2")
    assert (refused.value.status, refused.value.code) == (409, "other_job")
    assert (action(state)["status"], action(state)["job"]) == ("started", "run-1")
