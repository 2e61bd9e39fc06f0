"""The children of one process: one at a time for each model, a few over all, and none that outlives it."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from monitor.errors import RetryableError
from monitor.workers.job import Failure, Job, Task, WorkerFailed

MOST = 2
"""Children at a time over all models: each may take the memory of its limit."""

_TURN_SECONDS = 0.1


class WorkerBusy(RetryableError):
    """The model has a child at work, or too many are at work; the same call may succeed later."""


class Workers:
    """Starts children; used from any thread.

    Parameters
    ----------
    most: children at a time over all models.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._stopped = False

    def submit(self, model: str, task: Task) -> Job:
        """Start a child, and return at once; its job is asked for the answer.

        Raises
        ------
        WorkerBusy: a child of the model is at work, or too many are, or this process is stopping.
        """
        with self._lock:
            self._jobs = {name: job for name, job in self._jobs.items() if not job.done}
            if self._stopped:
                raise WorkerBusy("no child process is started any more: this process is stopping")
            if model in self._jobs or len(self._jobs) >= self._most:
                raise WorkerBusy(f"a child process for {model} has to wait for another", "ask again later")
            job = self._jobs[model] = Job(task)
            return job

    def call(self, model: str, task: Task) -> bytes:
        """Start a child, wait for it, and return its answer.

        Raises
        ------
        WorkerBusy: as for ``submit``.
        WorkerFailed: there is no answer.
        """
        job = self.submit(model, task)
        try:
            return job.wait()
        finally:
            job.stop()

    def call_in_turn(self, model: str, task: Task) -> bytes:
        """Do as :meth:`call` does, but wait until it is the task's turn.

        Raises
        ------
        WorkerFailed: there is no answer; also while this process is stopping.
        """
        while True:
            try:
                return self.call(model, task)
            except WorkerBusy:
                if self._stopped:
                    raise WorkerFailed(Failure.STOPPED, f"{task.what} was not begun") from None
                time.sleep(_TURN_SECONDS)

    def stop(self) -> None:
        """End every child; none is started any more."""
        with self._lock:
            self._stopped = True
            for job in self._jobs.values():
                job.stop()
            self._jobs = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()
