"""A real Prometheus on a folder of its own, scraping one address every second."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from shutil import which
from socket import socket
from typing import Any
from urllib.parse import urlencode

INSTALLED = which("prometheus") is not None
_READY_SECONDS = 30.0
_STOP_SECONDS = 10.0
_PAUSE_SECONDS = 0.25


class Prometheus:
    """Answers queries; see :func:`prometheus`."""

    def __init__(self, address: str) -> None:
        self._address = address

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Evaluate an expression now, and return its series.

        Raises
        ------
        ValueError: it is no PromQL.
        """
        found: list[dict[str, Any]] = self._get("query", query=expression)["result"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Return the rules as they were evaluated last."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def empty(self, expressions: list[str]) -> list[str]:
        """Return those expressions that yield no series now."""
        return [expression for expression in expressions if not self.query(expression)]

    def is_ready(self) -> bool:
        """Say whether it serves."""
        with suppress(OSError):
            return self._ask("/-/ready")[0] == HTTPStatus.OK
        return False

    def _get(self, what: str, **parameters: str) -> Any:
        status, body = self._ask(f"/api/v1/{what}?{urlencode(parameters)}")
        if status != HTTPStatus.OK:
            raise ValueError(body.decode())
        return json.loads(body)["data"]

    def _ask(self, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection(self._address, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextmanager
def prometheus(folder: Path, target: str, rules: Path | None = None) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes ``target`` (host:port) every second and evaluates the rules as often."""
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)] if rules else [],
        "scrape_configs": [{"job_name": "driftline", "static_configs": [{"targets": [target]}]}],
    }
    path = folder / "prometheus.yml"
    path.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    address = f"127.0.0.1:{_free_port()}"
    command = ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    command += [f"--web.listen-address={address}", "--log.level=warn"]
    with (folder / "prometheus.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            running = Prometheus(address)
            wait_until(lambda: process.poll() is not None or running.is_ready(), _READY_SECONDS)
            assert process.poll() is None, (folder / "prometheus.log").read_text(encoding="utf-8")
            yield running
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)


def wait_until(holds: Callable[[], object], seconds: float) -> bool:
    """Wait until something holds, at most so long; say whether it does."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def _free_port() -> int:
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
