"""Records in a bucket that a daemon reads while it is killed."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from tests.stories.running import Daemon, Process, until
from tests.stories.test_kafka import by_id, has_closed, has_read
from tests.stories.world import World

HOURS, PARTS, OBJECTS = 30, 6, 4


@pytest.mark.long  # the short form is in tests/sources/test_object_source.py
@pytest.mark.story
@pytest.mark.fault
def test_a_killed_daemon_counts_each_object_once(tmp_path: Path) -> None:
    """A daemon that is killed -9 while it reads objects makes, bit for bit, the windows of a log of their records."""
    world = World(tmp_path / "world")
    world.reference()
    world.log(HOURS)
    world.config()
    replayed = Process(tmp_path / "world", "backtest", "-c", "config.yaml", "--format", "jsonl")
    assert replayed.wait() == 0
    lines = (tmp_path / "world" / "logs" / "log.jsonl").read_bytes().splitlines(keepends=True)
    step = len(lines) // PARTS
    bucket = tmp_path / "world" / "bucket"
    world.model |= {"records": {"type": "object_store", "path": "bucket/", "every": "0s"}}
    world.config()
    daemon = Daemon(tmp_path / "world")
    try:
        for part in range(PARTS):
            staged = tmp_path / f"part={part}"
            staged.mkdir()
            for number in range(OBJECTS):
                own = lines[part * step : (part + 1) * step][number * step // OBJECTS : (number + 1) * step // OBJECTS]
                (staged / f"{number}.jsonl").write_bytes(b"".join(own))
            bucket.mkdir(exist_ok=True)
            staged.rename(bucket / staged.name)
            until(partial(has_read, daemon, part))
            if part in {1, 3}:
                daemon.kill()
                daemon = Daemon(tmp_path / "world")
        told = [line for line in map(json.loads, replayed.out.splitlines()) if line["kind"] == "window"]
        expected, last = by_id(told), told[-2]["id"]
        until(partial(has_closed, daemon, last))
        shown = daemon.items(f"models/{world.model['name']}/windows")
        found = by_id([daemon.get(f"/api/v1/windows/{each['id']}") for each in shown])
        status = daemon.get("/api/v1/status")["models"][0]["sources"][0]
    finally:
        daemon.kill()
    assert (status["kind"], status["rejected"]) == ("object_store", {})
    shared = sorted(found.keys() & expected.keys())
    assert len(shared) >= HOURS - 2
    assert [found[id_] for id_ in shared] == [expected[id_] for id_ in shared]
