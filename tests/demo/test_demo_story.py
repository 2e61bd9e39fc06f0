from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pytest

from monitor.demo.cast import Cast
from monitor.demo.job import RetrainingJob
from monitor.demo.model import Model, train
from monitor.demo.monitoring import OpenMonitor
from monitor.demo.retraining import Retrained
from monitor.demo.scene import Scene, Stage
from monitor.demo.serve import Server
from monitor.demo.setup import Folder
from monitor.demo.story import Staging, Story
from monitor.instant import from_text
from tests.demo.playing import SECRET as SHARED
from tests.demo.playing import Desk, ScriptedMonitor, desk, event, parquet, post, signed

FIRES = from_text("2013-01-15T00:00:00Z")
ASKS = from_text("2013-01-18T00:00:00Z")
ROWS_AFTER = 3_000


class Silent:
    """A screen that shows nothing."""

    def show(self, scene: Scene) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def poor(weeks: pa.Table) -> Model:
    """Return a model of outcomes that have nothing to do with their flights."""
    shuffled = weeks["late"].to_pylist()[::-1]
    return train(weeks.set_column(weeks.column_names.index("late"), "late", pa.array(shuffled)), "1")


@pytest.fixture
def opened(weeks: pa.Table, tmp_path: Path) -> Iterator[Desk]:
    """Open a desk that hands out the first weeks."""
    with desk(parquet(weeks, tmp_path)) as made:
        yield made


@pytest.fixture
def tell(
    january: pa.Table, weeks: pa.Table, poor: Model, opened: Desk, tmp_path: Path
) -> Iterator[Callable[..., Story]]:
    """Return a function that tells the story by a script."""
    future = january.slice(len(weeks))
    monitors: list[ScriptedMonitor] = []

    def play(
        fires: int | None = FIRES,
        asks: int | None = ASKS,
        *,
        first: Model = poor,
        delivered: bool = True,
        sees_fault: bool = True,
    ) -> Story:
        def raise_curtain(
            folder: Folder, port: int, opening: OpenMonitor, deploy: Callable[[Retrained], None], stack: ExitStack
        ) -> Cast:
            server = Server(future, folder.path)
            server.deploy(first)
            job = stack.enter_context(RetrainingJob(SHARED, folder.path, deploy))

            def ask() -> None:
                body = event(opened.url)
                if delivered:
                    post(job.url, body, signed(body))

            monitor = ScriptedMonitor(opened, fires, asks, lambda: server.version, ask, lambda: server.factor)
            monitor.sees_fault = sees_fault
            monitors.append(monitor)
            stack.callback(monitor.close)
            return Cast(first, 0.7, server, job, monitor, 10_000)

        folder = Folder(tmp_path / "demo", SHARED)
        staging = Staging(folder, 0, 0.0, _unopened, delivery_seconds=0.2, rows_after=ROWS_AFTER)
        story = Story(staging, Silent(), raise_curtain)
        try:
            story.run()
        finally:
            story.close()
        return story

    yield play
    assert all(monitor.closed for monitor in monitors)


def _unopened(_: Path) -> ScriptedMonitor:
    raise AssertionError("the script has its own monitor")


def test_a_loop_that_closes_is_told_whole(tell: Callable[..., Story]) -> None:
    """Every stage ends, and the figures of both versions on the same flights are there."""
    scene = tell().scene
    assert scene.closed
    assert scene.done == list(Stage)
    assert scene.versions == ["1", "2"]
    assert scene.performance.rows == ROWS_AFTER
    assert scene.performance.after is not None
    assert scene.performance.old_version_same_rows is not None
    assert scene.performance.after > scene.performance.old_version_same_rows


def test_the_second_version_serves_what_comes_after_the_request(tell: Callable[..., Story], tmp_path: Path) -> None:
    """Time stands still while the job trains: the log changes version at one instant."""
    story = tell()
    lines = (tmp_path / "demo" / "logs" / "2013-01.jsonl").read_text().splitlines()
    second = [line for line in lines if '"model_version":"2"' in line]
    assert second == lines[-len(second) :]
    assert from_text(second[0][14:34]) >= ASKS
    assert story.scene.retraining is not None
    assert story.scene.retraining.status == "succeeded"


def test_without_an_alert_it_stops_there(tell: Callable[..., Story]) -> None:
    """If nothing fires until the flights end, the stage is alert."""
    scene = tell(fires=None, asks=None).scene
    assert (scene.stopped_at, scene.closed) == (Stage.ALERT, False)


def test_without_a_request_it_stops_at_the_delivery(tell: Callable[..., Story]) -> None:
    """If the retraining stays withheld until the flights end, the screen has shown what it waits for."""
    scene = tell(asks=None).scene
    assert scene.stopped_at is Stage.DELIVERY
    assert scene.gate is not None
    assert (scene.gate.why, scene.gate.needed) == ("too_few_targets", 10_000)
    assert scene.gate.targets > 0


def test_a_webhook_that_never_comes_stops_it(tell: Callable[..., Story]) -> None:
    """If the action is requested and no message reaches the job in time, the stage is delivery."""
    scene = tell(delivered=False).scene
    assert (scene.stopped_at, scene.delivered) == (Stage.DELIVERY, None)


def test_a_retraining_that_fails_stops_it(tell: Callable[..., Story], opened: Desk) -> None:
    """If the job cannot use the rows, the stage is retrain, and the reason is there to be seen."""
    opened.rows = b"no parquet"
    scene = tell().scene
    assert scene.stopped_at is Stage.RETRAIN
    assert scene.retraining is not None
    assert scene.retraining.status == "failed"
    assert scene.retraining.why == "the rows are no readable Parquet file"


def test_a_version_that_is_no_better_does_not_close_the_loop(tell: Callable[..., Story], january: pa.Table) -> None:
    """Against a first version that has seen the answers, the second one loses, and the stage is recover."""
    scene = tell(first=train(january, "1")).scene
    assert scene.stopped_at is Stage.RECOVER
    assert scene.performance.after is not None


def test_a_fault_is_named_and_nothing_is_started(tell: Callable[..., Story], tmp_path: Path) -> None:
    """Kilometres stand at the end of the log, a fraction each, and the retraining is withheld with its cause."""
    scene = tell().scene
    assert scene.withheld is not None
    assert (scene.withheld.why, scene.withheld.cause["column"]) == ("data_fault", "distance")
    lines = (tmp_path / "demo" / "logs" / "2013-01.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["inputs"]["distance"] % 1 == 0
    assert any(json.loads(line)["inputs"]["distance"] % 1 for line in lines[-50:])


def test_a_fault_that_is_not_named_does_not_close_the_loop(tell: Callable[..., Story]) -> None:
    """If the monitor takes kilometres for the world's doing, the stage is withhold."""
    scene = tell(sees_fault=False).scene
    assert (scene.stopped_at, scene.withheld) == (Stage.WITHHOLD, None)
