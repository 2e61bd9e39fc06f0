"""Records that are sent to a daemon that is killed, and what becomes of them."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.stories.running import Daemon, Process, until
from tests.stories.world import MODEL, ROWS_AN_HOUR, World

HOURS, BATCH = 30, 60
SENT = {"type": "http", "capacity": "64MiB"}


class Sender:
    """Sends batches in order, each again until it is answered for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.daemon = Daemon(folder)
        self.again = 0

    def send(self, role: str, batch: list[bytes], *, kill: bool) -> None:
        """Send a batch; ``kill`` ends the daemon once it has the batch, and nobody waits for the answer."""
        if kill:
            self._post(role, batch, wait=False)
            self.daemon.kill()
            self.daemon = Daemon(self._folder)
            self.again += 1
        until(lambda: self._post(role, batch, wait=True) == 202)

    def _post(self, role: str, batch: list[bytes], *, wait: bool) -> int | None:
        target = urlsplit(self.daemon.url)
        connection = HTTPConnection(target.hostname or "", target.port or 0, timeout=10)
        try:
            headers = {"Content-Type": "application/x-ndjson"}
            connection.request("POST", f"/api/v1/models/{MODEL}/{role}", b"".join(batch), headers)
            if not wait:
                until(lambda: self.spooled(role, batch[-1]))
            return connection.getresponse().status if wait else None
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def spooled(self, role: str, line: bytes) -> bool:
        """Say whether a line lies in a spool."""
        folder = self._folder / ".driftline" / "spool" / MODEL / role
        return any(line in path.read_bytes() for path in sorted(folder.glob("*.spool"))[-2:])


def windows(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return windows by id, without what depends on when they were closed."""
    return {line["id"]: {**line, "closed_at": None} for line in lines if line["kind"] == "window"}


@pytest.mark.story
@pytest.mark.fault
def test_what_was_sent_to_a_killed_daemon_is_counted_once(tmp_path: Path) -> None:
    """Batches that are sent again after kill -9 give, bit for bit, the windows of a log that holds each record once."""
    world = World(tmp_path / "world")
    world.reference()
    records = world.log(HOURS)
    log, targets = (tmp_path / "world" / name / "log.jsonl" for name in ("logs", "targets"))
    world.config()
    replayed = Process(tmp_path / "world", "backtest", "-c", "config.yaml", "--format", "jsonl")
    assert replayed.wait() == 0
    world.model |= {"records": SENT, "targets": {"type": "http"}}
    world.config()
    lines = log.read_bytes().splitlines(keepends=True)
    sender = Sender(tmp_path / "world")
    try:
        sender.send("targets", targets.read_bytes().splitlines(keepends=True), kill=False)
        batches = [lines[at : at + BATCH] for at in range(0, len(lines), BATCH)]
        for number, batch in enumerate(batches):
            sender.send("records", batch, kill=number in {3, 11})
        daemon = sender.daemon
        last = [line for line in map(json.loads, replayed.out.splitlines()) if line["kind"] == "window"][-2]["id"]
        until(
            lambda: (
                daemon.items(f"models/{MODEL}/windows")[:1] and daemon.items(f"models/{MODEL}/windows")[0]["id"] >= last
            )
        )
        status = daemon.get("/api/v1/status")["models"][0]["sources"][0]
        found = windows(
            [
                {**daemon.get(f"/api/v1/windows/{each['id']}"), "kind": "window"}
                for each in daemon.items(f"models/{MODEL}/windows")
            ]
        )
    finally:
        sender.daemon.kill()
    assert (status["accepted"], status["rejected"]) == (records, {"duplicate": sender.again * BATCH})
    assert records == HOURS * ROWS_AN_HOUR
    expected = windows([json.loads(line) for line in replayed.out.splitlines()])
    shared = found.keys() & expected.keys()
    assert len(shared) >= HOURS - 2
    keys = ("rows", "verdict", "evidence", "columns", "latency_seconds", "quality_violations")
    assert [[found[id_][key] for key in keys] for id_ in sorted(shared)] == [
        [expected[id_][key] for key in keys] for id_ in sorted(shared)
    ]
