"""``driftline run`` in a process of its own, and what its state holds: for benchmarks that let it drain a log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow.parquet as pq

from monitor.config import Loaded, load_config
from monitor.errors import MonitorError
from monitor.instant import from_text
from monitor.pipeline.keeping import kept_of
from monitor.plans import model_plans
from monitor.store.action import list_actions
from monitor.store.alert import list_alerts
from monitor.store.counts import load_counts
from monitor.store.database import Connection, State, open_state
from monitor.store.delivery import list_deliveries
from monitor.store.memory import load_memory
from monitor.store.pane import load_panes
from monitor.store.segment import load_rows, segments
from monitor.store.target import count_targets
from monitor.store.window import list_windows
from monitor.window import NEVER

Json: TypeAlias = dict[str, Any]
_AT_ONCE = 500
_PAUSE_SECONDS = 0.1
_SETTLED_SECONDS = 2.5
"""A daemon looks once a second: what has not changed for so long is at rest."""
_WALL = ("decided_wall", "expires_at")
_LATEST = from_text("9999-01-01T00:00:00Z")


def start(config: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start a daemon; its log is appended to a file."""
    command = [sys.executable, "-m", "monitor", "--log-format", "json", "run", "-c", str(config)]
    with log.open("ab") as err:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=err, stderr=err)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a daemon by SIGTERM.

    Raises
    ------
    subprocess.CalledProcessError: it did not end with 0.
    """
    process.send_signal(signal.SIGTERM)
    code = process.wait(60)
    if code:
        raise subprocess.CalledProcessError(code, process.args)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a daemon has come: records accepted, late or refused, and the last window closed."""

    records: int = 0
    window: str = ""


@contextmanager
def looking(loaded: Loaded) -> Iterator[tuple[State, Connection]]:
    """Open the state of a config beside its daemon, for reading."""
    state = open_state(loaded.config.state, loaded.root, exclusive=False)
    try:
        with state.read() as connection:
            yield state, connection
    finally:
        state.close()


def progress(loaded: Loaded) -> Progress:
    """Return how far a daemon has come; nothing where there is no state yet."""
    with suppress(MonitorError), looking(loaded) as (_, connection):
        counts = [entry for entry in load_counts(connection) if entry.role == "records"]
        records = sum(entry.accepted + entry.late + sum(entry.rejected.values()) for entry in counts)
        newest, _ = list_windows(connection, limit=1)
        return Progress(records, newest[0]["id"] if newest else "")
    return Progress()


def wait_for_start(process: subprocess.Popen[bytes], log: Path, begun: int = 0, seconds: float = 120.0) -> float:
    """Wait until a daemon says that it has started, beyond so many bytes of its log; return how long that took.

    Raises
    ------
    TimeoutError: it did not start.
    """
    began = time.monotonic()
    while b'"event": "started"' not in log.read_bytes()[begun:]:
        if process.poll() is not None or time.monotonic() - began > seconds:
            raise TimeoutError(f"the daemon did not start; see {log}")
        time.sleep(_PAUSE_SECONDS / 2)
    return time.monotonic() - began


def wait_until_drained(process: subprocess.Popen[bytes], loaded: Loaded, records: int, seconds: float = 600.0) -> float:
    """Wait until so many records are counted and nothing moves any more; return how long that took.

    Raises
    ------
    TimeoutError: the daemon died, or did not come so far.
    """
    began = moved = time.monotonic()
    last = Progress()
    while last.records < records or time.monotonic() - moved < _SETTLED_SECONDS:
        if process.poll() is not None or time.monotonic() - began > seconds:
            raise TimeoutError(f"drained {last.records} of {records} records")
        time.sleep(_PAUSE_SECONDS)
        now = progress(loaded)
        if now != last:
            last, moved = now, time.monotonic()
    return moved - began


def records_of(folder: Path) -> int:
    """Return how many records the logs of a folder hold, in lines or in Parquet."""
    lines = sum(path.read_bytes().count(b"\n") for path in (folder / "logs").glob("*.jsonl"))
    rows: int = sum(pq.read_metadata(path).num_rows for path in (folder / "logs").glob("*.parquet"))
    return lines + rows


def snapshot(path: Path) -> Json:
    """Return all that a run has made of a log, part by part, without what is of the wall clock: for ``==``."""
    loaded = load_config(path, os.environ)
    (plan,) = model_plans(loaded.config, loaded.root)
    with looking(loaded) as (state, connection):
        name = plan.name
        memory = load_memory(connection, name)
        named = segments(connection, name, NEVER, _LATEST)
        rows = load_rows(state.directory, named, NEVER, _LATEST).table
        every = plan.window.every // plan.window.every.resolution
        kept = None if rows is None else kept_of(rows, every, plan.rows_per_window)
        return {
            "windows": _all(list_windows, connection),
            "alerts": _all(list_alerts, connection),
            "actions": [_without_wall(body) for body in _all(list_actions, connection)],
            "messages": sorted((each.receiver, each.message_id) for each in _all(list_deliveries, connection)),
            "counts": [(c.role, c.accepted, c.late, c.sampled, dict(c.rejected)) for c in load_counts(connection)],
            "targets": count_targets(connection, name),
            "evidence": {key: piece for key, piece in memory.items() if key != ("", "progress")},
            "panes": [(at.version, at.start, at.rows, at.payload) for at in load_panes(connection, name, NEVER)],
            "kept_rows": [] if kept is None else [sha256(repr(row).encode()).digest() for row in kept.to_pylist()],
        }


LATER = ("performance", "targets_coverage_ratio", "fairness")
"""What a stored window is told anew of as its targets come: a replay has lines of their own for it."""


def as_closed(window: Json) -> Json:
    """Return a window without what becomes known of it after its close."""
    return {key: value for key, value in window.items() if key not in LATER}


def final_performance(lines: Iterable[Json]) -> dict[str, Any]:
    """Return what a replay knows for good of the performance of windows, by their id."""
    known = (line for line in lines if line["kind"] == "performance")
    return {line["window"]: line["performance"] for line in known if all(e["final"] for e in line["performance"])}


def _all(listing: Any, connection: Connection) -> list[Any]:
    found: list[Any] = []
    cursor = None
    while True:
        items, cursor = listing(connection, limit=_AT_ONCE, cursor=cursor)
        found += items
        if cursor is None:
            return found


def _without_wall(body: Json) -> Json:
    return {key: value for key, value in body.items() if key not in _WALL}
