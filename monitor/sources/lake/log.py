"""What the logs of tables have in common: where a reader stands, and which files that means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from monitor.instant import Instant, from_text
from monitor.record import Reason
from monitor.sources.objects.store import Entry, Store

_NEVER: Instant = -(2**63)
_MOST_LOG_BYTES = 256 * 2**20


class Gap(Exception):
    """The log does not go on from where it was read: what comes next was cleaned away, or the table is another one.

    Parameters
    ----------
    reason: what that is counted as. why: what it is, for people.
    """

    def __init__(self, reason: Reason, why: str) -> None:
        super().__init__(why)
        self.reason, self.why = reason, why


class Unfit(Exception):
    """Why a table cannot be read as it stands; the text is for people and holds no value."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a table's log.

    Attributes
    ----------
    table: the id that the table was given when it was made. version: a commit's number, or a snapshot's id.
    whole: all that stood in the table then is meant, not what was added then.
    print: of a log whose places may be those of another table, a hash of what the commit says.
    """

    table: str
    version: int
    whole: bool = False
    print: str = ""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of rows.

    Attributes
    ----------
    entry: where it lies. columns: those of one value in all rows. rows: how many it has; ``None`` if nobody says.
    begin: no row has an earlier event time; ``None`` if nobody says. unfit: why it cannot be read.
    names: what its columns are called, by the ids of their fields.
    """

    entry: Entry
    columns: Mapping[str, str]
    rows: int | None = None
    begin: Instant | None = None
    unfit: str | None = None
    names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What a place of the log means: files to read, in this order; and what it changed that is not read, in words."""

    mark: Mark
    files: Sequence[DataFile] = ()
    changed: str | None = None


class TableLog(Protocol):
    """A table's log. A step is a function of its mark and of the names under which event times are looked for."""

    def first(self) -> Step | None:
        """Return all that stands in the table now; ``None`` if there is no table yet."""
        ...

    def at(self, mark: Mark) -> Step:
        """Return what a place means again.

        Raises
        ------
        Gap: it was cleaned away.
        """
        ...

    def after(self, mark: Mark) -> Step | None:
        """Return what comes next; ``None`` if nothing has come yet.

        Raises
        ------
        Gap: it was cleaned away.
        """
        ...

    def beyond(self, mark: Mark) -> Step | None:
        """Return the first that can still be had behind a gap, or of the table that took the place of another."""
        ...


def in_order(files: Iterable[DataFile]) -> tuple[DataFile, ...]:
    """Sort files by where they begin in event time; those of which nobody says it come first, as written."""
    return tuple(
        sorted(files, key=lambda file: (file.begin is not None, file.begin or 0, file.entry.changed, file.entry.key))
    )


def hold(step: Step, place: int = 0) -> Instant | None:
    """Return the earliest event time that a step's files may hold from one of them on, its own rows too.

    Files that are compacted hold rows in any order, so none of a file's own is late because of another. -2**63 where
    nobody says; ``None`` for a commit of one such file: it is taken to go on where the ones before it ended.
    """
    if place >= len(step.files):
        return None
    begin = step.files[place].begin
    if begin is None:
        return _NEVER if step.mark.whole or len(step.files) > 1 else None
    return begin


def least_time(least: Any, names: Sequence[str]) -> Instant | None:
    """Return the least event time of a file by the least value of each of its columns, nested as the columns are.

    >>> least_time({"meta": {"at": "1970-01-02T00:00:00.000Z"}}, ["timestamp", "meta.at"])
    86400000000
    """
    for name in names:
        found = least
        for step in [name] if isinstance(least, Mapping) and name in least else name.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        if isinstance(found, str):
            try:
                return from_text(found)
            except ValueError:
                return None
    return None


def read_whole(store: Store, key: str) -> bytes:
    """Return what a file of a log says.

    Raises
    ------
    Gone: there is none. Unreachable: it cannot be read now. Unfit: it is larger than any log's is.
    """
    opened = store.open(Entry(key))
    try:
        if opened.length > _MOST_LOG_BYTES:
            raise Unfit(f"{key.rpartition('/')[2]} has {opened.length} bytes, at most {_MOST_LOG_BYTES} are read")
        return opened.read_at(0, opened.length)
    finally:
        opened.close()
