"""The main job, end to end: drift comes, the alert is sent and signed, a job retrains, the new version takes over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest

from tests.scripted_http import ScriptedServer, answer, scripted
from tests.stories.job import ACTION, FIRING, RESOLVED, Event, events, fetch, report, wait_for
from tests.stories.running import Daemon, until
from tests.stories.world import CANARIES, HOUR, MODEL, ROWS_AN_HOUR, START, World

pytestmark = pytest.mark.story
RETRAIN = {"receiver": "job", "mode": "auto", "min_targets": 100, "lookback": "1d"}


@dataclass(frozen=True)
class Story:
    """What was there at the end, and what was collected on the way."""

    daemon: Daemon
    job: ScriptedServer
    team: ScriptedServer
    firing: Event
    action: Event
    rows: pa.Table
    reported: list[int]


def told(world: World, daemon: Daemon, job: ScriptedServer, team: ScriptedServer) -> Story:
    """Let drift come, play the retraining job, and let its version take over."""
    world.log(6)
    world.log(4, shift=3.0)
    action = wait_for(job, ACTION)
    reported = [report(daemon, action, "started")]
    rows = fetch(daemon, action)
    world.reference("2", shift=3.0)
    reported.append(report(daemon, action, "succeeded", version="2", rows=rows.num_rows))
    world.log(6, version="2", shift=3.0)
    wait_for(team, RESOLVED)
    return Story(daemon, job, team, wait_for(team, FIRING), action, rows, reported)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Tell the story once; afterwards nothing of it holds a secret or a traceback."""
    world = World(tmp_path_factory.mktemp("retraining") / "world")
    world.reference()
    with scripted(answer(202)) as job, scripted(answer(200)) as team:
        receivers = [world.receiver("job", job.url), world.receiver("team", team.url)]
        world.config({"retrain": RETRAIN}, receivers=receivers)
        daemon = Daemon(world.folder)
        try:
            yield told(world, daemon, job, team)
        finally:
            code, _ = daemon.stop()
            daemon.kill()
    assert code == 0
    assert "Traceback" not in daemon.err
    assert not [canary for canary in CANARIES if canary in daemon.err + daemon.out]


def test_drift_fires_one_alert_that_names_its_column(story: Story) -> None:
    """The alert names the shifted column first, the hour it began, and what kind of change it is."""
    data = story.firing["data"]
    assert (data["alert"]["name"], data["alert"]["version"], data["alert"]["state"]) == ("drift", "1", "firing")
    assert [column["name"] for column in data["columns"]] == ["a"]
    assert data["window"]["start"] == "2024-01-01T06:00:00Z"
    assert data["diagnosis"]["class"] == "population_change"
    assert len(events(story.team.requests, FIRING)) == 1


def test_the_job_alone_is_asked_to_retrain(story: Story) -> None:
    """The retraining's receiver gets the action and nothing else; the team gets no action."""
    assert len(events(story.job.requests, ACTION)) == len(story.job.requests) == 1
    assert events(story.team.requests, ACTION) == []


def test_no_message_goes_out_under_two_ids(story: Story) -> None:
    """Each delivery that arrived has an id of its own."""
    until(lambda: len(story.job.requests) + len(story.team.requests) >= 4)
    ids = [request.headers["webhook-id"] for server in (story.job, story.team) for request in server.requests]
    assert len(ids) == len(set(ids)) == 4  # the alert, its action, its end, and whether the action helped


def test_the_job_gets_the_rows_of_the_time_before_with_their_targets(story: Story) -> None:
    """The rows are the log's own columns, in order of time, up to the alert, each with its target."""
    assert set(story.rows.column_names) >= {"timestamp", "request_id", "model_version", "inputs.a", "score", "target"}
    micros = story.rows["timestamp"].cast(pa.int64()).to_pylist()
    assert micros == sorted(micros)
    assert START <= micros[0] <= micros[-1] < START + 8 * HOUR
    assert story.rows.num_rows > 6 * ROWS_AN_HOUR
    assert story.rows["target"].null_count == 0


def test_the_callback_takes_the_jobs_word(story: Story) -> None:
    """What the job reports is answered 200, and stands in the action."""
    assert story.reported == [200, 200]
    (action,) = story.daemon.items("actions")
    assert (action["status"], action["result"]["version"]) == ("succeeded", "2")
    assert action["result"]["rows"] == story.rows.num_rows


def test_a_finished_action_takes_no_more_reports(story: Story) -> None:
    """A second end is answered 409."""
    assert report(story.daemon, story.action, "failed", why="twice") == 409


def test_another_token_opens_nothing(story: Story) -> None:
    """Neither rows nor reports are for one who has another token."""
    rows = story.action["data"]["links"]["rows"]
    assert story.daemon.ask(rows, token="wrong")[0] == 401
    assert story.daemon.ask(rows)[0] == 401


def test_the_alert_resolves_as_its_version_retires(story: Story) -> None:
    """Three silent hours while version 2 has records end version 1, and its alert with it."""
    reasons = [event["data"]["alert"]["reason"] for event in events(story.team.requests, RESOLVED)]
    assert sorted(reasons) == ["resolved", "version_retired"]
    event = events(story.team.requests, RESOLVED)[reasons.index("version_retired")]
    assert event["data"]["alert"]["id"] == story.firing["data"]["alert"]["id"]
    alerts = until(lambda: story.daemon.items("alerts"))
    assert [(alert["version"], alert["state"]) for alert in alerts] == [("1", "resolved")]


def test_the_team_hears_that_the_retraining_helped(story: Story) -> None:
    """Whoever was told of the alert is told that version 2 holds."""
    told = [
        event["data"]["action"]["recovery"]
        for event in events(story.team.requests, RESOLVED)
        if event["data"]["action"]
    ]
    assert [(recovery["status"], recovery["version"]) for recovery in told if recovery] == [("recovered", "2")]


def test_the_new_version_is_judged_by_its_own_reference(story: Story) -> None:
    """Version 2's records, drifted for version 1, are stable for version 2."""
    windows = until(lambda: _of_version_2(story.daemon))
    assert {window["verdict"] for window in windows} == {"stable"}
    assert until(lambda: _live(story.daemon) == ["2"])


def test_metrics_forget_the_retired_version(story: Story) -> None:
    """The page has series of version 2, and none of version 1."""
    text = story.daemon.ask("/metrics")[1].decode()
    assert 'version="2"' in text
    assert 'driftline_verdict{model="answers",version="1"' not in text


def _of_version_2(daemon: Daemon) -> list[dict[str, Any]]:
    windows = daemon.items(f"models/{MODEL}/windows")
    return [window for window in windows if window["version"] == "2" and window["rows"]]


def _live(daemon: Daemon) -> list[str]:
    versions = daemon.get("/api/v1/status")["models"][0]["versions"]
    return [each["version"] for each in versions if each["live"]]
