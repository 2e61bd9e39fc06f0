"""One SQLite file, lent for reading and for writing.

One connection writes, behind a lock, with ``BEGIN IMMEDIATE``; others read, each from one snapshot. Commits are
``synchronous=NORMAL``: a power cut may take the newest ones together, never half of one, and what they began is begun
again under the same ids. Where that does not do, such as before a retraining is asked for, they are ``FULL``.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from sqlalchemy import Connection, Engine, func, select

from monitor.errors import FatalError, StoreBusy
from monitor.settings import Duration, Settings
from monitor.store import directory as directories
from monitor.store import file as files
from monitor.store.failure import translated
from monitor.store.schema import outcome, segment

__all__ = ["Connection", "State", "StateSettings", "open_state"]  # the pipeline names a connection; it knows no SQL

_FILE = "state.db"


class StateSettings(Settings):
    """Where the state is kept, and for how long."""

    directory: str = Field(".driftline", description="SQLite, and the rows that are kept")
    database: SecretStr | None = None
    retention: Duration = Field(timedelta(days=30), description="windows, alerts and rows are kept so long")


class State:
    """An open state, used by any thread.

    Attributes
    ----------
    directory: holds the database, its lock and the row segments.
    writable: whether the last attempt to write worked.
    """

    def __init__(self, directory: Path, *, lock: int | None) -> None:
        self.directory = directory
        self.path = directory / _FILE
        self.writable = lock is not None
        self._lock = lock
        self._turn = threading.RLock()
        self._writing = False
        self._identity = _identity(self.path)
        self._writer = None if lock is None else files.make_engine(self.path, read_only=False)
        self._reader = files.make_engine(self.path, read_only=True)

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """Lend the writing connection for one transaction: committed at the end, undone by any exception.

        ``durable`` waits for the disk, so that not even a power cut undoes it (170 a second instead of thousands).

        Raises
        ------
        StoreBusy: nothing was written, and the same call may succeed later.
        FatalError: E312 the file is damaged, E316 it was moved or removed.
        """
        with self._turn:
            writer = self._take_turn()
            try:
                with (
                    translated(self.path),
                    writer.connect() as connection,
                    _synchronous(connection, durable=durable),
                    connection.begin(),
                ):
                    yield connection
                self.writable = True
            except (StoreBusy, FatalError):
                # After a failed fsync the page cache may say what the disk does not: open it anew.
                self.writable = False
                writer.dispose()
                raise
            finally:
                self._writing = False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Lend a connection that reads one snapshot.

        Raises
        ------
        StoreBusy: it cannot be read now.
        FatalError: E312, the file is damaged.
        """
        with translated(self.path), self._reader.connect() as connection, connection.begin():
            yield connection

    def bytes(self) -> int:
        """Return the size on disk of the database and of the segments that it names."""
        with self.read() as connection:
            sums = [connection.scalar(select(func.sum(table.c.bytes))) for table in (segment, outcome)]
        return sum(int(size or 0) for size in sums) + sum(
            files.size(self.path.with_name(_FILE + end)) for end in ("", "-wal", "-shm")
        )

    def close(self) -> None:
        """Write the log into the file, close it and let go of the directory; a second call does nothing."""
        with self._turn:
            self._reader.dispose()
            if self._writer is not None:
                self._writer.dispose()
                self._writer = None
            self.writable = False
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _take_turn(self) -> Engine:
        if self._writer is None:
            raise RuntimeError("the state is closed, or open for reading only")
        if self._writing:
            raise RuntimeError("write() within write(): one unit of work is one transaction")
        if _identity(self.path) != self._identity:
            self.writable = False
            raise FatalError(
                "E316",
                f"the state {self.path} was moved or removed while in use",
                "start again; the state is begun anew if there is none",
            )
        self._writing = True
        return self._writer


def open_state(settings: StateSettings, root: Path, *, exclusive: bool = True) -> State:
    """Open the state, or begin one; ``root`` is what a relative directory is relative to.

    Without ``exclusive`` it is only read, beside a running daemon or without one: no lock, no migration.

    Raises
    ------
    FatalError: E310 another process holds it, E311 a newer Driftline wrote it, E312 it is damaged, E313 the directory
        cannot be used, E314 there is none yet (to read), E315 a database that is not supported.
    StoreBusy: a disk that is full or fails; the same call may succeed later.
    """
    if settings.database is not None:
        raise FatalError("E315", "state.database is not supported by this version", "leave it out")
    directory = root / settings.directory
    path = directory / _FILE
    if not exclusive:
        if not path.exists():
            raise FatalError("E314", f"there is no state in {directory}", "start the daemon with `driftline run`")
        files.bring_up(path, files.read_version(path, thorough=False), migrate=False)
        return State(directory, lock=None)
    directories.make_private(directory)
    lock = directories.lock(directory)
    try:
        if path.exists():
            files.bring_up(path, files.read_version(path, thorough=True), migrate=True)
        else:
            files.begin(path)
        return State(directory, lock=lock)
    except BaseException:
        os.close(lock)
        raise


@contextmanager
def _synchronous(connection: Connection, *, durable: bool) -> Iterator[None]:
    """Let the commits within wait for the disk, or not: it cannot be changed within a transaction."""
    driver = connection.connection.driver_connection
    if not durable or driver is None:
        yield
        return
    driver.execute("PRAGMA synchronous = FULL")
    try:
        yield
    finally:
        with suppress(sqlite3.Error):  # a signal may have cut the transaction short, and closed it: to be slow is safe
            driver.execute("PRAGMA synchronous = NORMAL")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
