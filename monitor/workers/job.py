"""One child process: started with a task, asked whether it is done, ended when its time is over.

The task and the answer pass through anonymous files in memory, so that nothing of a user's data touches the disk and
nobody has to read a pipe while the child works: asking is free, and no thread waits.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from monitor.errors import PermanentError

_PASSED = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")
_SET = {
    "DO_NOT_TRACK": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONSAFEPATH": "1",
    "PYTHONWARNINGS": "ignore",
    "TZ": "UTC",
}
"""One thread and one seed of hashes: the same answer on every machine. No telemetry of any library."""
POOR = "it may have run out of memory"
_POLL_SECONDS = 0.02
_MIB = 2**20


class Failure(StrEnum):
    """Why a child gave no answer."""

    NOT_INSTALLED = "not_installed"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    RAISED = "raised"
    DIED = "died"
    STOPPED = "stopped"


class WorkerFailed(PermanentError):
    """A child gave no answer; ``reason`` is a metric's label."""

    def __init__(self, reason: Failure, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use.

    Attributes
    ----------
    seconds: of wall time, from its start to its answer; loading a library counts.
    memory_bytes: of its own writable memory (``RLIMIT_DATA``: heap, arrays, stacks; not shared libraries, not the
        task's bytes), which is within a tenth of its resident size. An allocation beyond fails.
    niceness: how far it stands back; 19 takes only what nobody else wants.
    """

    seconds: float = 60.0
    memory_bytes: int = 1024 * _MIB
    niceness: int = 19


@dataclass(frozen=True, slots=True)
class Task:
    """A function of bytes, ``module:function``, and what it is given; ``what`` says in words what is done."""

    function: str
    content: bytes = field(repr=False)
    what: str
    limits: Limits = Limits()


class Job:
    """A running child. It ends with this process at the latest: it reads a pipe whose end is the end of both."""

    def __init__(self, task: Task) -> None:
        self._task = replace(task, content=b"")  # the child has it: it may be large, and the job may be kept
        self._given, self._answer = os.memfd_create("task"), os.memfd_create("answer")
        self._result: bytes | WorkerFailed | None = None
        self._lock = threading.Lock()
        far, self._lifeline = os.pipe()
        try:
            _write(self._given, task.content)
            told = {"function": task.function, "answer": self._answer, "lifeline": far, **asdict(task.limits)}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "monitor.workers.child", json.dumps(told)],
                stdin=self._given,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=environment(),
                pass_fds=(self._answer, far),
                start_new_session=True,
            )
        except BaseException:
            self._close()
            raise
        finally:
            os.close(far)
        self._ends = time.monotonic() + task.limits.seconds

    def poll(self) -> bytes | None:
        """Return the answer, or ``None`` while there is none; never waits.

        Raises
        ------
        WorkerFailed: there will be none.
        """
        with self._lock:
            if self._result is None:
                self._look()
        if isinstance(self._result, WorkerFailed):
            raise self._result
        return self._result

    def wait(self) -> bytes:
        """Return the answer, within the limit of time.

        Raises
        ------
        WorkerFailed: there will be none.
        """
        while (answer := self.poll()) is None:
            time.sleep(_POLL_SECONDS)
        return answer

    def stop(self) -> None:
        """End the child and what it started, whatever it does; an answer that was taken stays."""
        with self._lock:
            if self._result is None:
                self._end()
                self._settle(failed(self._task, Failure.STOPPED, "was stopped"))

    @property
    def done(self) -> bool:
        """Say whether it has ended; never waits."""
        with suppress(WorkerFailed):
            return self.poll() is not None
        return True

    def _look(self) -> None:
        # The child is left unreaped until its group is ended, so that its id is still its own.
        if os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            code = self._end()
            self._settle(_read_answer(self._answer, code, self._task))
        elif time.monotonic() >= self._ends:
            self._end()
            over = f"took over {self._task.limits.seconds:g} s"
            self._settle(failed(self._task, Failure.TIME_LIMIT, over, "give it fewer rows"))

    def _end(self) -> int:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # also what the child may have started
        return self._process.wait()

    def _settle(self, result: bytes | WorkerFailed) -> None:
        self._result = result
        self._close()

    def _close(self) -> None:
        for descriptor in (self._given, self._answer, self._lifeline):
            with suppress(OSError):
                os.close(descriptor)


def environment() -> dict[str, str]:
    """Return the little that a child is told of this process: where to import from, and no secret."""
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    places = [str(Path(__file__).parents[2]), *(place for place in sys.path if place)]
    return {**passed, **_SET, "PYTHONPATH": os.pathsep.join(dict.fromkeys(places))}


def _write(descriptor: int, content: bytes) -> None:
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)


def ended(code: int) -> str:
    """Say how a process that gave no answer has ended."""
    return f"has no answer: its process {f'was ended by signal {-code}' if code < 0 else f'ended with code {code}'}"


def _read_answer(descriptor: int, code: int, task: Task) -> bytes | WorkerFailed:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(os.dup(descriptor), "rb") as file:
        head, _, content = file.read().partition(b"\n")
    try:
        told = json.loads(head)
    except ValueError:
        return failed(task, Failure.DIED, ended(code), POOR)
    return answer_of(task, told, content)


def answer_of(task: Task, told: dict[str, Any], content: bytes) -> bytes | WorkerFailed:
    """Return what a child has answered, or why it could not."""
    if told["answered"]:
        return content
    return failed(task, Failure(told["reason"]), told["message"], told["hint"])


def failed(task: Task, reason: Failure, message: str, hint: str = "") -> WorkerFailed:
    """Return why there is no answer, in words that begin with what was to be done."""
    return WorkerFailed(reason, f"{task.what} {message}", hint)
