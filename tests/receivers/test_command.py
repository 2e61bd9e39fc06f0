"""A program as a receiver: what it is given, how its end is read, and that nothing of it outlives its time."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from monitor.delivery import Reason
from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.notification import MessageType
from monitor.receivers import CommandSettings, Network, send
from tests.receivers.dialect_samples import sample

PROGRAM = "import json, os, sys; json.dump([json.load(sys.stdin), dict(os.environ), sys.argv[1:]], open('told', 'w'))"


def run(folder: Path, program: str, *arguments: str, timeout: str = "20s") -> None:
    """Send an action to a Python program."""
    given = {"name": "it", "type": "command", "run": [sys.executable, "-c", program, *arguments], "timeout": timeout}
    send(CommandSettings.model_validate(given), *sample(MessageType.ACTION), 0, Network(root=folder))


def test_a_program_gets_the_message_and_the_job_s_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is on stdin, the job in variables; of the daemon's own variables no secret, and no shell reads."""
    monkeypatch.setenv("SIGNING_SECRET", "secretcanary")
    run(tmp_path, PROGRAM, "$(touch evil); *")
    event, variables, arguments = json.loads((tmp_path / "told").read_text())
    assert event == json.loads(sample(MessageType.ACTION)[1])
    assert (variables["DRIFTLINE_ACTION"], variables["DRIFTLINE_CALLBACK_TOKEN"]) == (
        "ac_7m2p4t6x5zq3ks5vwy2rnb6djc",
        "t0k3n",
    )
    assert variables["DRIFTLINE_TYPE"] == "io.driftline.action.requested"
    assert "SIGNING_SECRET" not in variables
    assert arguments == ["$(touch evil); *"]
    assert [each.name for each in tmp_path.iterdir()] == ["told"]


@pytest.mark.parametrize(
    ("program", "error", "reason"),
    [
        ("raise SystemExit(75)", DeliveryFailed, Reason.UNAVAILABLE),
        ("raise SystemExit(1)", DeliveryRefused, Reason.REJECTED),
        ("import os; os.kill(os.getpid(), 9)", DeliveryFailed, Reason.UNAVAILABLE),
    ],
)
def test_an_exit_code_is_the_answer(tmp_path: Path, program: str, error: type[Exception], reason: Reason) -> None:
    """75 and a signal are tried again, any other code is a refusal."""
    with pytest.raises(error) as caught:
        run(tmp_path, program)
    assert getattr(caught.value, "reason", None) == reason


def test_a_program_that_reads_nothing_may_succeed(tmp_path: Path) -> None:
    """Who needs no message need not read it."""
    run(tmp_path, "pass")


def test_a_program_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    """When its time is up, it and what it has started are gone, and the message is tried again."""
    program = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "open('child', 'w').write(str(child.pid)); child.wait()"
    )
    with pytest.raises(DeliveryFailed, match=r"did not end within 3 s") as caught:
        run(tmp_path, program, timeout="3s")
    assert caught.value.reason == Reason.TIMEOUT
    path = Path(f"/proc/{(tmp_path / 'child').read_text()}/stat")
    end = time.monotonic() + 5
    while path.exists() and path.read_text().rpartition(")")[2].split()[0] != "Z":  # a zombie has no parent to reap it
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_program_that_is_not_there_is_tried_again(tmp_path: Path) -> None:
    """A missing program may come back; its name is told, and no more of its path."""
    given = {"name": "it", "type": "command", "run": [str(tmp_path / "pathcanary" / "gone")]}
    with pytest.raises(DeliveryFailed, match=r"^gone could not be started \(No such file") as caught:
        send(CommandSettings.model_validate(given), *sample(MessageType.TEST), 0, Network(root=tmp_path))
    assert os.fspath(tmp_path) not in str(caught.value)
