"""A real Prometheus scrapes a real daemon that reads a growing log and meets a drift: everything we ship has data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.observability.rules import rules
from tests.stories.prometheus import INSTALLED, Prometheus, prometheus, wait_until
from tests.stories.running import Daemon, until
from tests.stories.world import MODEL, World

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(not INSTALLED, reason="prometheus is not installed (Debian: prometheus)"),
]
SECONDS = 60.0
PROJECT = Path(__file__).parents[2]
CALM_HOURS, SHIFT_SD = 10, 1.5
Scraped = tuple[Prometheus, Callable[[], bool]]


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    """Run a daemon over calm hours and then drifted ones, and a Prometheus over the daemon with our rules."""
    folder = tmp_path_factory.mktemp("scraped")
    world = World(folder / "world")
    world.reference()
    objectives = [{"metric": "latency_p99", "at_most": "50ms"}]
    world.config({"performance": {"objectives": objectives}}, receivers=[{"name": "log", "type": "log"}])
    world.log(CALM_HOURS)
    daemon = Daemon(world.folder)

    def grow() -> bool:
        world.log(1, shift=SHIFT_SD)
        with (world.folder / "logs" / "log.jsonl").open("ab") as file:
            file.write(b'{"half of a rec\n')
        return True

    try:
        until(lambda: daemon.items(f"models/{MODEL}/windows"))
        target = daemon.url.removeprefix("http://")
        with prometheus(folder, target, PROJECT / "dashboards" / "driftline-rules.yml") as running:
            yield running, grow
    finally:
        daemon.kill()


def test_every_panel_of_the_dashboard_shows_the_daemon(scraped: Scraped) -> None:
    """Each expression of the committed dashboard yields series from what a daemon exports by itself."""
    running, grow = scraped
    board = json.loads((PROJECT / "dashboards" / "driftline-overview.json").read_text("utf-8"))
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    filled = [each.replace("$job", ".+").replace("$model", ".+").replace("$__rate_interval", "10s") for each in found]
    assert wait_until(lambda: grow() and not running.empty(filled), SECONDS), running.empty(filled)


def test_every_rule_sees_the_daemon(scraped: Scraped) -> None:
    """What each committed rule compares has a value, unless it asks for what is absent; none of them fails."""
    running, grow = scraped
    vectors = [rule.vector for rule in rules() if not rule.vector.startswith("absent(")]
    assert wait_until(lambda: grow() and not running.empty(vectors), SECONDS), running.empty(vectors)
    assert wait_until(lambda: all(rule["health"] == "ok" for rule in running.rules()), SECONDS), running.rules()


def test_the_drift_reaches_prometheus(scraped: Scraped) -> None:
    """The drift alert of the daemon is a firing series."""
    running, grow = scraped
    firing = f'driftline_alerts{{alert="drift",model="{MODEL}",state="firing"}} == 1'
    assert wait_until(lambda: grow() and running.query(firing), SECONDS)
