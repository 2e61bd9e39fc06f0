"""The children of one process: one at a time for each model, a few over all, one that stays; none outlives it."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from monitor.errors import RetryableError
from monitor.workers.job import Failure, Job, Task, WorkerFailed
from monitor.workers.resident import Resident

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
        self._asking = threading.Lock()
        self._resident: Resident | None = None

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

    def ask(self, task: Task) -> bytes:
        """Have the child that stays do a task, once it is the task's turn; started where there is none.

        One that is found dead is followed by another, once: it had ended by itself, or is the first to go when memory
        runs out for all.

        Raises
        ------
        WorkerFailed: there is no answer; also while this process is stopping.
        """
        while not self._asking.acquire(timeout=_TURN_SECONDS):
            self._refuse_if_stopped(task)
        try:
            try:
                return self._staying(task).ask(task)
            except WorkerFailed as failed:
                if failed.reason is not Failure.DIED:
                    raise
            return self._staying(task).ask(task)
        finally:
            self._asking.release()

    def _staying(self, task: Task) -> Resident:
        with self._lock:
            self._refuse_if_stopped(task)
            found = self._resident
            if found is None or found.over or not found.fits(task.limits):
                if found is not None:
                    found.close()
                found = self._resident = Resident(task.limits)
            return found

    def _refuse_if_stopped(self, task: Task) -> None:
        if self._stopped:
            raise WorkerFailed(Failure.STOPPED, f"{task.what} was not begun")

    def stop(self) -> None:
        """End every child; none is started any more."""
        with self._lock:
            self._stopped, resident = True, self._resident
            for job in self._jobs.values():
                job.stop()
            self._jobs = {}
        if resident is not None:
            resident.stop()
            with self._asking:  # whoever waits for its answer has none now
                resident.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()
