"""A table as a source: what is settled is read in the order of its key, and the position is the highest key read."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
from sqlalchemy.exc import SQLAlchemyError

from monitor.record import Layout
from monitor.sources.batch import Batch
from monitor.sources.formats.arrow_rows import decode_rows, places_of
from monitor.sources.position import Position
from monitor.sources.sql import cursor
from monitor.sources.sql.cursor import Key, UnfitKey
from monitor.sources.sql.settings import SqlSettings
from monitor.sources.sql.table import Page, Pages, Unfit

KEY = "sql"
"""The name under which the position is kept."""


class SqlSource:
    """Reads one table.

    Parameters
    ----------
    layout: what to take from each row; a field ``inputs.temp`` is a column of that name, a member of a column of JSON
        ``inputs``, or a column ``temp``.
    root: where the relative path of a file of SQLite starts.
    at_rest: nobody writes any more, as for a replay: all rows are settled.
    clock: seconds, by which rows settle.
    """

    def __init__(
        self,
        settings: SqlSettings,
        layout: Layout,
        root: Path,
        *,
        at_rest: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        places = places_of(layout)
        wanted = None if layout.takes_all else [name for place in places for name in (*place.flat, place.steps[0])]
        self._pages = Pages(settings, root, wanted)
        self._name, self._layout, self._clock = settings.table, layout, clock
        self._wait = 0.0 if at_rest else settings.settle.total_seconds()
        self._seen: deque[tuple[float, Key]] = deque()
        self._settled: Key | None = None
        self._trouble: str | None = None

    def close(self) -> None:
        """Give the connections back."""
        self._pages.close()

    def matches(self) -> list[Path]:
        """Return none: a table is no file."""
        return []

    def problem(self) -> str | None:
        """Say why the table cannot be read; that it has no rows yet is no problem."""
        if self._trouble is None and not self._seen:
            self._attempt(self._look)
        return None if self._trouble is None else f"{self._name}: {self._trouble}"

    def advice(self) -> list[tuple[str, str]]:
        """Return what would make reading quick or whole: what is so, and what to do; none if it cannot be told."""
        try:
            return self._pages.advice()
        except (Unfit, SQLAlchemyError):
            return []

    def read(self, positions: Mapping[str, Position]) -> Batch | None:
        """Read what comes next of what is settled."""
        at = positions.get(KEY, Position(self._name, 0, 0))
        after = None if at.cursor is None else cursor.from_text(at.cursor)
        page = self._attempt(lambda: self._next(after))
        return None if page is None else self._batch(at, page)

    def _attempt(self, what: Callable[[], Page | None]) -> Page | None:
        try:
            self._trouble = None
            return what()
        except (Unfit, UnfitKey) as error:
            self._trouble = str(error)
        except SQLAlchemyError as error:  # its text may hold values and the address
            self._trouble = f"cannot be read now ({type(error).__name__})"
        self._pages.close()
        return None

    def _next(self, after: Key | None) -> Page | None:
        page = None if self._settled is None else self._pages.page(after, self._settled)
        if page is not None:
            return page
        self._look()
        if self._settled is None or (after is not None and not self._is_beyond(after)):
            return None
        return self._pages.page(after, self._settled)

    def _look(self) -> None:
        """Ask for the highest key, and take as settled the highest of ``settle`` ago."""
        now, highest = self._clock(), self._pages.highest()
        if highest is not None:
            self._seen.append((now, highest))
        while self._seen and self._seen[0][0] <= now - self._wait:
            self._settled = self._seen.popleft()[1]

    def _is_beyond(self, after: Key) -> bool:
        """Say whether what is settled may hold rows after a key.

        Raises
        ------
        UnfitKey: the table's keys are of another type than those that were read, or all lie before them.
        """
        settled = self._settled
        if settled is None or type(settled) is not type(after):
            raise UnfitKey("its key is of another type than when it was last read: is it another table?")
        if not isinstance(after, str) and settled < after:  # type: ignore[operator] # of one type
            raise UnfitKey("its highest key lies before what was read of it: was it replaced or emptied?")
        return settled != after

    def _batch(self, at: Position, page: Page) -> Batch:
        decoded = decode_rows(self._name, page.rows, at.offset, self._layout)
        newest = pc.max(decoded.table["timestamp"]).as_py()
        position = replace(
            at,
            offset=at.offset + page.rows.num_rows,
            cursor=cursor.to_text(page.last),
            newest=max((instant for instant in (newest, at.newest) if instant is not None), default=None),
        )
        return Batch(KEY, self._name, decoded.table, position, decoded.rejected, decoded.mismatched)
