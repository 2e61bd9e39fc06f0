"""How a daemon ends: in order and in time, whatever its receivers do, and the next one goes on where it stood."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from monitor.app.status import FACTS
from monitor.store.counts import load_counts
from monitor.store.daemon import load_meta
from monitor.store.database import StateSettings, open_state
from tests.scripted_http import answer, scripted, silent
from tests.stories.job import ACTION, FIRING, events, read, wait_for
from tests.stories.running import Daemon, until
from tests.stories.world import MODEL, ROWS_AN_HOUR, World

pytestmark = pytest.mark.story
Run = Callable[..., Daemon]


def accepted(world: World) -> int:
    """Return how many records the state of an ended daemon says were accepted."""
    state = open_state(StateSettings(), world.folder, exclusive=False)
    try:
        with state.read() as connection:
            return sum(counts.accepted for counts in load_counts(connection) if counts.role == "records")
    finally:
        state.close()


def test_a_stop_in_the_middle_of_a_log_loses_nothing(run: Run, world: World) -> None:
    """SIGTERM while there is much to read ends with 0 within ten seconds; the next daemon counts the rest, once."""
    for _ in range(15):
        world.log(10, file=f"{world.hours:04}")
    first = run()
    until(lambda: any((world.folder / ".driftline").glob("rows/*/*")))
    code, seconds = first.stop()
    assert (code, seconds < 10) == (0, True)
    before = accepted(world)
    assert 0 < before < 150 * ROWS_AN_HOUR, "it was over before it could be stopped, or had not begun"
    second = run()
    until(lambda: second.metric("driftline_records_total", source="records") == 150 * ROWS_AN_HOUR)


def test_after_a_stop_the_version_that_served_is_told_as_serving(run: Run, world: World) -> None:
    """A version whose first record came after the last heartbeat is live in what the state says of the daemon."""
    daemon = run()
    daemon.event("started")
    world.log(3)
    until(lambda: daemon.metric("driftline_window_rows"))
    daemon.stop()
    state = open_state(StateSettings(), world.folder, exclusive=False)
    try:
        with state.read() as connection:
            facts = load_meta(connection, FACTS)
    finally:
        state.close()
    assert facts is not None
    assert facts["models"][MODEL]["versions"]["1"]["live"] is True


def test_what_is_due_is_sent_before_the_end(run: Run, world: World) -> None:
    """SIGTERM right after an alert still delivers its message."""
    with scripted(answer(200)) as team:
        world.config(receivers=[world.receiver("team", team.url)])
        world.log(6)
        world.log(3, shift=3.0)
        daemon = run()
        daemon.event("alert_firing")
        assert daemon.stop()[0] == 0
        assert len(events(team.requests, FIRING)) == 1


def test_a_receiver_that_hangs_holds_the_end_up_no_longer_than_the_drain(run: Run, world: World) -> None:
    """SIGTERM while a receiver answers nothing ends with 0 within ten seconds; the next daemon sends the message."""
    world.log(6)
    world.log(3, shift=3.0)
    with scripted(silent) as team:
        world.config(receivers=[world.receiver("team", team.url, timeout="60s")])
        first = run()
        hung = wait_for(team, FIRING)
        code, seconds = first.stop()
        assert (code, seconds < 10) == (0, True)
    with scripted(answer(200)) as team:
        world.config(receivers=[world.receiver("team", team.url)])
        run()
        assert wait_for(team, FIRING) == hung


def test_a_second_signal_ends_the_drain(run: Run, world: World) -> None:
    """A second SIGTERM while the daemon waits for a receiver ends it within a second or two, still with 0."""
    world.log(6)
    world.log(3, shift=3.0)
    with scripted(silent) as team:
        world.config(receivers=[world.receiver("team", team.url, timeout="60s")])
        daemon = run()
        wait_for(team, FIRING)
        daemon.signal(signal.SIGTERM)
        time.sleep(0.3)  # the second signal is to come while the first is being obeyed
        code, seconds = daemon.stop()
        assert (code, seconds < 2.5) == (0, True)


def test_a_stop_before_the_start_is_obeyed(run: Run, world: World) -> None:
    """SIGTERM and SIGHUP while references are still compiled end a daemon with 0, and say nothing."""
    world.log(1)
    daemon = run()
    until((world.folder / ".driftline" / "state.db").exists)
    daemon.signal(signal.SIGHUP)
    code, seconds = daemon.stop()
    assert (code, seconds < 10) == (0, True)


def test_killed_between_the_answer_and_its_record_it_sends_the_same_again(run: Run, world: World) -> None:
    """A daemon that dies while a receiver says 200 is followed by one that sends the same bytes under the same id."""
    world.log(6)
    world.log(3, shift=3.0)
    killed: list[Daemon] = []

    def kill_then_answer(opened: object, over: object) -> None:
        killed[0].kill()
        answer(200)(opened, over)  # type: ignore[arg-type]

    with scripted(kill_then_answer, answer(200)) as job:
        retrain = {"receiver": "job", "mode": "auto", "min_targets": 10}
        world.config({"retrain": retrain}, receivers=[world.receiver("job", job.url)])
        killed.append(run())
        until(lambda: killed[0].code is not None)
        second = run()
        until(lambda: len(job.requests) == 2)
        until(lambda: [each["status"] for each in second.items("deliveries")] == ["delivered"])
        first, again = job.requests
        assert read(first)["type"] == ACTION
        assert first.body == again.body
        assert first.headers["webhook-id"] == again.headers["webhook-id"]
        assert [each["id"] for each in second.items("actions")] == [read(again)["data"]["action"]["id"]]
