"""When things are done again: the only file that knows APScheduler, and the one that does not trust the wall clock.

APScheduler counts in wall time: set back an hour it stalls for an hour, set forward a month it enumerates every
missed run. So the next run is always set from now, never from the last one (nothing is enumerated), and a tick
of the monotonic clock notices a jump and has everything run at once, once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

JUMP_SECONDS = 5.0


class Pool(StrEnum):
    """Which threads a call takes: what drains a log for minutes holds up nothing but its like."""

    WORK = "work"
    UPKEEP = "upkeep"


_THREADS = {Pool.WORK: 4, Pool.UPKEEP: 2}


class _FromNow(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """Fires at once, and then an interval after each time it is asked."""

    def __init__(self, seconds: float) -> None:
        self._interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        return now if previous is None else now + self._interval


class Schedule:
    """Functions that are called again and again, each in one thread at a time."""

    def __init__(self) -> None:
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a cycle that takes long is no news
        settings = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        executors = {pool.value: ThreadPoolExecutor(threads) for pool, threads in _THREADS.items()}
        self._scheduler: Any = BackgroundScheduler(job_defaults=settings, executors=executors, timezone=UTC)
        self._offset = _offset()
        self._calls = threading.Condition()
        self._running = 0
        self._stopped = False

    def every(self, seconds: float, name: str, function: Callable[[], None], *, pool: Pool = Pool.UPKEEP) -> None:
        """Call a function now, and ``seconds`` after each time it was due; it answers for its own errors."""
        call = partial(self._call, function)
        self._scheduler.add_job(call, _FromNow(seconds), id=name, name=name, executor=pool.value)

    def _call(self, function: Callable[[], None]) -> None:
        with self._calls:
            if self._stopped:
                return
            self._running += 1
        try:
            function()
        finally:
            with self._calls:
                self._running -= 1
                self._calls.notify_all()

    def remove(self, name: str) -> None:
        """Call a function no more."""
        self._scheduler.remove_job(name)

    def start(self) -> None:
        """Start calling."""
        self._scheduler.start()

    def tick(self) -> bool:
        """Say whether the wall clock jumped since the last tick; to be called about every second."""
        offset = _offset()
        jumped = abs(offset - self._offset) > JUMP_SECONDS
        if jumped:
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=datetime.now(UTC))
        self._offset = offset
        return jumped

    def stop(self) -> None:
        """Call nothing more; what runs goes on until :meth:`wait`."""
        with self._calls:
            self._stopped = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def wait(self, seconds: float) -> bool:
        """Wait for the calls under way, so long at most; say whether all have ended."""
        with self._calls:
            return self._calls.wait_for(lambda: not self._running, seconds)


def _offset() -> float:
    return time.time() - time.monotonic()
