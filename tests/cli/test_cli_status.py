from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.app.status import FACTS
from monitor.instant import from_text
from monitor.store.action import save_action
from monitor.store.alert import save_alert
from monitor.store.counts import add_counts, save_accepted_at
from monitor.store.daemon import Daemon, save_daemon, save_meta
from monitor.store.database import State, StateSettings, open_state
from monitor.store.delivery import QueuedDelivery, due, enqueue, mark_retry
from monitor.store.memory import save_memory
from monitor.store.window import save_window
from tests.cli.conftest import Answer
from tests.contracts import schemas
from tests.contracts.schemas_daemon import STATUS_REPORT

Driftline = Callable[..., Answer]
EXAMPLES = json.loads((Path(__file__).parents[1] / "contracts" / "examples.json").read_text("utf-8"))
NOW = from_text("2026-01-05T08:00:00Z")


@pytest.fixture
def state(config: Path) -> Iterator[State]:
    """Return an open state beside the config, held as a daemon holds it."""
    opened = open_state(StateSettings(), config.parent)
    yield opened
    opened.close()


def fill(state: State) -> None:
    """Write what a daemon would: itself, counts, a window, an alert, an action and a message that waits."""
    alert = {**EXAMPLES["status"]["alerts"][0], "model": "flights"}
    action = {**EXAMPLES["status"]["actions"][0], "model": "flights"}
    with state.write() as connection:
        save_daemon(connection, Daemon(4711, "0.1.0", "127.0.0.1:10464", NOW, NOW))
        add_counts(connection, "flights", "records", accepted=5, late=1, rejected={"json_syntax": 2})
        save_accepted_at(connection, "flights", "records", NOW)
        save_window(connection, {**EXAMPLES["window"], "model": "flights"})
        save_alert(connection, {**EXAMPLES["alert_line"], **alert})
        save_action(connection, {**action, "version": "1", "updated_at": action["requested_at"]})
        enqueue(connection, QueuedDelivery("job", "evt_" + "a" * 26, NOW, b"{}", NOW))
        mark_retry(connection, due(connection, "job", NOW)[0].id, NOW + 1, "http_503")


def test_without_a_state_it_is_fatal(driftline: Driftline, config: Path) -> None:
    """Where no daemon ever ran there is no state to read: 3, and how to begin."""
    done = driftline("status", "-c", config)
    assert (done.code, done.out) == (3, "")
    assert "fatal[E314]" in done.err


def test_looking_leaves_nothing_behind(driftline: Driftline, config: Path) -> None:
    """Asking for the status of a state that is not there makes no folder."""
    driftline("status", "-c", config)
    assert not (config.parent / ".driftline").exists()


def test_an_empty_state_keeps_the_contract(driftline: Driftline, config: Path, state: State) -> None:
    """A state in which nothing happened yet is told with nulls and empty lists."""
    done = driftline("status", "-c", config, "--format", "json")
    assert schemas.faults(STATUS_REPORT, done.out) == []
    assert (done.code, done.body["daemon"]["pid"], done.body["alerts"]) == (0, None, [])


def test_a_full_state_keeps_the_contract(driftline: Driftline, config: Path, state: State) -> None:
    """What a daemon wrote is told in the words of the contract."""
    fill(state)
    done = driftline("status", "-c", config, "--format", "json")
    assert schemas.faults(STATUS_REPORT, done.out) == []
    assert (done.code, done.body["alerts"][0]["name"], done.body["actions"][0]["why"]) == (0, "quality", "data_fault")


def test_counts_are_told(driftline: Driftline, config: Path, state: State) -> None:
    """A source's accepted, rejected and late records are told, and how long ago the last came."""
    fill(state)
    (source,) = driftline("status", "-c", config, "--format", "json").body["models"][0]["sources"]
    assert (source["accepted"], source["rejected"], source["late"]) == (5, {"json_syntax": 2}, 1)
    assert source["lag_seconds"] > 0


def test_a_failing_receiver_says_why(driftline: Driftline, config: Path, state: State) -> None:
    """A receiver whose message waits after a failure is told with the reason of it."""
    fill(state)
    (receiver,) = driftline("status", "-c", config, "--format", "json").body["receivers"]
    assert (receiver["healthy"], receiver["why"], receiver["pending"]) == (False, "http_503", 1)


def test_a_daemon_that_holds_the_state_runs(driftline: Driftline, config: Path, state: State) -> None:
    """Whether a daemon runs is told by who holds the state, not by what was written."""
    fill(state)
    assert driftline("status", "-c", config, "--format", "json").body["daemon"]["running"] is True


def test_a_daemon_that_is_gone_does_not_run(driftline: Driftline, config: Path, state: State) -> None:
    """Once nobody holds the state no daemon runs, and the code is still 0."""
    fill(state)
    state.close()
    done = driftline("status", "-c", config, "--format", "json")
    assert (done.code, done.body["daemon"]["running"], done.body["daemon"]["pid"]) == (0, False, 4711)


def test_the_tables_say_the_same(driftline: Driftline, config: Path, state: State) -> None:
    """For people the status is tables and lines."""
    fill(state)
    out = driftline("status", "-c", config).out
    assert [
        word for word in ("4711", "quality", "withheld", "data_fault", "http_503", "flights") if word not in out
    ] == []


def test_who_serves_is_told_by_the_state(driftline: Driftline, config: Path, state: State) -> None:
    """After a kill a version that a daemon did not come to tell of is live, and one that the state retired is not."""
    facts = {"calibrated": False, "calibration_why": "slope", "reference": None}
    told = {"1": {"live": True, **facts}, "2": {"live": False, **facts}, "3": {"live": False, **facts}}
    progress = {"versions": {"1": {"retired": True}, "2": {"retired": False}}}
    with state.write() as connection:
        save_meta(connection, FACTS, {"models": {"flights": {"versions": told}}})
        save_memory(connection, "flights", "", "progress", json.dumps(progress).encode())
    state.close()
    (model,) = driftline("status", "-c", config, "--format", "json").body["models"]
    assert [each["live"] for each in model["versions"]] == [False, True, False]


def test_a_version_without_a_record_is_not_called_retired(driftline: Driftline, config: Path, state: State) -> None:
    """A reference that lies there before its version serves is told as such, with what its promise lacks."""
    facts = {"live": False, "calibrated": False, "calibration_why": "slope", "reference": None}
    with state.write() as connection:
        save_meta(connection, FACTS, {"models": {"flights": {"versions": {"2": facts}}}})
    out = driftline("status", "-c", config).out
    assert "no record yet" in out
    assert "retired" not in out
    assert "flights 2: not calibrated (slope)" in out


def test_a_state_that_is_no_database_is_fatal(driftline: Driftline, config: Path, state: State) -> None:
    """A state that cannot be read ends with 3 and a sentence."""
    state.close()
    for end in ("", "-wal", "-shm"):
        (config.parent / ".driftline" / f"state.db{end}").unlink(missing_ok=True)
    (config.parent / ".driftline" / "state.db").write_bytes(b"no database" * 1000)
    done = driftline("status", "-c", config)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("fatal[E31")


def test_it_is_told_how_far_a_reference_is(driftline: Driftline, config: Path, state: State) -> None:
    """Of a version whose reference is being made of its first rows stands how many there are."""
    version = {"live": True, "calibrated": False, "calibration_why": "gathering_reference", "reference": None}
    facts = {"models": {"flights": {"versions": {"1": version | {"gathered": {"rows": 1200, "of": 5000}}}}}}
    with state.write() as connection:
        save_meta(connection, FACTS, facts)
    done = driftline("status", "-c", config, "--format", "json")
    assert schemas.faults(STATUS_REPORT, done.out) == []
    assert "1200 of 5000 rows gathered" in driftline("status", "-c", config).out


def test_why_a_reference_stays_is_told(driftline: Driftline, config: Path, state: State) -> None:
    """Of a version whose reference follows the log stands when it is due, and why it was not made anew."""
    version = {"live": True, "calibrated": True, "calibration_why": None, "reference": None}
    due = {"made_at": "2013-07-01T00:00:00Z", "due_at": "2013-07-08T00:00:00Z", "overdue_seconds": 3600.0, "steps": 168}
    facts = {"models": {"flights": {"versions": {"1": version | {"renewal": due | {"why": "drift_alert"}}}}}}
    with state.write() as connection:
        save_meta(connection, FACTS, facts)
    done = driftline("status", "-c", config, "--format", "json")
    assert schemas.faults(STATUS_REPORT, done.out) == []
    told = driftline("status", "-c", config).out.replace("\n", " ")
    assert "due since 2013-07-08T00:00:00Z, and stays as it is (drift_alert)" in told


def test_objectives_and_what_is_usual_are_told(driftline: Driftline, config: Path, state: State) -> None:
    """Of a live version stand its objectives with what is left of their budgets, and whether its volume is usual."""
    rates = [{"over_seconds": 3600.0, "rate": 14.5}, {"over_seconds": 21600.0, "rate": None}]
    figures = {"value": 0.06, "lower": 0.055, "upper": 0.07, "broken": True}
    promise = {"objective": "latency_p99 at most 50ms", "metric": "latency_p99", **figures}
    promise |= {"burn_rates": rates, "budget_left_ratio": 0.25}
    habit = {"source": "stream", "calibrated": True, "why": None, "evidence": 5.0, "threshold": 4320.0}
    usual = {"volume": {**habit, "learnt_steps": 700, "expected": 60.0}}
    facts = {"live": True, "calibrated": True, "calibration_why": None, "reference": None}
    with state.write() as connection:
        save_meta(connection, FACTS, {"models": {"flights": {"versions": {"1": facts}}}})
        shown = {"model": "flights", "segments": [], "objectives": [promise], "usual": usual}
        save_window(connection, {**EXAMPLES["window"], **shown})
    done = driftline("status", "-c", config, "--format", "json")
    assert schemas.faults(STATUS_REPORT, done.out) == []
    (version,) = done.body["models"][0]["versions"]
    assert (version["objectives"], version["usual"]) == ([promise], usual)
    out = " ".join(driftline("status", "-c", config).out.split())
    told = ("latency_p99 at most 50ms", "0.055 to 0.07", "broken", "14.5 times", "25%", "volume is usual: evidence 5")
    assert [words for words in told if words not in out] == []
