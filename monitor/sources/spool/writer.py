"""The writing end of spools: what comes together is written and synced together, by one thread for all of them."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from monitor.errors import RetryableError
from monitor.sources.spool.segments import create, segments
from monitor.sources.spool.stream import whole_until

SEGMENT_BYTES = 2**26
Done: TypeAlias = Callable[[OSError | None], None]
"""Is called once what was given is on the disk, or with why it is not; from the thread that writes."""


class SpoolFull(RetryableError):
    """More is waiting to be read than the spool may hold."""


class Spool:
    """The end of one spool that is written to.

    Parameters
    ----------
    capacity: how many bytes may wait to be read.
    committed: returns up to which place in the stream all has been read for good.
    """

    def __init__(self, folder: Path, capacity: int, committed: Callable[[], int]) -> None:
        self.folder = folder
        self.capacity = capacity
        self._committed, self._read = committed, 0
        self._descriptor: int | None = None
        self._start = self._end = _mended(folder, committed())
        self.trouble: str | None = None
        """Why nothing can be written now, or ``None``."""

    @property
    def waiting(self) -> int:
        """Return how many bytes were written and not yet read."""
        self._read = max(self._read, self._committed())  # a reader that starts anew does not know for a moment
        return max(0, self._end - self._read)

    def write(self, frames: bytes) -> None:
        """Write whole frames and put them on the disk; after a failure nothing of them is there.

        Raises
        ------
        OSError: they could not be.
        """
        try:
            if self._descriptor is None or self._end - self._start >= SEGMENT_BYTES:
                self._begin()
            _write_all(self._descriptor, frames)
            os.fdatasync(self._descriptor or 0)
        except OSError as error:
            self.trouble = error.strerror or type(error).__name__
            self._give_up()
            raise
        self._end += len(frames)
        self.trouble = None

    def _begin(self) -> None:
        self.close()
        self._descriptor = create(self.folder, self._end)
        self._start = self._end

    def _give_up(self) -> None:
        """Leave a segment in which a write or a sync failed: the next begins where the good part of it ends."""
        if self._descriptor is None:
            return
        try:
            os.ftruncate(self._descriptor, self._end - self._start)
        except OSError:
            pass  # a segment counts only up to where the next one begins
        finally:
            self.close()

    def close(self) -> None:
        """Give the segment back that is open."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _mended(folder: Path, committed: int) -> int:
    """Cut off what a crash left half written, and return where to go on."""
    found = segments(folder)
    if not found:
        return committed
    last = found[-1]
    descriptor = os.open(last.path, os.O_RDWR | os.O_CLOEXEC)
    try:
        end = whole_until(descriptor, last.start)
        os.ftruncate(descriptor, end - last.start)
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    return max(end, committed)


def _write_all(descriptor: int | None, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor or 0, view) :]


class Syncer:
    """The thread that writes: whatever is given while it waits for the disk makes the next write."""

    def __init__(self) -> None:
        self._wanted = threading.Condition()
        self._queue: defaultdict[Spool, list[tuple[bytes, Done]]] = defaultdict(list)
        self._queued: defaultdict[Spool, int] = defaultdict(int)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def append(self, spool: Spool, frame: bytes, done: Done) -> None:
        """Have a frame written.

        Raises
        ------
        SpoolFull: there is no room for it now.
        """
        with self._wanted:
            if self._stopping:
                raise SpoolFull("the daemon stops")
            if spool.waiting + self._queued[spool] + len(frame) > spool.capacity:
                raise SpoolFull(f"{spool.capacity} bytes wait to be read", "send it again later")
            self._queue[spool].append((frame, done))
            self._queued[spool] += len(frame)
            self._wanted.notify()

    def stop(self) -> None:
        """Write what was given, and end the thread."""
        with self._wanted:
            self._stopping = True
            self._wanted.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wanted:
                while not self._queue and not self._stopping:
                    self._wanted.wait()
                if not self._queue:
                    return
                due, self._queue = self._queue, defaultdict(list)
            for spool, given in due.items():
                error = _written(spool, b"".join(frame for frame, _ in given))
                with self._wanted:
                    self._queued[spool] -= sum(len(frame) for frame, _ in given)
                for _, done in given:
                    done(error)


def _written(spool: Spool, frames: bytes) -> OSError | None:
    try:
        spool.write(frames)
    except OSError as error:
        return error
    return None
