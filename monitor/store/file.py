"""The file itself: begun whole, checked before it is used, connected to."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Engine, QueuePool, create_engine, event

from monitor.errors import FatalError, StoreBusy
from monitor.store import schema
from monitor.store.directory import create_private, sync_directory
from monitor.store.failure import damaged, translated

BUSY_SECONDS = 5.0
_READERS = 4
_MORE_READERS = 12
_WRITER_CACHE_KIB = 8_192  # by default 2 MiB: a batch of targets in random order would read each page again and again
_WAL_BYTES = 16 * 2**20  # a WAL grown by one large transaction is cut back to this


def make_engine(path: Path, *, read_only: bool, vacuum: bool = False) -> Engine:
    """Return an engine whose transactions begin where we say: deferred to read, ``IMMEDIATE`` to write.

    ``vacuum`` is for a new file: pages that become free can be given back.
    """
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(path, read_only=read_only, vacuum=vacuum),
        poolclass=QueuePool,
        pool_size=_READERS if read_only else 1,
        max_overflow=_MORE_READERS if read_only else 0,
        pool_timeout=BUSY_SECONDS,
        hide_parameters=True,  # they are users' data, and an error may be logged
    )
    word = "BEGIN" if read_only else "BEGIN IMMEDIATE"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(word))
    return engine


def begin(path: Path) -> None:
    """Write an empty state under another name, then give it its own: an empty file is never ours.

    Raises
    ------
    StoreBusy: it cannot be written now.
    FatalError: E312, the log of a state that is gone is still there, and would be played into the new one.
    """
    if size(path.with_name(f"{path.name}-wal")):
        raise damaged(path, "it is missing, and its write-ahead log is there")
    new = path.with_name(f"{path.name}.new")
    with translated(path):
        try:
            for end in ("", "-wal", "-shm"):
                new.with_name(new.name + end).unlink(missing_ok=True)
            os.close(create_private(new, os.O_EXCL))
            _create(new)
            new.rename(path)
            sync_directory(path.parent)
        except OSError as error:
            raise StoreBusy(f"the state {path} cannot be written now: {error.strerror}", "free some space") from error


def read_version(path: Path, *, thorough: bool) -> str:
    """Return the schema version of a file; nothing is written to it. ``thorough`` looks at every page of it.

    Raises
    ------
    FatalError: E312, it is damaged, or no state of ours.
    StoreBusy: it cannot be read now.
    """
    if not size(path):
        raise damaged(path, "it is empty")
    with translated(path), closing(_connect(path, read_only=True)) as connection:
        fault = connection.execute("PRAGMA quick_check(1)").fetchone()[0] if thorough else "ok"
        if fault != "ok":
            raise damaged(path, str(fault))
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    if row is None:
        raise damaged(path, "it is not a state of Driftline")
    return str(row[0])


def bring_up(path: Path, version: str, *, migrate: bool) -> None:
    """Migrate a file to this version's schema, if it has an older one.

    Raises
    ------
    FatalError: E311, it has a newer schema; or an older one, without ``migrate``.
    StoreBusy: it cannot be written now.
    """
    if version == schema.HEAD:
        return
    if not version.isdecimal() or int(version) > int(schema.HEAD):
        raise FatalError(
            "E311",
            f"the state {path} has schema {version}; this version knows up to {schema.HEAD}",
            "run the Driftline that wrote it, or restore a backup from before; the file has been left untouched",
        )
    if not migrate:
        raise FatalError("E311", f"the state {path} has the older schema {version}", "start the daemon to bring it up")
    from monitor.store.migrate import upgrade  # Alembic is slow to import and seldom needed

    engine = make_engine(path, read_only=False)
    try:
        with translated(path), engine.begin() as connection:
            upgrade(connection)
    finally:
        engine.dispose()


def size(path: Path) -> int:
    """Return the size of a file in bytes; 0 if there is none."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _create(path: Path) -> None:
    engine = make_engine(path, read_only=False, vacuum=True)
    try:
        with engine.begin() as connection:
            schema.version_metadata.create_all(connection)
            schema.metadata.create_all(connection)
            connection.execute(schema.alembic_version.insert().values(version_num=schema.HEAD))
    finally:
        engine.dispose()


def _connect(path: Path, *, read_only: bool, vacuum: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(os.fsencode(path.absolute()))}?mode={'ro' if read_only else 'rw'}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,  # transactions begin where we say, not where the driver guesses
        check_same_thread=False,
    )
    if vacuum:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
    return connection
