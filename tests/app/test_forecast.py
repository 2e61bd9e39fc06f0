from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.config import load_config
from tests.cli.conftest import reference_table

SECONDS = 60.0
LAST_SHOWN = ("driftline_cycle_seconds_count", "driftline_last_evaluation_", "driftline_column_drift_detected")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a config, a reference, and a log of three weeks."""
    import pyarrow.parquet as pq

    folder = tmp_path_factory.mktemp("forecast")
    table = reference_table(20_000)
    pq.write_table(table, folder / "reference.parquet")
    (folder / "logs").mkdir()
    pq.write_table(table, folder / "logs" / "a.parquet")
    (folder / "config.yaml").write_text(
        "server: {listen: '127.0.0.1:0'}\n"
        "models:\n"
        "  - name: flights\n"
        "    task: binary\n"
        '    records: {type: files, path: "logs/*.parquet"}\n'
        "    reference: {path: reference.parquet}\n"
        "    window: {min_rows: 20}\n"
        "receivers: [{name: out, type: log}]\n"
    )
    return folder


def ask(folder: Path, path: str) -> str:
    """Return what the daemon of a folder answers, found by what it says of itself in its state."""
    from monitor.store.daemon import load_daemon
    from monitor.store.database import open_state

    loaded = load_config(folder / "config.yaml", {})
    state = open_state(loaded.config.state, loaded.root, exclusive=False)
    try:
        with state.read() as connection:
            daemon = load_daemon(connection)
    finally:
        state.close()
    assert daemon is not None
    with urllib.request.urlopen(f"http://{daemon.listen}{path}", timeout=5) as answer:
        return str(answer.read().decode())


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, which may fail while a daemon starts."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            if condition():
                return
        except Exception:  # noqa: BLE001, S110 - the daemon is still starting
            pass
        time.sleep(0.2)
    raise TimeoutError


@pytest.fixture(scope="module")
def told(project: Path) -> dict[str, Any]:
    """Return what ``check`` foretells."""
    command = [sys.executable, "-m", "monitor", "check", "-c", str(project / "config.yaml"), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    body: dict[str, Any] = json.loads(done.stdout)
    return body


@pytest.fixture(scope="module")
def daemon(project: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Return a daemon that has read its logs."""
    command = [sys.executable, "-m", "monitor", "run", "-c", str(project / "config.yaml")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        try:
            until(lambda: all(name in ask(project, "/metrics") for name in LAST_SHOWN))
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(20)


@pytest.mark.story
def test_series_are_foretold_exactly(project: Path, told: dict[str, Any], daemon: subprocess.Popen[bytes]) -> None:
    """The page of metrics has as many series as ``check`` said."""
    page = ask(project, "/metrics")
    assert len([line for line in page.splitlines() if line and not line.startswith("#")]) == told["series"]


@pytest.mark.story
def test_memory_is_foretold(told: dict[str, Any], daemon: subprocess.Popen[bytes]) -> None:
    """The daemon at rest takes the memory that ``check`` said, to within a factor of two."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{daemon.pid}/status").read_text())
    assert found is not None
    assert told["memory_bytes"] / 2 < int(found[1]) * 1024 < told["memory_bytes"] * 2


@pytest.mark.story
def test_the_state_is_foretold(project: Path, told: dict[str, Any], daemon: subprocess.Popen[bytes]) -> None:
    """The state of three weeks is what ``check`` said of thirty days, to within a factor of two."""
    folder = project / ".driftline"
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.name.endswith("-wal"))
    assert told["state_bytes"] / 2 < size * 30 / 21 < told["state_bytes"] * 2
