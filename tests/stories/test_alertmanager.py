"""A real Alertmanager takes our alerts, and takes them back."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from shutil import which
from socket import create_server
from typing import Any

import pytest

from monitor.dispatch import Desk, Dispatcher
from monitor.instant import SECOND
from monitor.notification import MessageType
from monitor.receivers import Network, send
from monitor.store.alert import save_alert
from monitor.store.database import StateSettings, open_state
from monitor.store.delivery import QueuedDelivery, enqueue
from tests.receivers.dialect_samples import sample, settings

PROGRAM = which("prometheus-alertmanager")
SECONDS = 30.0
CONFIG = "route: {receiver: none}\nreceivers: [{name: none}]\n"
pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(PROGRAM is None, reason="Alertmanager is not installed (Debian: prometheus-alertmanager)"),
]


def free_address() -> str:
    """Return an address where nobody listens."""
    with create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def shown(address: str) -> list[dict[str, Any]]:
    """Return the alerts that it shows."""
    connection = HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", "/api/v2/alerts")
        found: list[dict[str, Any]] = json.loads(connection.getresponse().read())
        return found
    finally:
        connection.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; while nobody listens it does not hold."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with suppress(OSError):
            if condition():
                return
        time.sleep(0.1)
    pytest.fail("it did not come true in time")


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    """Run an Alertmanager alone, and return its address."""
    address = free_address()
    (tmp_path / "config.yml").write_text(CONFIG)
    command = [str(PROGRAM), "--config.file=config.yml", "--storage.path=data", "--cluster.listen-address="]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            [*command, f"--web.listen-address={address}"], cwd=tmp_path, stderr=log, stdout=log
        ) as process,
    ):
        try:
            until(lambda: shown(address) == [])
            yield address
        finally:
            process.terminate()


def test_an_alert_fires_and_resolves(alertmanager: str) -> None:
    """An alert stands there with our words, once however often it is told, and is gone once it has resolved."""
    receiver = settings("alertmanager", f"http://{alertmanager}/", token=None)
    now = time.time_ns() // 1000
    for kind, at in ((MessageType.FIRING, now - SECOND), (MessageType.FIRING, now)):
        send(receiver, *sample(kind), at, Network())
    (alert,) = shown(alertmanager)
    assert alert["labels"]["alertname"] == "Driftline_drift"
    assert alert["annotations"]["summary"] == "flight-delay version 3: drift"
    assert alert["generatorURL"] == "https://monitor.example/"
    assert alert["status"]["state"] == "active"
    send(receiver, *sample(MessageType.RESOLVED), now - SECOND, Network())
    until(lambda: shown(alertmanager) == [])


def test_an_alert_that_is_told_again_outlives_its_end(alertmanager: str, tmp_path: Path) -> None:
    """An alert said to last four seconds stands longer while we run, and is gone soon after we do not."""
    state = open_state(StateSettings(), tmp_path)
    receiver = settings("alertmanager", f"http://{alertmanager}/", token=None, values={"lasts": 4})
    ident, body = sample(MessageType.FIRING)
    with state.write() as connection:
        save_alert(connection, json.loads(body)["data"]["alert"])
        enqueue(connection, QueuedDelivery(receiver.name, ident, 0, body, 0))
    dispatcher = Dispatcher([Desk(state, receiver, Network(), lambda: time.time_ns() // 1000, random.Random(1))])
    dispatcher.start()
    until(lambda: bool(shown(alertmanager)))
    began = shown(alertmanager)[0]["updatedAt"]
    time.sleep(6)
    (alert,) = shown(alertmanager)
    dispatcher.stop(1)
    state.close()
    assert alert["updatedAt"] > began
    until(lambda: shown(alertmanager) == [])
