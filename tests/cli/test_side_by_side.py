from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import pytest

from monitor.cli.side_by_side import Job, Remote, Worker, side_by_side
from monitor.config import load_config
from monitor.errors import FatalError
from monitor.replay import Told, summary
from tests.cli.conftest import Answer
from tests.replaying import write_log

Driftline = Callable[..., Answer]
TAKEN = re.compile(r'"elapsed_seconds": [0-9.e-]+')


@pytest.fixture
def two(config: Path) -> Path:
    """Return a config of two models: of one log, and of another that drifts."""
    write_log(config.parent / "logs" / "a.jsonl", 1)
    write_log(config.parent / "drifting" / "a.jsonl", 1.5, shift_from=0.5, seed=8)
    return with_model(config, "trains", "drifting/")


@pytest.fixture
def three(two: Path) -> Path:
    """Return a config of three models, the third of the log of the first: its lines come at the same instants."""
    return with_model(two, "buses", "logs/")


def with_model(config: Path, name: str, log: str) -> Path:
    """Add to a config its first model under another name, and with another log."""
    text = config.read_text()
    model = text[text.index("  - name: flights") : text.index("window:")]
    model += "window: {min_rows: 20}\n"
    more = model.replace("flights\n", f"{name}\n").replace("logs/", log)
    config.write_text(text.replace("receivers:", f"{more}receivers:"))
    return config


@contextmanager
def one_processor() -> Iterator[None]:
    """Let this process have one processor."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def job(config: Path) -> Job:
    """Return what the child processes of a config are told."""
    return Job(config, load_config(config, os.environ).hash, Told(), (), now=time.time_ns() // 1000)


def is_gone(group: int) -> bool:
    """Wait a little until no process of a group is left, and say whether none is."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_children_give_the_same_bytes(driftline: Driftline, three: Path) -> None:
    """Models that are replayed in child processes give the bytes that one process gives."""
    with one_processor():
        alone = driftline("backtest", "-c", three, "--format", "jsonl")
    with side_by_side(job(three), 3, 2) as (remotes, lines):
        told = list(lines)
        body = summary(remotes, load_config(three, os.environ).hash, 0.0)
    beside = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in [*told, body])
    assert TAKEN.sub("", beside) == TAKEN.sub("", alone.out)
    assert active_children() == []


def test_children_find_the_same_faults(driftline: Driftline, two: Path) -> None:
    """Faults of all models are told at once, in the config's order, with the exit code of one process."""
    text = two.read_text()
    two.write_text(text.replace("reference: {path: ", "reference: {path: nowhere"))
    with one_processor():
        alone = driftline("backtest", "-c", two)
    assert driftline("backtest", "-c", two) == alone
    assert (alone.code, alone.err.count("error[E164]")) == (2, 2)


def test_a_child_that_dies_is_told(two: Path) -> None:
    """A child that is killed ends the replay in words, and leaves nothing behind."""
    worker = Worker(replace(job(two), places=(0,)), [Remote()])
    (child,) = active_children()
    os.kill(child.pid or 0, signal.SIGKILL)
    with pytest.raises(FatalError, match="a process that replays models was ended by signal 9"):
        worker.ready()
    worker.stop()
    assert active_children() == []


def test_a_config_that_changed_is_told(two: Path) -> None:
    """A child that reads another config than its parent did replays nothing."""
    told = job(two)
    two.write_text(two.read_text().replace("min_rows: 20", "min_rows: 21"))
    with pytest.raises(FatalError, match="the config changed"), side_by_side(told, 1, 1):
        pass


def test_an_interrupt_ends_all(two: Path) -> None:
    """Ctrl-C at a terminal, which goes to every process of the command, ends it in one word and with code 130."""
    with subprocess.Popen(
        [sys.executable, "-m", "monitor", "backtest", "-c", str(two), "--format", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (130, "interrupted\n")
    assert is_gone(process.pid)
