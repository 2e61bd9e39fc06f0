"""Which messages were dealt with already: a small file that outlives the process."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_WAIT_SECONDS = 30.0
_KEPT_SECONDS = 90 * 86_400.0
"""A message is sent again for eighteen hours by itself, and later only where an operator asks for it."""


class Seen:
    """The ids of messages that were dealt with, in a file; threads and processes of one machine may share it.

    >>> import tempfile
    >>> seen = Seen(Path(tempfile.mkdtemp()) / "seen.db")
    >>> for _ in range(2):
    ...     with seen.once("evt_q6ph5tnwy2rvb6cja4k2d7x3mz") as is_new:
    ...         print(is_new)
    True
    False
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        with closing(self._open()) as file:
            file.execute("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, second REAL NOT NULL) WITHOUT ROWID")

    @contextmanager
    def once(self, id: str) -> Iterator[bool]:
        """Say whether an id is new, and note it once the block has ended without an exception.

        One block runs at a time. What must not be lost is to be safe on disk when the block ends; where the process
        dies within it, the message comes again and is new again.
        """
        with closing(self._open()) as file:
            file.execute("BEGIN IMMEDIATE")
            is_new = file.execute("SELECT 1 FROM seen WHERE id = ?", (id,)).fetchone() is None
            yield is_new
            if is_new:
                now = time.time()
                file.execute("DELETE FROM seen WHERE second < ?", (now - _KEPT_SECONDS,))
                file.execute("INSERT INTO seen VALUES (?, ?)", (id, now))
            file.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        """Open the file; a transaction that is not committed ends with the connection."""
        file = sqlite3.connect(self._path, timeout=_WAIT_SECONDS, isolation_level=None)
        file.execute("PRAGMA synchronous = FULL")
        return file
