"""One SQLite file: opened, checked, lent for reading and for writing, closed.

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
from urllib.parse import quote

from pydantic import SecretStr
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, func, select

from monitor.errors import FatalError, StoreBusy
from monitor.settings import Duration, Settings
from monitor.store import directory as directories
from monitor.store import schema
from monitor.store.failure import damaged, translated

_FILE = "state.db"
_BUSY_SECONDS = 5.0
_READERS = 4
_MORE_READERS = 12
_WAL_BYTES = 16 * 2**20  # a WAL grown by one large transaction is cut back to this


class StateSettings(Settings):
    """Where the state is kept, and for how long."""

    directory: str = ".driftline"
    database: SecretStr | None = None
    retention: Duration = timedelta(days=30)


class State:
    """An open state. ``directory`` holds the database, its lock and the row segments.

    ``writable`` tells whether the last attempt to write worked.
    """

    def __init__(self, directory: Path, *, lock: int | None) -> None:
        self.directory = directory
        self.path = directory / _FILE
        self.writable = lock is not None
        self._lock = lock
        self._turn = threading.RLock()
        self._writing = False
        self._writer = _engine(self.path, read_only=False) if lock is not None else None
        self._reader = _engine(self.path, read_only=True)

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """Lend the writing connection for one transaction: committed at the end, or undone by an exception.

        ``durable`` waits for the disk, so that not even a power cut undoes it (170 a second instead of thousands).

        Raises
        ------
        StoreBusy: nothing was written, and the same call may succeed later.
        FatalError: E312, the file is damaged.
        """
        writer = self._writer
        if writer is None:
            raise RuntimeError("the state is open for reading only, or closed")
        with self._turn:
            if self._writing:
                raise RuntimeError("write() within write(): one unit of work is one transaction")
            self._writing = True
            try:
                with translated(self.path), writer.connect() as connection:
                    _set_synchronous(connection, durable=durable)
                    with connection.begin():
                        yield connection
                self.writable = True
            except (StoreBusy, FatalError):
                # After a failed fsync the page cache may say what the disk does not: read it anew.
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
        StoreBusy: it could not be read now.
        FatalError: E312, the file is damaged.
        """
        with translated(self.path), self._reader.connect() as connection, connection.begin():
            yield connection

    def bytes(self) -> int:
        """Return the size on disk of the database and of the row segments that it names."""
        with self.read() as connection:
            segments = connection.scalar(select(func.coalesce(func.sum(schema.segment.c.bytes), 0)))
        return int(segments or 0) + sum(_size(self.path.with_name(_FILE + end)) for end in ("", "-wal", "-shm"))

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
        _check(path, _read_version(path), migrate=False)
        return State(directory, lock=None)
    directories.make_private(directory)
    lock = directories.lock(directory)
    try:
        if path.exists():
            _check(path, _read_version(path), migrate=True)
        else:
            _begin(path)
        return State(directory, lock=lock)
    except BaseException:
        os.close(lock)
        raise


def _begin(path: Path) -> None:
    """Write an empty state under another name, then give it its own: an empty file is never ours."""
    if _size(path.with_name(_FILE + "-wal")):
        raise damaged(path, "it is missing, and its write-ahead log is there")
    new = path.with_name(_FILE + ".new")
    with translated(path):
        try:
            for end in ("", "-wal", "-shm", "-journal"):
                new.with_name(new.name + end).unlink(missing_ok=True)
            os.close(directories.create_private(new, os.O_EXCL))
            engine = _engine(new, read_only=False, begin=True)
            with engine.begin() as connection:
                schema.version_metadata.create_all(connection)
                schema.metadata.create_all(connection)
                connection.execute(schema.alembic_version.insert().values(version_num=schema.HEAD))
            engine.dispose()
            new.rename(path)
            directories.sync_directory(path.parent)
        except OSError as error:
            raise StoreBusy(f"the state {path} cannot be written: {error.strerror}", "free some space") from error


def _read_version(path: Path) -> str:
    """Return the schema version of a file found whole; nothing is written to it."""
    if not _size(path):
        raise damaged(path, "it is empty")
    with translated(path):
        connection = _connect(path, read_only=True)
        try:
            fault = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if fault != "ok":
                raise damaged(path, str(fault))
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
        finally:
            connection.close()
    if row is None:
        raise damaged(path, "it is not a state of Driftline")
    return str(row[0])


def _check(path: Path, version: str, *, migrate: bool) -> None:
    if version == schema.HEAD:
        return
    if not version.isdigit() or int(version) > int(schema.HEAD):
        raise FatalError(
            "E311",
            f"the state {path} has schema {version}; this version knows up to {schema.HEAD}",
            "run the Driftline that wrote it, or restore a backup from before; the file has been left untouched",
        )
    if not migrate:
        raise FatalError("E311", f"the state {path} has the older schema {version}", "start the daemon to bring it up")
    from monitor.store.migrate import upgrade  # Alembic is slow to import and seldom needed

    engine = _engine(path, read_only=False)
    with translated(path), engine.begin() as connection:
        upgrade(connection)
    engine.dispose()


def _engine(path: Path, *, read_only: bool, begin: bool = False) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(path, read_only=read_only, begin=begin),
        poolclass=QueuePool,
        pool_size=_READERS if read_only else 1,
        max_overflow=_MORE_READERS if read_only else 0,
        pool_timeout=_BUSY_SECONDS,
        hide_parameters=True,  # they are users' data, and an error may be logged
    )
    word = "BEGIN" if read_only else "BEGIN IMMEDIATE"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(word))
    return engine


def _connect(path: Path, *, read_only: bool, begin: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(os.fsencode(path.absolute()))}?mode={'ro' if read_only else 'rw'}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,  # transactions begin where we say, not where the driver guesses
        check_same_thread=False,
    )
    if not read_only:
        if begin:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
    return connection


def _set_synchronous(connection: Connection, *, durable: bool) -> None:
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.execute("PRAGMA synchronous = FULL" if durable else "PRAGMA synchronous = NORMAL")


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
