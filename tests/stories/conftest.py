"""What every story starts from, and what holds at the end of each: no traceback, no secret, no process left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stories.running import Daemon, Environment, Process
from tests.stories.world import CANARIES, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a folder with a config and the reference of version 1, and no log yet."""
    made = World(tmp_path / "world")
    made.reference()
    made.config()
    return made


@pytest.fixture
def daemons() -> Iterator[list[Process]]:
    """Collect processes; afterwards they are ended, and none of them has said what it must not."""
    started: list[Process] = []
    yield started
    for process in started:
        process.kill()
    said = "".join(process.err + process.out for process in started)
    assert "Traceback" not in said, said
    assert not [canary for canary in CANARIES if canary in said], said


@pytest.fixture
def run(world: World, daemons: list[Process]) -> Callable[..., Daemon]:
    """Return a function that starts a daemon in the world."""

    def start(environment: Environment | None = None, **_: Any) -> Daemon:
        daemon = Daemon(world.folder, environment)
        daemons.append(daemon)
        return daemon

    return start
