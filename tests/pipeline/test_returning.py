"""A version that retires and comes back, read in any cut, gives the same windows and alerts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.config import load_config
from monitor.pipeline.cycle import Pipeline
from monitor.plans import model_plans
from tests.stories.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a log in which version 1 leaves to version 2, and comes back for good."""
    made = World(tmp_path_factory.mktemp("returning") / "world")
    made.reference("1")
    made.reference("2")
    made.log(4)
    made.log(5, version="2")
    made.log(3)
    made.log(1, version="2")
    made.log(6)
    return made


def replayed(path: Path, block_bytes: int = 4 * 2**20) -> list[dict[str, Any]]:
    """Replay a log in blocks of a size, and return every window and alert."""
    loaded = load_config(path, {})
    (plan,) = model_plans(loaded.config, loaded.root)
    pipeline = Pipeline(plan, event_clock=True, block_bytes=block_bytes)
    closed = [*pipeline.step(0), *pipeline.flush(0)]
    return [body for each in closed for body in (*each.windows, *each.alerts)]


@pytest.mark.parametrize(("rate", "length"), [(1.0, "3h"), (0.1, "1h")])
def test_the_cut_of_the_log_changes_nothing(world: World, rate: float, length: str) -> None:
    """Blocks of some lines or of the whole log give the same windows, also sampled, also where windows overlap."""
    model = {"sampling": {"rate": rate}, "window": {"length": length, "min_rows": 2}, "records": {"max_line": "1KiB"}}
    path = world.config(model)
    whole = replayed(path)
    assert replayed(path, 1_100) == whole
    assert replayed(path, 20_000) == whole


def test_a_version_that_comes_back_is_judged_again(world: World) -> None:
    """After its retirement a version has no windows, until it has records again."""
    windows = [body for body in replayed(world.config()) if body["kind"] == "window"]
    of_first = [body["start"][11:13] for body in windows if body["version"] == "1"]
    assert of_first == ["00", "01", "02", "03", "04", "05", "06", *(f"{hour:02}" for hour in range(9, 19))]
