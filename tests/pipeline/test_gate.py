"""The gate of actions in the pipeline: what a window shows decides whether a retraining starts, waits or is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.action import RetrainSettings
from monitor.app.actions import take_ruling
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.tally import NO_LIMITS
from monitor.quality.settings import QualitySettings
from monitor.routing import Policy
from monitor.store.action import list_actions
from monitor.store.database import State
from monitor.store.delivery import list_deliveries
from monitor.web import Problem, Ruling, Verb
from tests import scored
from tests.passes import ALL, WALL, opened, passed, replayed, restarted
from tests.segments import slices
from tests.worlds import Json, World, plan_of, write_log, write_reference

RETRAIN: Json = {"receiver": "job", "mode": "auto", "cooldown": "1h", "min_targets": 0}
Decided = list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a reference once."""
    path = tmp_path_factory.mktemp("reference") / "reference.parquet"
    write_reference(path)
    return path


@pytest.fixture
def root(tmp_path: Path, reference: Path) -> Path:
    """Give a folder with a reference and no log."""
    (tmp_path / "reference.parquet").symlink_to(reference)
    return tmp_path


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state of the test's own."""
    with opened(tmp_path) as state:
        yield state


def planned(root: Path, **retrain: Any) -> ModelPlan:
    """Return a plan that retrains."""
    routes = {"policy": Policy(receivers=("team",)), "token": lambda action: f"token of {action}"}
    return plan_of(root, retrain=RetrainSettings.model_validate(RETRAIN | retrain), **routes)


def _as_it_is(_record: Json) -> None:
    return


def log(root: Path, first: int, hours: int, shift: float = 0.0, change: Callable[[Json], None] = _as_it_is) -> None:
    """Log some hours, each record changed."""
    records = list(World(seed=1, shift=shift).hours(first, hours))
    for record in records:
        change(record)
    write_log(root / "log.jsonl", records)


def drifted(root: Path, until: int = 10) -> None:
    """Log five calm hours, and drift up to another."""
    log(root, 0, 5)
    log(root, 5, until - 5, shift=2.0)


def played(plan: ModelPlan) -> list[Json]:
    """Return the actions that a replay comes to, the first asked for first."""
    pipeline = Pipeline(plan, event_clock=True)
    for _ in [*pipeline.step(0), *pipeline.flush(0)]:
        pass
    pipeline.close()
    return list(pipeline.model.actions.values())


def decided(actions: Iterable[Json]) -> Decided:
    """Return every decision, in order."""
    return [(each["at"][11:16], each["status"], each["why"]) for body in actions for each in body["decisions"]]


def kept(state: State) -> list[Json]:
    """Return the actions of a state."""
    with state.read() as connection:
        return [dict(body) for body in list_actions(connection, limit=ALL)[0]]


def messages(state: State, receiver: str) -> list[bytes]:
    """Return what was queued for a receiver, the first first."""
    with state.read() as connection:
        return [each.body for each in list_deliveries(connection, receiver, limit=ALL)[0]][::-1]


def test_honest_drift_starts_a_retraining_at_once(root: Path) -> None:
    """Drift weighs its evidence itself: the window that shows it asks, within five of the change."""
    drifted(root)
    assert decided(played(planned(root))) == [("06:05", "requested", "gate_open")]


def test_what_waits_is_withdrawn_with_its_alert(root: Path) -> None:
    """Nobody approves of it before the drift is over: then there is nothing left to approve of."""
    drifted(root)
    log(root, 10, 8)
    (action,) = played(planned(root, mode="approve"))
    assert [each[1:] for each in decided([action])] == [
        ("awaiting_approval", "needs_approval"),
        ("withheld", "alert_resolved"),
    ]


def test_what_nobody_approves_of_is_asked_again(root: Path) -> None:
    """After ``expires`` it waits no more, and while the alert fires it is asked for anew; nothing was spent."""
    drifted(root)
    (action,) = played(planned(root, mode="approve", expires="2h"))
    assert decided([action])[:3] == [
        ("06:05", "awaiting_approval", "needs_approval"),
        ("08:05", "withheld", "expired"),
        ("08:05", "awaiting_approval", "needs_approval"),
    ]


def test_a_person_approves(root: Path, state: State) -> None:
    """What waits is told to the team; an approval starts it, once, under the person's name, and the job is asked."""
    drifted(root)
    pipeline = Pipeline(planned(root, mode="approve"), state)
    list(pipeline.step(WALL))
    assert b'"awaiting_approval"' in messages(state, "team")[0]
    assert messages(state, "job") == []
    (waiting,) = kept(state)
    after, receivers = take_ruling(state, pipeline.model, waiting, Ruling(Verb.APPROVE, "ann"), WALL)
    assert (after["status"], after["why"], after["by"], after["fence"], receivers) == (
        *("requested", "approved", "ann", 1),
        ["job"],
    )
    assert [action["decisions"][-1]["by"] for action in kept(state)] == ["ann"]
    (asked,) = messages(state, "job")
    assert f"token of {waiting['id']}".encode() in asked
    for verb in Verb:
        with pytest.raises(Problem, match="requested") as caught:
            take_ruling(state, pipeline.model, waiting, Ruling(verb, "bob"), WALL)
        assert caught.value.code == "action_closed"
    log(root, 10, 1, shift=2.0)
    list(pipeline.step(WALL))
    assert kept(state)[0]["why"] == "approved"
    pipeline.close()


def test_a_person_rejects(root: Path, state: State) -> None:
    """What was rejected is not asked for again while its alert lasts, after a restart neither."""
    drifted(root)
    plan = planned(root, mode="approve")
    pipeline = Pipeline(plan, state)
    list(pipeline.step(WALL))
    take_ruling(state, pipeline.model, kept(state)[0], Ruling(Verb.REJECT, "ann"), WALL)
    pipeline.close()
    log(root, 10, 2, shift=2.0)
    passed(plan, state)
    assert [(body["status"], body["why"], body["by"]) for body in kept(state)] == [("withheld", "rejected", "ann")]
    assert messages(state, "job") == []


def test_an_approval_goes_through_the_gate(root: Path, state: State) -> None:
    """Once actions are suspended no approval starts one: the gate says why, and looks again after the next window."""
    drifted(root)
    plan = replace(planned(root, mode="approve"), switch=root / "actions.off")
    pipeline = Pipeline(plan, state)
    list(pipeline.step(WALL))
    (root / "actions.off").touch()
    with pytest.raises(Problem, match="suspended") as caught:
        take_ruling(state, pipeline.model, kept(state)[0], Ruling(Verb.APPROVE, "ann"), WALL)
    assert caught.value.code == "action_withheld"
    assert (kept(state)[0]["why"], messages(state, "job")) == ("suspended", [])
    (root / "actions.off").unlink()
    log(root, 10, 2, shift=2.0)
    list(pipeline.step(WALL))
    assert kept(state)[0]["status"] == "awaiting_approval"
    pipeline.close()


def test_the_kill_switch_withholds_everything(root: Path, state: State) -> None:
    """While the file lies there nothing is started; the window after it is gone asks again."""
    drifted(root, until=8)
    plan = replace(planned(root), switch=root / "actions.off")
    (root / "actions.off").touch()
    passed(plan, state, flush=False)
    assert decided(kept(state)) == [("06:05", "withheld", "suspended")]
    (root / "actions.off").unlink()
    log(root, 8, 2, shift=2.0)
    passed(plan, state)
    assert decided(kept(state))[1:] == [("08:05", "requested", "gate_open")]


def test_the_first_window_of_a_version_starts_nothing(root: Path) -> None:
    """A log that begins amid drift fires in its first window, and asks in its second."""
    log(root, 0, 4, shift=3.0)
    assert decided(played(planned(root))) == [("01:05", "withheld", "settling"), ("02:05", "requested", "gate_open")]


def test_that_it_waits_is_told_also_later(root: Path, state: State) -> None:
    """Where the alert was told before, its receivers hear once more that its action waits now."""
    log(root, 0, 4, shift=3.0)
    passed(planned(root, mode="approve"), state)
    told = [json.loads(body)["data"] for body in messages(state, "team")]
    assert [(data["alert"]["reason"], data["action"]["status"], data["action"]["why"]) for data in told] == [
        ("first_time", "withheld", "settling"),
        ("changed", "awaiting_approval", "needs_approval"),
    ]
    assert [each["why"] for each in told[1]["action"]["decisions"]] == ["settling", "needs_approval"]
    assert told[1]["action"]["reference"]["rows"] == 60 * 60


@pytest.mark.parametrize(("changed", "expected"), [(False, ["gate_open"]), (True, ["settling", "gate_open"])])
def test_the_first_window_after_a_change_of_the_config_starts_nothing(
    root: Path, state: State, expected: list[str], *, changed: bool
) -> None:
    """A restart by itself changes no decision; one with other settings is a start."""
    log(root, 0, 5)
    log(root, 5, 1, shift=2.0)
    passed(planned(root), state, flush=False)
    log(root, 6, 4, shift=2.0)
    passed(planned(root, cooldown="2h" if changed else "1h"), state)
    assert [why for *_, why in decided(kept(state))] == expected


def test_a_jump_of_the_clock_unsettles(root: Path, state: State) -> None:
    """The next window to close starts nothing, also if the process ends before it."""
    log(root, 0, 5)
    pipeline = Pipeline(planned(root), state)
    list(pipeline.step(WALL))
    log(root, 5, 1, shift=2.0)
    list(pipeline.step(WALL))
    pipeline.model.unsettle()
    log(root, 6, 1, shift=2.0)
    assert pipeline.read_records(WALL, NO_LIMITS)
    pipeline.close()
    log(root, 7, 3, shift=2.0)
    passed(planned(root), state)
    assert [why for *_, why in decided(kept(state))] == ["settling", "gate_open"]


def _lost(record: Json) -> None:
    record["inputs"]["amount"] = None


def _flipped(record: Json) -> None:
    record["inputs"]["amount"] = f"{record['inputs']['amount']} EUR"


@pytest.mark.parametrize("change", [_lost, _flipped], ids=["missing", "type"])
def test_a_fault_of_the_data_starts_nothing(root: Path, change: Callable[[Json], None]) -> None:
    """Lost values and values of another type are drift, and no reason to retrain on them."""
    log(root, 0, 5)
    log(root, 5, 5, change=change)
    actions = played(planned(root))
    assert {each[1:] for each in decided(actions)} == {("withheld", "data_fault")}


def test_values_out_of_range_are_no_fault(root: Path) -> None:
    """A population that moves puts values out of their range; the quality alert on that vetoes nothing."""
    log(root, 0, 5)
    log(root, 5, 5, shift=8.0)
    ranges = QualitySettings.model_validate({"columns": {"amount": {"range": [0, 20]}}})
    plan = replace(planned(root), quality=ranges)
    pipeline = Pipeline(plan, event_clock=True)
    found = {
        each["check"] for closed in pipeline.step(0) for body in closed.windows for each in body["quality_violations"]
    }
    pipeline.close()
    assert "range" in found
    assert decided(played(plan)) == [("06:05", "requested", "gate_open")]


@pytest.mark.parametrize(
    ("one_segment", "expected"),
    [("approve", ("awaiting_approval", "concentrated")), ("allow", ("requested", "gate_open"))],
)
def test_what_one_segment_holds_waits_for_a_person(tmp_path: Path, one_segment: str, expected: tuple[str, str]) -> None:
    """Where one carrier alone moves, an automatic retraining asks first, unless told otherwise."""
    slices.prepare(tmp_path, [*slices.hours(0, 5), *slices.hours(5, 4, moved="DL", shift=9.0)])
    retrain = RetrainSettings.model_validate(RETRAIN | {"one_segment": one_segment})
    actions = played(slices.segmented(tmp_path, "carrier", retrain=retrain))
    assert [(body["status"], body["why"]) for body in actions] == [expected]


def test_age_asks_through_the_same_gate(root: Path, state: State) -> None:
    """Each ``max_age`` that a version has served asks once, without an alert, and ends at what else is open."""
    log(root, 0, 9)
    plan = planned(root, max_age="3h", expires="30d")
    passed(plan, state)
    assert sorted((body["trigger"], body["requested_at"][11:16], body["why"]) for body in kept(state)) == [
        ("age", "03:05", "gate_open"),
        ("age", "06:05", "action_open"),
        ("age", "09:05", "action_open"),
    ]
    (asked,) = messages(state, "job")
    assert b'"trigger":"age"' in asked
    assert b"/models/shop" in asked


def test_a_loss_asks_once_it_has_held(tmp_path: Path) -> None:
    """A performance alert is no reason by itself; held in three of the last five looks at it, it is."""
    scored.write_reference(tmp_path, 0.15)
    found = [*scored.hours_of(range(5), 0.15), *scored.hours_of(range(5, 18), 0.7)]
    scored.write_records(tmp_path, found)
    scored.write_targets(tmp_path, found)
    retrain = RetrainSettings.model_validate(RETRAIN)
    plan = scored.scored_plan(tmp_path, retrain=retrain)
    (action,) = played(plan)
    times = decided([action])
    assert [each[1:] for each in times] == [("withheld", "not_persistent"), ("requested", "gate_open")]
    assert action["trigger"] == "performance"
    assert int(times[1][0][:2]) - int(times[0][0][:2]) == 2  # two looks after the first
    (told,) = [alert for alert in replayed(plan).alerts if alert["name"] == "performance"]
    assert told["action"]["id"] == action["id"]


def test_restarts_change_no_decision(root: Path, tmp_path: Path) -> None:
    """One pass and a process for every window come to the same actions, with all that was decided."""
    drifted(root)
    log(root, 10, 8)
    plan = planned(root, mode="approve", max_age="7h", expires="30d")
    found = []
    for name, way in (("one", passed), ("many", restarted)):
        (tmp_path / name).mkdir()
        with opened(tmp_path / name) as state:
            way(plan, state)
            found.append(kept(state))
    assert found[0] == found[1]
    assert {body["trigger"] for body in found[0]} == {"age", "drift"}
