from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from rich.console import Console

from monitor import logs
from monitor.demo.plain import PlainScreen
from monitor.demo.scene import Delivered, Gate, Performance, Retraining, Scene, Stage
from monitor.demo.screen import LiveScreen, draw
from monitor.instant import from_text

ALERT: dict[str, Any] = {
    "id": "al_4k2d7x3mzq6ph5tnwy2rvb6cja",
    "name": "drift",
    "state": "firing",
    "reason": "first_time",
    "started_at": "2013-05-04T00:05:00Z",
    "resolved_at": None,
    "columns": ["score", "temp"],
    "diagnosis": {
        "class": "population_change",
        "causes": [{"kind": "shift", "column": "temp", "detail": "mean 37.9 to 56.5", "factor": None}],
    },
}


@pytest.fixture
def _logging_as_it_was() -> Iterator[None]:
    """Put logging back as it was found."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def scene() -> Scene:
    """Return the moment at which the alert fires and the retraining is still withheld."""
    return Scene(
        Path("driftline-demo"),
        stage=Stage.DELIVERY,
        done=[Stage.TRAIN, Stage.SERVE, Stage.ALERT],
        note="The alert fires",
        page="http://127.0.0.1:10464/",
        metrics="http://127.0.0.1:10464/metrics",
        now=from_text("2013-05-06T00:00:00Z"),
        version="1",
        versions=["1"],
        records=32_145,
        windows=35,
        evidence=[0.01, 0.4, 1.3],
        alert=ALERT,
        gate=Gate("too_few_targets", 31_000, 78_000),
        window={"id": f"m~1~{_DAY.format(5, 6)}", "performance": [{"metric": "roc_auc", "estimated": _band(0.677)}]},
        scored={"window": f"m~1~{_DAY.format(4, 5)}", "performance": [{"metric": "roc_auc", "realised": _band(0.641)}]},
        performance=Performance(reference=0.689, at_alert=0.629),
    )


_DAY = "2013050{}T000000Z~2013050{}T000000Z"


def _band(value: float) -> dict[str, float]:
    return {"value": value, "lower": value - 0.04, "upper": value + 0.04}


def _text(scene: Scene) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(draw(scene))
    return capture.get()


@pytest.mark.parametrize(
    "shown",
    [
        *("http://127.0.0.1:10464/metrics", "2013-05-06 00:00", "32,145", "version 1"),
        *("drift alert firing since 2013-05-04", "score, temp", "mean 37.9 to 56.5", "population_change"),
        *("31,000 of 78,000", "0.689", "0.629"),
        *("0.677 (0.64 to 0.72) on 2013-05-05", "0.641 (0.60 to 0.68) on 2013-05-04"),
    ],
)
def test_the_panel_shows_what_is_known(scene: Scene, shown: str) -> None:
    """Addresses, time, alert, reason, what is waited for and performance are all on one panel."""
    assert shown in _text(scene)


def test_the_end_of_the_story_shows_the_gain(scene: Scene) -> None:
    """After promotion both versions stand side by side on the same flights, and the alert is over."""
    scene.alert = {**ALERT, "state": "resolved", "reason": "version_retired", "resolved_at": "2013-06-30T00:05:00Z"}
    scene.gate, scene.done, scene.stage = None, list(Stage), Stage.RECOVER
    scene.delivered, scene.versions = Delivered("evt_1", 1), ["1", "2"]
    scene.retraining = Retraining("ac_1", "succeeded", 80_556)
    scene.performance = replace(scene.performance, after=0.764, old_version_same_rows=0.741, rows=20_000)
    text = _text(scene)
    for shown in ("signature verified, 1 attempt", "80,556 flights", "0.764", "0.741", "resolved 2013-06-30"):
        assert shown in text


def test_a_stage_that_did_not_end_is_marked(scene: Scene) -> None:
    """Where the story stopped can be seen."""
    scene.stopped_at = Stage.DELIVERY
    assert "✖ delivery" in _text(replace(scene, ended=True))


def test_every_moment_fits_a_narrow_terminal(scene: Scene) -> None:
    """On 80 columns the panel is cut, not broken."""
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    with console.capture() as capture:
        console.print(draw(scene))
    assert max(len(line) for line in capture.get().splitlines()) <= 80


def test_the_live_panel_leaves_its_last_moment(scene: Scene) -> None:
    """When it is closed the last scene stays on the terminal."""
    out = io.StringIO()
    screen = LiveScreen(Console(file=out, width=100, force_terminal=True))
    screen.show(scene)
    screen.close()
    assert "32,145" in out.getvalue()


@pytest.mark.usefixtures("_logging_as_it_was")
def test_without_a_terminal_news_are_logged_once(scene: Scene) -> None:
    """Each piece of news is one line of JSON, however often the scene is shown."""
    out = io.StringIO()
    logs.configure("json", stream=out)
    screen = PlainScreen()
    for _ in range(3):
        screen.show(scene)
    screen.close()
    events = [json.loads(line)["event"] for line in out.getvalue().splitlines()]
    assert events == ["demo_stage", "demo_addresses", "demo_progress", "demo_alert_firing"]
