"""Child processes: what they answer, what ends them, and what they are told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.workers import Failure, Job, Limits, Task, WorkerBusy, WorkerFailed, Workers

FUNCTIONS = """
import ctypes, json, os, sys, time

def surroundings(content):
    return json.dumps({"names": sorted(os.environ), "track": os.environ["DO_NOT_TRACK"], "nice": os.nice(0)}).encode()

def hang(content):
    time.sleep(600)

def started(content):
    with open(content.decode(), "w") as file:
        file.write(str(os.getpid()))
    time.sleep(600)

def grow(content):
    return bytes(400 << 20)

def end(content):
    os._exit(7)

def refuse(content):
    raise ValueError("the value 4711 of a user")

def blame(content):
    from monitor.errors import PermanentError
    raise PermanentError("no column is numeric", "name one")

def load(content):
    raise ModuleNotFoundError("No module named 'evidently.x'", name="evidently.x")

def chatter(content):
    print("noise", flush=True)
    print("noise", file=sys.stderr, flush=True)
    return content
"""
PARENT = """
import sys, time
sys.path.insert(0, sys.argv[1])
from monitor.workers import Task, Workers
job = Workers().submit("m", Task("functions:started", sys.argv[2].encode(), "x"))
time.sleep(600)
"""
PATIENCE_SECONDS = 30.0
USUAL = Limits()


@pytest.fixture(autouse=True)
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions that a child can import by name, since it imports from where its parent does."""
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.fixture
def workers() -> Iterator[Workers]:
    """No child outlives a test."""
    with Workers() as made:
        yield made


def _task(function: str, content: bytes = b"", limits: Limits = USUAL) -> Task:
    return Task(f"functions:{function}", content, "the test", limits)


def _ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def _await(seen: Callable[[], object]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not seen():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_an_answer_is_what_the_function_returned(workers: Workers) -> None:
    """The answer is the function's, whatever libraries print meanwhile."""
    content = os.urandom(300_000)
    assert workers.call("m", _task("chatter", content)) == content


def test_a_job_is_asked_without_waiting(workers: Workers) -> None:
    """While the child works there is no answer, and asking takes no time."""
    job = workers.submit("m", _task("hang"))
    begun = time.monotonic()
    assert job.poll() is None
    assert time.monotonic() - begun < 0.2


@pytest.mark.parametrize(
    ("function", "limits", "reason", "words"),
    [
        ("hang", Limits(seconds=0.5), Failure.TIME_LIMIT, "the test took over 0.5 s; help: give it fewer rows"),
        ("grow", Limits(memory_bytes=300 << 20), Failure.MEMORY_LIMIT, "the test needs more memory than it may have"),
        ("end", Limits(), Failure.DIED, "the test has no answer: its process ended with code 7"),
        ("refuse", Limits(), Failure.RAISED, "the test failed: ValueError in functions.py:"),
        ("blame", Limits(), Failure.RAISED, "the test failed: no column is numeric; help: name one"),
        ("load", Limits(), Failure.NOT_INSTALLED, 'help: python -m pip install "driftline[reports]"'),
    ],
)
def test_a_failure_is_told_in_words(
    workers: Workers, function: str, limits: Limits, reason: Failure, words: str
) -> None:
    """A child without an answer says why and what to do, and shows neither a value nor a traceback."""
    with pytest.raises(WorkerFailed) as caught:
        workers.call("m", _task(function, limits=limits))
    assert caught.value.reason is reason
    assert words in str(caught.value)
    assert "4711" not in str(caught.value)


def test_a_child_is_told_no_secret(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child has none of this process's variables but the few it needs; no library may report its use."""
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-1")
    told = json.loads(workers.call("m", _task("surroundings")))
    assert "SLACK_TOKEN" not in told["names"]
    assert told["track"] == "1"
    assert told["nice"] >= 19


def test_a_model_has_one_child_at_a_time(workers: Workers) -> None:
    """A second task of a model is refused for now; another model's is not."""
    workers.submit("m", _task("hang"))
    with pytest.raises(WorkerBusy):
        workers.submit("m", _task("hang"))
    assert isinstance(workers.submit("other", _task("hang")), Job)


def test_children_of_all_models_are_few() -> None:
    """With as many children at work as there may be, another model waits too."""
    with Workers(most=1) as workers:
        workers.submit("m", _task("hang"))
        with pytest.raises(WorkerBusy):
            workers.submit("other", _task("hang"))


def test_a_stop_ends_the_children(tmp_path: Path) -> None:
    """Once its workers are stopped no child is left, and none is started."""
    file = tmp_path / "pid"
    with Workers() as workers:
        job = workers.submit("m", _task("started", str(file).encode()))
        _await(lambda: file.exists() and file.read_text())
    assert _ended(int(file.read_text()))
    with pytest.raises(WorkerFailed, match="was stopped"):
        job.poll()
    with pytest.raises(WorkerBusy, match="stopping"):
        workers.submit("m", _task("hang"))


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    """A parent that is killed leaves no child behind."""
    file = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path), str(file)])
    try:
        _await(lambda: file.exists() and file.read_text())
    finally:
        parent.kill()
        parent.wait()
    _await(lambda: _ended(int(file.read_text())))
