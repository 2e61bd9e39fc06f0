"""A config read again while the daemon runs: wholly, or not at all."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.scripted_http import answer, scripted
from tests.stories.job import FIRING, events, wait_for
from tests.stories.running import Daemon, until
from tests.stories.world import MODEL, ROWS_AN_HOUR, World

pytestmark = pytest.mark.story
Run = Callable[..., Daemon]
WAS_READ = "driftline_config_last_reload_successful"


def reload(daemon: Daemon, expected: str, count: int = 1) -> dict[str, Any]:
    """Send SIGHUP and wait until the daemon says what came of it."""
    daemon.signal(signal.SIGHUP)
    return daemon.event(expected, count)


def test_a_good_config_takes_the_place_of_the_old(run: Run, world: World) -> None:
    """After a reload a new model is watched, the old one goes on where it stood, and nothing is counted twice."""
    world.log(3)
    daemon = run()
    until(lambda: len(daemon.items(f"models/{MODEL}/windows")) == 2)
    world.config(models=[world.model, {**world.model, "name": "second"}])
    assert reload(daemon, "reloaded")["hash"].startswith("sha256:")
    until(lambda: len(daemon.items("models/second/windows")) == 2)
    world.log(1)
    until(lambda: len(daemon.items(f"models/{MODEL}/windows")) == 3)
    want = [4 * ROWS_AN_HOUR] * 2
    read = "driftline_records_total"
    assert until(lambda: [daemon.metric(read, model=model) for model in (MODEL, "second")] == want)


def test_a_bad_config_leaves_the_old_one_at_work(run: Run, world: World) -> None:
    """What cannot be read, has a fault, or names a reference that is not there is refused, told and left."""
    world.log(2)
    daemon = run()
    until(lambda: daemon.items(f"models/{MODEL}/windows"))
    config = world.folder / "config.yaml"
    spoiled: list[Callable[[], object]] = [
        lambda: config.write_text("models: [{name: answers, recor", "utf-8"),
        lambda: world.config({"window": {"lenght": "1h"}}),
        lambda: world.config({"reference": {"path": "nowhere.parquet"}}),
        config.unlink,
    ]
    for number, spoil in enumerate(spoiled, start=1):
        spoil()
        reload(daemon, "reload_refused", number)
        assert until(lambda: daemon.metric(WAS_READ) == 0)
        assert not daemon.check("config")["ok"]
        assert daemon.ask("/readyz")[0] == 200
    world.log(1)
    until(lambda: len(daemon.items(f"models/{MODEL}/windows")) == 2)
    world.config()
    reload(daemon, "reloaded")
    assert until(lambda: daemon.metric(WAS_READ) == 1)
    assert daemon.check("config")["ok"]


def test_what_cannot_change_is_named(run: Run, world: World) -> None:
    """A reload that moves the address or the state is refused naming both keys; the rest of it is not taken either."""
    world.log(2)
    daemon = run()
    url = daemon.url
    receivers = [{"name": "log", "type": "log"}]
    world.config(server={"listen": "127.0.0.1:1"}, state={"directory": "elsewhere"}, receivers=receivers)
    said = reload(daemon, "reload_refused")["detail"]
    assert "server.listen" in said
    assert "state.directory" in said
    assert "server.listen" in daemon.check("config")["why"]
    assert daemon.get("/api/v1/status")["receivers"] == []
    assert daemon.url == url
    assert daemon.ask("/livez")[0] == 200


def test_a_receiver_that_moved_gets_what_comes_next(run: Run, world: World) -> None:
    """After a reload that changes a receiver's address the next alert goes there, and only there."""
    world.log(6)
    with scripted(answer(200)) as old, scripted(answer(200)) as new:
        world.config(receivers=[world.receiver("team", old.url), world.receiver("gone", old.url)])
        daemon = run()
        until(lambda: daemon.items(f"models/{MODEL}/windows"))
        world.config(receivers=[world.receiver("team", new.url)])
        reload(daemon, "reloaded")
        world.log(3, shift=3.0)
        wait_for(new, FIRING)
        until(lambda: daemon.metric("driftline_deliveries_total", receiver="team", outcome="delivered"))
        assert len(events(new.requests, FIRING)) == 1
        assert old.requests == []
        assert daemon.metric("driftline_deliveries_total", receiver="gone", outcome="delivered") is None


def test_a_model_that_is_gone_has_no_series(run: Run, world: World) -> None:
    """After a reload without a model the page has no series of it, although its alert still stands in the state."""
    world.log(6)
    world.log(3, shift=3.0)
    daemon = run()
    daemon.event("alert_firing")
    assert until(lambda: daemon.metric("driftline_alerts", model=MODEL, state="firing"))
    world.config(models=[{**world.model, "name": "other"}])
    reload(daemon, "reloaded")
    assert until(lambda: daemon.metric("driftline_records_total", model="other"))
    assert f'model="{MODEL}"' not in daemon.ask("/metrics")[1].decode()


def test_status_tells_of_a_refused_reload(run: Run, world: World) -> None:
    """Beside a daemon that kept its old config, ``status`` says why."""
    daemon = run()
    assert daemon.url
    world.config(state={"directory": "elsewhere"})
    reload(daemon, "reload_refused")
    assert until(lambda: "state.directory" in (daemon.get("/api/v1/status")["config"]["reload_error"] or ""))


def test_a_secret_that_came_with_a_reload_is_in_no_log(run: Run, world: World) -> None:
    """A signing key that was not there at the start is blotted out as one that was."""
    daemon = run()
    assert daemon.url
    world.config({"name": "answers"}, receivers=[world.receiver("team", "http://127.0.0.1:9/pathcanary?t=querycanary")])
    reload(daemon, "reloaded")
    world.log(6)
    world.log(3, shift=3.0)
    failed = daemon.event("delivery_failed")
    assert "127.0.0.1:9" in failed["detail"]


def test_reloads_while_reading_lose_nothing(run: Run, world: World) -> None:
    """Five reloads while a log is read leave each of its records counted once."""
    for _ in range(20):
        world.log(10, file=f"{world.hours:04}")
    daemon = run()
    assert daemon.url
    for count in range(1, 6):
        reload(daemon, "reloaded", count)
    until(lambda: daemon.metric("driftline_records_total", source="records") == 200 * ROWS_AN_HOUR)
    assert daemon.stop()[0] == 0
