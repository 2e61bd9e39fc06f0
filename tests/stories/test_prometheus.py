"""A real Prometheus reads our page: every panel has data, every rule works, the alert arrives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.observability.rules import rules
from monitor.telemetry import Telemetry
from monitor.web import create_operations_app, serve
from tests.stories.prometheus import INSTALLED, Prometheus, prometheus, wait_until
from tests.web.sample import MODEL, NOW, SampleView, feed

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(not INSTALLED, reason="prometheus is not installed (Debian: prometheus)"),
]
SECONDS = 30.0


class Growing:
    """Lets the sample's counters grow with every look."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._looks = 0

    def __call__(self) -> bool:
        self._looks += 1
        read, rejected = 120_000 + 10 * self._looks, {"json_syntax": 1 + self._looks}
        self._telemetry.records(MODEL, "records", read=read, rejected=rejected, late=self._looks)
        self._telemetry.stage("cycle", 0.01)
        self._telemetry.evaluated(MODEL, NOW)
        self._telemetry.render()
        return True


@pytest.fixture(scope="module")
def project_folder() -> Path:
    """Return the root of the project."""
    return Path(__file__).parents[2]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, project_folder: Path) -> Iterator[tuple[Prometheus, Growing]]:
    """Run a Prometheus over a served sample, with the committed rules."""
    view = SampleView()
    feed(view.telemetry)
    server = serve(create_operations_app(view), "127.0.0.1", 0)
    target = f"{server.address[0]}:{server.address[1]}"
    folder = tmp_path_factory.mktemp("prometheus")
    try:
        with prometheus(folder, target, project_folder / "dashboards" / "driftline-rules.yml") as running:
            yield running, Growing(view.telemetry)
    finally:
        server.stop()


def test_every_panel_has_data(story: tuple[Prometheus, Growing], project_folder: Path) -> None:
    """Every expression of the committed dashboard yields series, once counters have grown a little."""
    running, grow = story
    board = json.loads((project_folder / "dashboards" / "driftline-overview.json").read_text(encoding="utf-8"))
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    filled = [each.replace("$job", ".+").replace("$model", ".+").replace("$__rate_interval", "10s") for each in found]
    assert len(filled) > 20
    assert wait_until(lambda: grow() and not running.empty(filled), SECONDS), running.empty(filled)


def test_every_rule_looks_at_something(story: tuple[Prometheus, Growing]) -> None:
    """What a rule compares has a value now, unless the rule asks for what is absent; all of them are evaluated."""
    running, grow = story
    vectors = [rule.vector for rule in rules() if not rule.vector.startswith("absent(")]
    assert wait_until(lambda: grow() and not running.empty(vectors), SECONDS), running.empty(vectors)
    assert wait_until(lambda: all(rule["health"] == "ok" for rule in running.rules()), SECONDS), running.rules()
    assert len(running.rules()) == len(rules())


def test_the_drift_of_the_sample_fires_in_prometheus(story: tuple[Prometheus, Growing]) -> None:
    """An alert that fires in the monitor fires in Prometheus, with the model's name and the monitor's severity."""
    running, _ = story
    wanted = f'ALERTS{{alertname="DriftlineAlertFiring",alertstate="firing",model="{MODEL}",severity="warning"}}'
    assert wait_until(lambda: running.query(wanted), SECONDS)


def test_a_calm_monitor_fires_nothing_about_itself(story: tuple[Prometheus, Growing]) -> None:
    """The rules that watch the monitor stay silent while it is well."""
    running, _ = story
    assert wait_until(lambda: running.query('up{job="driftline"} == 1'), SECONDS)
    assert (
        running.query('ALERTS{alertname=~"DriftlineAbsent|DriftlineState.*|DriftlineConfig.*|DriftlineMetrics.*"}')
        == []
    )
