"""A real daemon in a process of its own: started, asked over HTTP, signalled, and read to its last line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

import monitor

PATIENCE_SECONDS = 30.0
"""For what takes a second or two on a machine that is not busy."""
_PAUSE_SECONDS = 0.03
_SOURCES = Path(monitor.__file__).parents[1]
Found = TypeVar("Found")
Environment: TypeAlias = Mapping[str, str | None]
UNMEASURED: Environment = {"COVERAGE_PROCESS_CONFIG": None, "COVERAGE_PROCESS_START": None}
"""For a process that could not write its coverage."""


def until(look: Callable[[], Found | None], seconds: float = PATIENCE_SECONDS, why: str = "") -> Found:
    """Look again and again until something is found, and return it.

    Raises
    ------
    AssertionError: nothing was, in so many seconds.
    """
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, why or f"not found in {seconds} s"
        time.sleep(_PAUSE_SECONDS)
    return found


class Process:
    """A ``driftline`` command that runs in a folder; logs are JSON. What ``environment`` gives as ``None`` is unset.

    Attributes
    ----------
    lines: of its stderr so far. ``ended_at``: when its end was seen, on the monotonic clock.
    """

    def __init__(self, folder: Path, *arguments: str, environment: Environment | None = None) -> None:
        self.lines: list[str] = []
        self._out: list[str] = []
        command = [sys.executable, "-m", "monitor", "--log-format", "json", *(arguments or ("run",))]
        surroundings = {**os.environ, "PYTHONPATH": str(_SOURCES), **(environment or {})}
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={name: value for name, value in surroundings.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in ((self._process.stdout, self._out), (self._process.stderr, self.lines))
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream: Any, lines: list[str]) -> None:
        with stream:
            lines.extend(iter(lambda: stream.readline().decode("utf-8", "replace"), ""))

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Return its exit code, or ``None`` while it runs."""
        return self._process.poll()

    @property
    def out(self) -> str:
        """Return its stdout so far."""
        return "".join(self._out)

    @property
    def err(self) -> str:
        """Return its stderr so far."""
        return "".join(self.lines)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return what it logged under a name so far."""
        logged = [json.loads(line) for line in list(self.lines) if line.startswith("{")]
        return [event for event in logged if event.get("event") == name]

    def event(self, name: str, count: int = 1) -> dict[str, Any]:
        """Wait for something to be logged, so many times, and return the last."""

        def look() -> list[dict[str, Any]] | None:
            found = self.events(name)
            assert found or self.code is None, f"it ended with {self.code} before {name}: {self.err}"
            return found if len(found) >= count else None

        return until(look, why=f"{name} was not logged: {self.err}")[-1]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for its end and return its exit code."""
        code = self._process.wait(seconds)
        for reader in self._readers:
            reader.join(seconds)
        return code

    def stop(self, seconds: float = PATIENCE_SECONDS) -> tuple[int, float]:
        """Send SIGTERM; return its exit code, and how many seconds it took."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        code = self.wait(seconds)
        return code, time.monotonic() - began

    def kill(self) -> None:
        """End it as a power cut would, if it still runs."""
        self._process.kill()
        self.wait()


class Daemon(Process):
    """``driftline run`` with a config in its folder."""

    def __init__(self, folder: Path, environment: Environment | None = None) -> None:
        super().__init__(folder, "run", "-c", "config.yaml", environment=environment)

    @property
    def url(self) -> str:
        """Wait for its start and return the address that it serves."""
        page: str = self.event("started")["page"]
        return page.rstrip("/")

    def ask(self, path: str, method: str = "GET", body: Any = None, token: str | None = None) -> tuple[int, bytes]:
        """Ask it over HTTP; return status and body."""
        target = urlsplit(path if path.startswith("http") else self.url + path)
        connection = HTTPConnection(target.hostname or "", target.port or 0, timeout=PATIENCE_SECONDS)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            where = target.path + (f"?{target.query}" if target.query else "")
            connection.request(method, where, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """Return what it answers, from JSON."""
        return json.loads(self.ask(path)[1])

    def items(self, what: str) -> list[dict[str, Any]]:
        """Return a listing of the API, newest first."""
        found: list[dict[str, Any]] = self.get(f"/api/v1/{what}?limit=500")["items"]
        return found

    def check(self, name: str) -> dict[str, Any]:
        """Return one check of ``/readyz``."""
        found: dict[str, Any] = next(check for check in self.get("/readyz")["checks"] if check["name"] == name)
        return found

    def metric(self, name: str, **labels: str) -> float | None:
        """Return a metric's value, or ``None`` if it has no such series."""
        for line in self.ask("/metrics")[1].decode().splitlines():
            series, _, value = line.rpartition(" ")
            if series.partition("{")[0] == name and all(f'{key}="{each}"' in series for key, each in labels.items()):
                return float(value)
        return None
