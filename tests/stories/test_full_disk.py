"""A disk that takes no more: the daemon says so, serves on, and goes on where it stood once there is room again."""

from __future__ import annotations

import resource
from collections.abc import Callable

import pytest

from tests.stories.running import UNMEASURED, Daemon, until
from tests.stories.world import MODEL, ROWS_AN_HOUR, World

pytestmark = [pytest.mark.story, pytest.mark.fault]
Run = Callable[..., Daemon]
_NOTHING = 4096
"""Bytes that a file may have: no page of the database's log fits behind its first."""


def limit_files(daemon: Daemon, size: int) -> None:
    """Let no file that the daemon writes grow beyond a size."""
    _, hard = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (size, hard))


def test_a_full_disk_is_told_and_survived(run: Run, world: World) -> None:
    """While nothing can be written /readyz is 503 with its reason and pages are served; then no record is lost."""
    world.log(3)
    daemon = run(UNMEASURED)
    until(lambda: len(daemon.items(f"models/{MODEL}/windows")) == 2)
    limit_files(daemon, _NOTHING)
    world.log(3)
    assert until(lambda: daemon.ask("/readyz")[0] == 503)
    assert daemon.check("state") == {"name": "state", "ok": False, "why": "state_not_writable"}
    assert until(lambda: daemon.metric("driftline_state_writable") == 0)
    assert daemon.ask("/livez")[0] == daemon.ask("/")[0] == 200
    assert len(daemon.items(f"models/{MODEL}/windows")) == 2
    assert daemon.event("state_not_writable")["level"] == "error"
    limit_files(daemon, resource.RLIM_INFINITY)
    until(lambda: len(daemon.items(f"models/{MODEL}/windows")) == 5)
    until(lambda: daemon.metric("driftline_records_total", source="records") == 6 * ROWS_AN_HOUR)
    assert until(lambda: daemon.ask("/readyz")[0] == 200)
    named = {path.name for path in (world.folder / ".driftline").glob("rows/*/*")}
    assert len(named) <= 2, "rows of transactions that failed were left"
    assert daemon.stop()[0] == 0


def test_a_stop_on_a_full_disk_ends(run: Run, world: World) -> None:
    """SIGTERM while nothing can be written ends within ten seconds with 0; the next daemon reads what was not kept."""
    world.log(2)
    first = run(UNMEASURED)
    until(lambda: first.items(f"models/{MODEL}/windows"))
    limit_files(first, _NOTHING)
    world.log(2)
    until(lambda: first.ask("/readyz")[0] == 503)
    code, seconds = first.stop()
    assert (code, seconds < 10) == (0, True)
    second = run()
    until(lambda: len(second.items(f"models/{MODEL}/windows")) == 3)
    until(lambda: second.metric("driftline_records_total", source="records") == 4 * ROWS_AN_HOUR)
