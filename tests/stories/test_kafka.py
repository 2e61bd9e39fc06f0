"""Records in a topic that a daemon reads while it is killed."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.sources.brokers import brokers
from tests.stories.running import Daemon, Process, until
from tests.stories.world import MODEL, World

HOURS, PARTS = 30, 6
KEYS = ("rows", "verdict", "evidence", "columns", "latency_seconds", "quality_violations")


def by_id(windows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return what does not depend on when windows were closed."""
    return {each["id"]: [each[key] for key in KEYS] for each in windows}


def has_read(daemon: Daemon, part: int) -> bool:
    """Say whether a daemon has closed windows, of which the first part has too few."""
    return bool(daemon.items(f"models/{MODEL}/windows")) if part else bool(daemon.url)


def has_closed(daemon: Daemon, window: str) -> bool:
    """Say whether a daemon has closed a window."""
    return any(each["id"] == window for each in daemon.items(f"models/{MODEL}/windows"))


@pytest.mark.story
@pytest.mark.fault
def test_a_killed_daemon_counts_each_message_once(tmp_path: Path) -> None:
    """A daemon that is killed -9 while it reads a topic makes, bit for bit, the windows of a log of its records."""
    world = World(tmp_path / "world")
    world.reference()
    records = world.log(HOURS)
    world.config()
    replayed = Process(tmp_path / "world", "backtest", "-c", "config.yaml", "--format", "jsonl")
    assert replayed.wait() == 0
    lines = (tmp_path / "world" / "logs" / "log.jsonl").read_bytes().splitlines()
    step = len(lines) // PARTS
    with brokers(answers=1) as cluster:
        world.model |= {"records": {"type": "kafka", "servers": cluster.servers, "topic": "answers"}}
        world.config()
        daemon = Daemon(tmp_path / "world")
        try:
            for part in range(PARTS):
                cluster.put("answers", lines[part * step : (part + 1) * step])
                until(partial(has_read, daemon, part))
                if part in {1, 3}:
                    daemon.kill()
                    daemon = Daemon(tmp_path / "world")
            told = [line for line in map(json.loads, replayed.out.splitlines()) if line["kind"] == "window"]
            expected, last = by_id(told), told[-2]["id"]
            until(partial(has_closed, daemon, last))
            shown = daemon.items(f"models/{MODEL}/windows")
            found = by_id([daemon.get(f"/api/v1/windows/{each['id']}") for each in shown])
            status = daemon.get("/api/v1/status")["models"][0]["sources"][0]
        finally:
            daemon.kill()
    assert (status["kind"], status["rejected"]) == ("kafka", {})
    assert records == PARTS * step
    shared = sorted(found.keys() & expected.keys())
    assert len(shared) >= HOURS - 2
    assert [found[id_] for id_ in shared] == [expected[id_] for id_ in shared]
