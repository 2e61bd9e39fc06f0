"""A firing alert: what is told to whom, and how a retraining is decided on."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from monitor.action import RetrainSettings
from monitor.alert import AlertSettings
from monitor.instant import from_text, to_text
from monitor.pipeline.acting import report
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.routing import MatchSettings, Policy, RouteSettings
from monitor.sources.files import FilesSettings
from monitor.store.action import list_actions, save_action
from monitor.store.database import State
from monitor.store.delivery import Delivery, list_deliveries
from tests.passes import ALL, WALL, kept_alerts, opened, passed, replayed
from tests.worlds import BEGIN, HOUR, Json, World, plan_of, write_log, write_reference

FIRED_AT = "2026-01-05T06:05:00Z"
RETRAIN = {"receiver": "job", "mode": "auto", "cooldown": "1h", "budget": "2 per 7d", "min_targets": 50}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder in which a drift begins at the sixth hour and ends after the tenth."""
    write_reference(tmp_path / "reference.parquet")
    for hour in range(16):
        shift = 2.0 if 5 <= hour < 10 else 0.0
        write_log(tmp_path / "log.jsonl", World(seed=1, shift=shift).hour(BEGIN + hour * HOUR))
    return tmp_path


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state of the test's own."""
    with opened(tmp_path) as state:
        yield state


TO_TEAM = Policy([RouteSettings(match=MatchSettings(alert=("drift",)), to=("team",))], ("team", "job"))


def acting(root: Path, targets: int = 100, **retrain: object) -> ModelPlan:
    """Return a plan that retrains, with so many targets an hour from the first hour on."""
    with (root / "targets.jsonl").open("w") as file:
        for hour in range(16):
            rows = [
                {
                    "request_id": f"1-{BEGIN // HOUR + hour}-{i}",
                    "target": i % 2,
                    "timestamp": to_text(BEGIN + hour * HOUR),
                }
                for i in range(targets)
            ]
            file.writelines(json.dumps(row) + "\n" for row in rows)
    return plan_of(
        root,
        policy=TO_TEAM,
        targets=FilesSettings(path="targets.jsonl"),
        retrain=RetrainSettings.model_validate(RETRAIN | retrain),
        token=lambda action: f"token of {action}",
    )


def deliveries(state: State, receiver: str) -> list[Delivery]:
    """Return what is queued for a receiver, the first first."""
    with state.read() as connection:
        found, _ = list_deliveries(connection, receiver, limit=ALL)
    return found[::-1]


def told(state: State, receiver: str) -> list[tuple[str, str]]:
    """Return type and reason of each message to a receiver."""
    bodies = [json.loads(delivery.body) for delivery in deliveries(state, receiver)]
    return [(body["type"], body["data"]["alert"]["reason"]) for body in bodies]


def actions(state: State) -> list[Json]:
    """Return the actions that are kept."""
    with state.read() as connection:
        found, _ = list_actions(connection, limit=ALL)
    return [dict(body) for body in found]


def test_an_episode_is_told_once_at_each_end(root: Path, state: State) -> None:
    """The team hears of the beginning and of the end, and nobody else hears anything."""
    passed(plan_of(root, policy=TO_TEAM), state)
    assert told(state, "team") == [
        ("io.driftline.alert.firing", "first_time"),
        ("io.driftline.alert.resolved", "resolved"),
    ]
    assert deliveries(state, "job") == []


def test_a_lasting_alert_is_repeated(root: Path, state: State) -> None:
    """While it fires the alert is told again in event time, each time under an id of its own."""
    alerts = AlertSettings(repeat=timedelta(hours=2))
    passed(plan_of(root, policy=TO_TEAM, alerts=alerts), state)
    assert [reason for _, reason in told(state, "team")] == ["first_time", "repeat_due", "repeat_due", "resolved"]
    assert len({delivery.message_id for delivery in deliveries(state, "team")}) == 4


def test_a_messages_id_is_of_the_facts_it_tells(root: Path, state: State) -> None:
    """The id is the digest that the contract names, so that any replica gives the same."""
    passed(plan_of(root, policy=TO_TEAM), state)
    body = json.loads(deliveries(state, "team")[0].body)
    alert, window = body["data"]["alert"], body["data"]["window"]
    keys = ("model", "version", "name", "segment", "started_at", "state", "reason")
    text = "|".join([*(alert[key] or "" for key in keys), window["id"]])
    letters = base64.b32encode(sha256(text.encode()).digest()).decode().lower()[:26]
    assert body["id"] == deliveries(state, "team")[0].message_id == f"evt_{letters}"
    assert body["time"] == window["end"]


def test_messages_are_the_same_on_every_replica(root: Path, tmp_path: Path) -> None:
    """Another process with another state queues the same bytes under the same ids, however it read the log."""
    queued = []
    for name, block_bytes in (("one", 4000), ("two", 2**20)):
        (tmp_path / name).mkdir()
        with opened(tmp_path / name) as state:
            passed(acting(root), state, block_bytes=block_bytes)
            queued.append(
                [(d.id, d.message_id, d.body) for receiver in ("team", "job") for d in deliveries(state, receiver)]
            )
    assert queued[0] == queued[1]
    assert len(queued[0]) == 3


def test_the_message_holds_culprits_and_their_diagnosis(root: Path, state: State) -> None:
    """The message names the column, what happened to it, the window and where to look."""
    passed(plan_of(root, policy=TO_TEAM), state)
    data = json.loads(deliveries(state, "team")[0].body)["data"]
    assert [column["name"] for column in data["columns"]] == ["amount"]
    assert data["diagnosis"]["class"] == "population_change"
    assert data["links"]["page"] == f"http://127.0.0.1:10464/alerts/{data['alert']['id']}"
    assert data["action"] is None


def test_an_open_gate_requests_a_retraining(root: Path, state: State) -> None:
    """The job is asked once, with the rows, a fence, an end, and where to report with which token."""
    passed(acting(root), state)
    (delivery,) = deliveries(state, "job")
    body = json.loads(delivery.body)
    action = body["data"]["action"]
    assert body["type"] == "io.driftline.action.requested"
    assert (action["kind"], action["status"], action["why"], action["fence"]) == (
        "retrain",
        "requested",
        "gate_open",
        1,
    )
    assert action["callback"]["url"] == f"http://127.0.0.1:10464/api/v1/actions/{action['id']}"
    assert action["callback"]["token"] == f"token of {action['id']}"
    assert action["expires_at"] == to_text(WALL + 24 * HOUR)
    (kept,) = actions(state)
    assert (kept["id"], kept["status"], kept["rows_to"]) == (action["id"], "requested", FIRED_AT)
    assert kept_alerts(state)[0]["action"]["id"] == action["id"]


def test_the_team_is_told_what_was_decided(root: Path, state: State) -> None:
    """The alert's own message says whether a retraining was asked for, without the job's token."""
    passed(acting(root), state)
    data = json.loads(deliveries(state, "team")[0].body)["data"]
    assert data["action"]["status"] == "requested"
    assert "token of" not in deliveries(state, "team")[0].body.decode()


@pytest.mark.parametrize(
    ("settings", "targets", "expected"),
    [
        ({"mode": "dry_run"}, 100, ("withheld", "dry_run")),
        ({"min_targets": 5000}, 100, ("withheld", "too_few_targets")),
        ({}, 0, ("withheld", "too_few_targets")),
        ({"budget": "0.5 per 7d"}, 100, ("withheld", "budget_spent")),
    ],
)
def test_a_withheld_retraining_says_why(
    root: Path, state: State, settings: dict[str, object], targets: int, expected: tuple[str, str]
) -> None:
    """The job hears nothing, and the action is kept with its reason."""
    passed(acting(root, targets, **settings), state)
    assert deliveries(state, "job") == []
    assert [(body["status"], body["why"]) for body in actions(state)] == [expected]
    assert kept_alerts(state)[0]["action"]["why"] == expected[1]


def test_a_retraining_is_asked_for_once_targets_suffice(root: Path, state: State) -> None:
    """While the alert fires the decision is taken anew at each window: with the 400th target, known two hours later."""
    passed(acting(root, 50, min_targets=400), state)
    (kept,) = actions(state)
    assert (kept["status"], kept["requested_at"]) == ("requested", FIRED_AT)
    assert kept["decided_at"] == "2026-01-05T08:05:00Z"
    assert len(deliveries(state, "job")) == 1


def test_targets_without_a_time_count(root: Path, state: State) -> None:
    """A target without a timestamp counts as known from the beginning."""
    plan = acting(root, 0, min_targets=400)
    rows = [{"request_id": f"r{i}", "target": 1} for i in range(400)]
    (root / "targets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    passed(plan, state)
    assert [body["decided_at"] for body in actions(state)] == [FIRED_AT]


def test_a_replay_decides_as_a_run_does(root: Path, state: State) -> None:
    """The action that a replay names in its alert is the one that a daemon asks for."""
    plan = acting(root)
    passed(plan, state)
    (kept,) = actions(state)
    told = replayed(plan).alerts[0]["action"]
    assert told == {key: kept[key] for key in ("id", "kind", "status", "why")}


def test_two_episodes_are_two_actions_a_cooldown_apart(root: Path, state: State) -> None:
    """A second drift within the cooldown is withheld; its action has an id of its own."""
    for hour in range(16, 24):
        write_log(root / "log.jsonl", World(seed=1, shift=-1.5 * (hour < 20)).hour(BEGIN + hour * HOUR))
    plan = acting(root, cooldown="24h")
    pipeline = Pipeline(plan, state)
    for _ in pipeline.step(WALL):
        _finish(pipeline, state)
    pipeline.close()
    assert sorted((body["status"], body["why"]) for body in actions(state)) == [
        ("succeeded", "reported"),
        ("withheld", "cooldown"),
    ]
    assert len(deliveries(state, "job")) == 1


def _finish(pipeline: Pipeline, state: State) -> None:
    """Report each requested action as succeeded, as a job does."""
    for ident, body in list(pipeline.model.actions.items()):
        after = report(body, "succeeded", None) if body["status"] == "requested" else None
        if after is not None:
            pipeline.model.actions[ident] = after
            with state.write() as connection:
                save_action(connection, after)


def test_an_action_that_nobody_finished_is_given_up_and_kept_so(root: Path, state: State) -> None:
    """After its end an action has failed as expired, in the store as in memory, and is not asked for again."""
    plan = acting(root, expires="1h")
    passed(plan, state, flush=False)
    assert actions(state)[0]["status"] == "requested"
    write_log(root / "log.jsonl", World(seed=1).hours(16, 3))
    passed(plan, state, wall=WALL + 2 * HOUR)
    (kept,) = actions(state)
    assert (kept["status"], kept["why"]) == ("failed", "expired")
    assert from_text(kept["updated_at"]) > from_text(kept["requested_at"])
    assert len(deliveries(state, "job")) == 1


def test_fences_rise(root: Path, state: State) -> None:
    """Each request of a model has a higher fence than the one before."""
    for hour in range(16, 24):
        write_log(root / "log.jsonl", World(seed=1, shift=2.0 * (hour < 20)).hour(BEGIN + hour * HOUR))
    plan = acting(root, cooldown="0s", budget="9 per 7d")
    pipeline = Pipeline(plan, state)
    for _ in pipeline.step(WALL):
        _finish(pipeline, state)
    pipeline.close()
    assert sorted(body["fence"] for body in actions(state)) == [1, 2]
