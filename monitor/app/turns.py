"""A lock whose long holder lets others in between two steps of its work."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_PAUSE_SECONDS = 0.0005
_LONGEST_SECONDS = 1.0
"""However many wait, the holder goes on after so long."""


class Turns:
    """One at a time: a cycle that may drain a log for minutes, and visitors that want a moment."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._count = threading.Lock()
        self._waiting = 0

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock for long, calling :meth:`lend` between two steps."""
        with self._lock:
            yield

    @contextmanager
    def visit(self) -> Iterator[None]:
        """Hold the lock for a moment: the holder's present step is waited for, not its whole work."""
        self._add(1)
        try:
            with self._lock:
                yield
        finally:
            self._add(-1)

    def lend(self) -> None:
        """Let those in who wait; called by the thread that holds the lock, once."""
        if not self._waiting:
            return
        self._lock.release()
        try:
            end = time.monotonic() + _LONGEST_SECONDS
            while self._waiting and time.monotonic() < end:
                time.sleep(_PAUSE_SECONDS)
        finally:
            self._lock.acquire()

    def _add(self, number: int) -> None:
        with self._count:
            self._waiting += number
