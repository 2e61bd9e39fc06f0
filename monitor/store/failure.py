"""What SQLite's errors mean to a caller: try again later, or stop."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from monitor.errors import FatalError, MonitorError, StoreBusy

_PRIMARY = 0xFF  # an extended result code holds the primary one in its low byte
_LATER = {
    sqlite3.SQLITE_BUSY: ("another program holds a lock on it", "end what else has the file open"),
    sqlite3.SQLITE_LOCKED: ("it is locked", "it is tried again"),
    sqlite3.SQLITE_READONLY: ("it is read-only", "mount the file system writable and check the owner"),
    sqlite3.SQLITE_IOERR: ("an I/O error", "check the disk"),
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space; nothing is lost meanwhile"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "check that the directory exists and who owns it"),
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def damaged(path: Path, why: str) -> FatalError:
    """Return the error for a state that cannot be read; the file is left as it is."""
    return FatalError(
        "E312",
        f"the state {path} is damaged: {why}",
        "restore a backup with `driftline state restore`, or move the file away to begin anew;"
        " it has been left untouched",
    )


def translate(error: sqlite3.Error, path: Path) -> MonitorError | None:
    """Return what an error of the driver means, or ``None`` if it is a fault of ours."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if code in _DAMAGED:
        return damaged(path, str(error))
    if code in _LATER:
        why, hint = _LATER[code]
        return StoreBusy(f"the state {path} cannot be used now: {why}", hint)
    return None


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise the driver's errors as ours.

    Raises
    ------
    StoreBusy: the disk is full or read-only, an I/O error, a lock.
    FatalError: E312, the file is damaged.
    """
    try:
        yield
    except DBAPIError as error:
        ours = translate(error.orig, path) if isinstance(error.orig, sqlite3.Error) else None
        if ours is None:
            raise
        raise ours from error
    except sqlite3.Error as error:
        ours = translate(error, path)
        if ours is None:
            raise
        raise ours from error
    except PoolTimeout as error:
        raise StoreBusy(f"the state {path} cannot be used now: too many readers", "it is tried again") from error
