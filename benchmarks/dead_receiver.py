"""What 10,000 messages for a receiver that is dead cost a daemon, and whether they reach it in order once it lives.

``python -m benchmarks.dead_receiver``
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from benchmarks import daemon
from benchmarks.harness import Scalar, report
from benchmarks.memory import made_up, memory_of
from monitor.app.daemon import TRIM_SECONDS
from monitor.config import Loaded, load_config
from monitor.instant import SECOND
from monitor.notification import Content, MessageType, message
from monitor.store.database import open_state
from monitor.store.delivery import QueuedDelivery, enqueue

BAR_MB = 50.0
_MESSAGES, _MB = 10_000, 1e6
_PATIENCE_SECONDS = 900.0
_NAME, _SECRET = "job", "whsec_" + "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
_FIRST = 1_767_600_000 * SECOND


def queue(loaded: Loaded) -> list[str]:
    """Queue the messages of as many alerts, each with twenty columns, and return their ids in order."""
    state, ids = open_state(loaded.config.state, loaded.root), []
    columns = [{"name": f"c{n}", "verdict": "drifted", "why": "distance_over_threshold"} for n in range(20)]
    with state.write() as connection:
        for number in range(_MESSAGES):
            at = _FIRST + number * SECOND
            alert = {"name": "drift", "model": "made-up", "version": "1", "state": "firing", "reason": "first_time"}
            window = {"id": f"made-up~1~{number}", "end": "2026-01-05T08:00:00Z"}
            content = Content(alert | {"started_at": f"{number:08d}"}, window, columns)
            told = message(MessageType.FIRING, content)
            enqueue(connection, QueuedDelivery(_NAME, told.id, told.time, told.body, at))
            ids.append(told.id)
    state.close()
    return ids


class _Receiver(BaseHTTPRequestHandler):
    """Notes the id of each message, and takes it."""

    got: ClassVar[list[str]]

    def do_POST(self) -> None:
        """Take a message."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append(self.headers["webhook-id"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def receiving(port: int) -> Iterator[list[str]]:
    """Receive at a port, and lend the ids that came, in order."""
    got: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Receiver,), {"got": got}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield got
    finally:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def at_rest(config: Path, loaded: Loaded) -> tuple[float, float]:
    """Return the memory of a daemon that drained its log, at rest, and its most, in bytes."""
    log = config.with_suffix(".log")
    process = daemon.start(config, log)
    try:
        daemon.wait_for_start(process, log)
        daemon.wait_until_drained(process, loaded, daemon.records_of(config.parent))
        time.sleep(TRIM_SECONDS + 5)
        return memory_of(process.pid)
    finally:
        daemon.stop(process)


def revived(config: Path, port: int, ids: Sequence[str]) -> tuple[float, float, list[str], float]:
    """Let a daemon find its receiver dead, and then alive.

    Returns
    -------
    Its memory at rest before, and its most, in bytes; the ids that came, in order; and how many seconds that took.
    """
    log = config.with_suffix(".log")
    begun = log.stat().st_size
    process = daemon.start(config, log)
    try:
        daemon.wait_for_start(process, log, begun)
        time.sleep(TRIM_SECONDS + 5)
        rest, _ = memory_of(process.pid)
        began = time.monotonic()
        with receiving(port) as got:
            while len(got) < len(ids) and time.monotonic() - began < _PATIENCE_SECONDS:
                time.sleep(1)
            took = time.monotonic() - began
        return rest, memory_of(process.pid)[1], list(got), took
    finally:
        daemon.stop(process)


def main() -> int:
    """Measure, print and write; 1 if the bar is missed."""
    with TemporaryDirectory(prefix="driftline-dead-") as name:
        port = free_port()
        config = made_up(Path(name), 5, {})
        body = json.loads(config.read_text("utf-8"))
        body["receivers"] = [
            {"name": _NAME, "type": "webhook", "url": f"http://127.0.0.1:{port}/", "secret": _SECRET, "timeout": "2s"}
        ]
        config.write_text(json.dumps(body), "utf-8")
        loaded = load_config(config, os.environ)
        calm, calm_most = at_rest(config, loaded)
        ids = queue(loaded)
        rest, most, got, took = revived(config, port, ids)
    cost = max(rest - calm, most - calm_most) / _MB
    in_order = got == ids
    row: dict[str, Scalar] = {
        "messages": len(ids),
        "at_rest_without_mb": round(calm / _MB, 1),
        "at_rest_with_mb": round(rest / _MB, 1),
        "most_without_mb": round(calm_most / _MB, 1),
        "most_with_mb": round(most / _MB, 1),
        "bar_mb_more": BAR_MB,
        "came": len(got),
        "came_once_in_order": in_order,
        "seconds_to_come": round(took, 1),
        "result": "pass" if cost <= BAR_MB and in_order else "FAIL",
    }
    report("dead_receiver", [row])
    return 0 if row["result"] == "pass" else 1


if __name__ == "__main__":
    sys.exit(main())
