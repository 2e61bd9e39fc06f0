"""The child that stays: it is loaded once, asked in turn, and followed by another where it has ended."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.workers import Failure, Limits, Task, WorkerFailed, Workers
from monitor.workers.resident import Resident

FUNCTIONS = """
import os, time

def who(content):
    return f"{os.getpid()} {os.environ['DO_NOT_TRACK']} ".encode() + content

def hang(content):
    open(content.decode(), "w").close()
    time.sleep(600)

def end(content):
    os._exit(7)

def grow(content):
    return bytes(600 << 20)

def swell(content):
    global held
    held = bytearray(os.urandom(1 << 20)) * 260
    return who(content)

def refuse(content):
    raise ValueError("the value 4711 of a user")
"""
SMALL = Limits(memory_bytes=400 << 20)
USUAL = Limits()


@pytest.fixture(autouse=True)
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions that a child can import by name."""
    (tmp_path / "tasks_that_stay.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.fixture
def workers() -> Iterator[Workers]:
    """No child outlives a test."""
    with Workers() as made:
        yield made


def _task(function: str, content: bytes = b"", limits: Limits = USUAL) -> Task:
    return Task(f"tasks_that_stay:{function}", content, "the test", limits)


def _pid(workers: Workers, function: str = "who", limits: Limits = USUAL) -> int:
    return int(workers.ask(_task(function, limits=limits)).split()[0])


def test_one_child_does_one_task_after_the_other(workers: Workers) -> None:
    """What was loaded for the first task is there for the next, whatever the size of a task; no library reports."""
    content = os.urandom(3_000_000)
    pid, track, rest = workers.ask(_task("who", content)).split(b" ", 2)
    assert (track, rest) == (b"1", content)
    assert _pid(workers) == int(pid)


def test_a_task_that_is_refused_ends_no_child(workers: Workers) -> None:
    """A function that raises fails for itself, without a value of a user's in its words."""
    before = _pid(workers)
    with pytest.raises(WorkerFailed) as caught:
        workers.ask(_task("refuse"))
    assert caught.value.reason is Failure.RAISED
    assert "4711" not in str(caught.value)
    assert _pid(workers) == before


@pytest.mark.parametrize(
    ("function", "limits", "reason"),
    [
        ("hang", Limits(seconds=0.5), Failure.TIME_LIMIT),
        ("end", USUAL, Failure.DIED),
        ("grow", SMALL, Failure.MEMORY_LIMIT),
    ],
)
def test_after_a_failure_there_is_another_child(
    workers: Workers, tmp_path: Path, function: str, limits: Limits, reason: Failure
) -> None:
    """A child that is too slow, dies or runs out of memory is told as that, and the next task has one of its own."""
    before = _pid(workers, limits=replace(limits, seconds=USUAL.seconds))
    with pytest.raises(WorkerFailed) as caught:
        workers.ask(_task(function, str(tmp_path / "begun").encode(), limits))
    assert caught.value.reason is reason
    assert _pid(workers) != before


def test_a_child_that_was_killed_between_two_tasks_is_replaced(workers: Workers) -> None:
    """Whoever asks next does not notice."""
    before = _pid(workers)
    os.kill(before, signal.SIGKILL)
    assert _pid(workers) != before


def test_a_child_that_has_grown_is_given_no_other_task(workers: Workers) -> None:
    """Its answer counts; the next task begins with little memory again."""
    before = _pid(workers, "swell", SMALL)
    assert _pid(workers, limits=SMALL) != before


def test_an_idle_child_ends() -> None:
    """A child that nobody asks gives back its memory by itself."""
    resident = Resident(USUAL, idle_seconds=0.1)
    try:
        ends = time.monotonic() + 30
        while not resident.over:
            assert time.monotonic() < ends
            time.sleep(0.02)
    finally:
        resident.close()


def test_a_stop_ends_the_child_in_the_middle_of_a_task(workers: Workers, tmp_path: Path) -> None:
    """Whoever waits is told that it was stopped, and not that it failed."""
    begun, found = tmp_path / "begun", list[Failure]()

    def wait() -> None:
        with pytest.raises(WorkerFailed) as caught:
            workers.ask(_task("hang", str(begun).encode()))
        found.append(caught.value.reason)

    thread = threading.Thread(target=wait)
    thread.start()
    ends = time.monotonic() + 30
    while not begun.exists() and time.monotonic() < ends:
        time.sleep(0.01)
    workers.stop()
    thread.join(10)
    assert found == [Failure.STOPPED]
    with pytest.raises(WorkerFailed, match="not begun"):
        workers.ask(_task("who"))
