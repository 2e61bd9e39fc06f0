"""The command itself, as a newcomer runs it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.contracts import schemas
from tests.contracts.schemas_daemon import DEMO

TOLD_SECONDS = 600
START_SECONDS = 60


def _demo(*options: str) -> list[str]:
    return [sys.executable, "-m", "monitor", "demo", *options]


def _run(*options: str, seconds: float = START_SECONDS) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_demo(*options), capture_output=True, text=True, timeout=seconds, check=False)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """Run the demo once, whole, without a terminal."""
    directory = tmp_path_factory.mktemp("told") / "demo"
    return _run("--once", "--port", "0", "--dir", str(directory), seconds=TOLD_SECONDS)


@pytest.fixture(scope="module")
def body(told: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the line that it printed."""
    read: dict[str, Any] = json.loads(told.stdout)
    return read


@pytest.mark.story
@pytest.mark.timeout(TOLD_SECONDS)
class TestTheStory:
    def test_the_loop_closes(self, told: subprocess.CompletedProcess[str], body: dict[str, Any]) -> None:
        """From training to recovery nothing is left out, and the exit code says so."""
        assert (told.returncode, body["closed"], body["stopped_at"]) == (0, True, None)

    def test_the_line_keeps_the_contract(self, body: dict[str, Any]) -> None:
        """The one line on stdout has every key of the contract."""
        assert schemas.faults(DEMO, body) == []

    def test_progress_is_told_as_json(self, told: subprocess.CompletedProcess[str]) -> None:
        """Without a terminal stderr is one JSON object a line, and tells each stage."""
        events = [json.loads(line) for line in told.stderr.splitlines()]
        stages = [event["stage"] for event in events if event["event"] == "demo_stage"]
        assert stages == ["train", "serve", "alert", "delivery", "retrain", "promote", "recover", "withhold"]

    def test_the_warmth_of_spring_is_found(self, body: dict[str, Any]) -> None:
        """The alert is about drift, names the temperature, and says that the world has changed, not the data."""
        assert body["alert"]["name"] == "drift"
        assert "temp" in body["alert"]["columns"]
        assert body["alert"]["class"] == "population_change"

    def test_the_alert_comes_in_spring_and_ends_after_the_promotion(self, body: dict[str, Any]) -> None:
        """Instants are event time: it fires weeks into the stream, and resolves when version 2 has taken over."""
        alert = body["alert"]
        assert "2013-04-15" < alert["fired_at"] < "2013-06-01" < alert["resolved_at"]

    def test_the_webhook_is_verified(self, body: dict[str, Any]) -> None:
        """The job got the signed message at the first attempt, and retrained on what it points to."""
        assert (body["webhook"]["signature_verified"], body["webhook"]["attempts"]) == (True, 1)
        assert body["retraining"]["status"] == "succeeded"
        assert body["retraining"]["rows"] >= 78_000

    def test_the_model_had_aged(self, body: dict[str, Any]) -> None:
        """On the days before the alert version 1 is worse than on held-out days of its own months."""
        assert body["performance"]["at_alert"] < body["performance"]["reference"] - 0.02

    def test_the_retraining_pays(self, body: dict[str, Any]) -> None:
        """On the very same flights version 2 is better than version 1, by more than chance gives."""
        performance = body["performance"]
        assert performance["rows"] == 20_000
        assert performance["after"] > performance["old_version_same_rows"] + 0.01

    def test_the_monitor_has_verified_the_recovery(self, body: dict[str, Any]) -> None:
        """Version 2 has held in windows of its own, and the sentence says from how much to how much."""
        assert body["recovery"]["status"] == "recovered"
        assert "version 2 recovered: roc_auc" in body["recovery"]["text"]

    def test_nothing_is_retrained_on_broken_data(self, body: dict[str, Any]) -> None:
        """Kilometres are named as such with their factor, the retraining is withheld, and the alert ends."""
        withheld = body["withheld"]
        assert (withheld["why"], withheld["class"]) == ("data_fault", "data_fault")
        assert (withheld["cause"]["kind"], withheld["cause"]["column"]) == ("unit_change", "distance")
        assert withheld["cause"]["factor"] == pytest.approx(1.609, abs=0.001)
        assert withheld["resolved_at"] is not None


def test_a_folder_of_others_is_a_fault_before_the_start(tmp_path: Path) -> None:
    """The exit code is 2, nothing is printed on stdout, and nothing in the folder has changed."""
    (tmp_path / "thesis.txt").write_text("years of work")
    ended = _run("--once", "--port", "0", "--dir", str(tmp_path))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "E191" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_taken_port_is_told_at_once(tmp_path: Path) -> None:
    """Before minutes of training the demo sees that its page has no place, and says at which stage it stopped."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ended = _run("--once", "--port", str(other.getsockname()[1]), "--dir", str(tmp_path / "demo"))
    assert ended.returncode == 3
    assert json.loads(ended.stdout)["stopped_at"] == "train"
    assert "E320" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("options", [("--speed", "-1"), ("--port", "70000"), ("--speed", "fast"), ("--twice",)])
def test_a_wrong_option_is_a_fault(options: tuple[str, ...], tmp_path: Path) -> None:
    """An option that cannot be gets exit code 2, and no folder is made."""
    assert _run(*options, "--dir", str(tmp_path / "demo")).returncode == 2
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(number: signal.Signals, tmp_path: Path) -> None:
    """Whoever has seen enough presses Ctrl-C: it ends within seconds and without a traceback."""
    with subprocess.Popen(_demo("--port", "0", "--dir", str(tmp_path / "demo")), stderr=subprocess.PIPE) as running:
        end = time.monotonic() + START_SECONDS
        while not (tmp_path / "demo" / "retrain.secret").exists() and time.monotonic() < end:
            time.sleep(0.05)
        running.send_signal(number)
        _, said = running.communicate(timeout=START_SECONDS)
    # A shell sees 130 in both cases: Python kills itself where a Ctrl-C met the making of a class.
    assert running.returncode in {130, -signal.SIGINT}
    assert b"Traceback" not in said
