"""Progress on a terminal: what a person sees while they wait, and that a file or pipe gets the answer alone."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest

import monitor
from monitor.cli.progress import LEARNING
from tests.replaying import write_log

DRAWN = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]")
MOVED = re.compile(r"[\r\n]|\x1b\[[0-9;]*[A-K]")
ERASED = "\x1b[2K"


def on_a_terminal(config: Path, width: int, *command: str) -> tuple[str, str]:
    """Run a command whose stderr is a terminal of so many columns; return what came to stdout and to the terminal."""
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
    environment |= {"TERM": "xterm", "PYTHONPATH": str(Path(monitor.__file__).parents[1])}
    call = [sys.executable, "-m", "monitor", *command, "-c", str(config)]
    seen: list[bytes] = []
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=far, text=True, env=environment) as process:
        os.close(far)
        reader = threading.Thread(target=_drain, args=(near, seen))
        reader.start()
        assert process.stdout is not None
        out = process.stdout.read()
        reader.join()
    os.close(near)
    assert process.returncode == 0, b"".join(seen)
    return out, b"".join(seen).decode()


def _drain(near: int, seen: list[bytes]) -> None:
    try:
        while some := os.read(near, 65_536):
            seen.append(some)
    except OSError:
        return  # the other end is closed


def frames(terminal: str) -> list[str]:
    """Return the lines that were drawn over each other, without their colours."""
    return [line.rstrip() for line in MOVED.split(DRAWN.sub("", terminal)) if line.strip()]


@pytest.mark.parametrize("width", [40])
def test_a_backtest_shows_how_far_it_is(config: Path, width: int) -> None:
    """While a log is replayed one line says so, whatever the width; all of the answer is on stdout, and no bar."""
    write_log(config.parent / "logs" / "a.jsonl", 3, seed=8)
    out, terminal = on_a_terminal(config, width, "backtest", "--format", "jsonl")
    assert [json.loads(line)["kind"] for line in out.splitlines()] == ["window"] * 72 + ["summary"]
    shown = frames(terminal)
    assert shown[0].startswith(LEARNING)
    assert re.match(r"2013-01-24 · 51 windows .*%", shown[-1])
    assert max(map(len, shown)) <= width
    assert terminal.endswith(ERASED)


def test_a_check_shows_that_it_works(config: Path) -> None:
    """While references are compiled one line says so, and is gone when the answer comes."""
    out, terminal = on_a_terminal(config, 40, "check", "--format", "json")
    assert json.loads(out)["valid"] is True
    shown = frames(terminal)
    assert all(line.startswith(LEARNING) and len(line) <= 40 for line in shown)
    assert shown
    assert terminal.endswith(ERASED)
