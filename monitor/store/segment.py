"""Row segments: the kept rows of a pane, or its answers, in immutable Parquet files that the database names.

A file is on the disk before its name is: a crash leaves at most a file without a name, which the next start removes.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Column, Connection, Table, bindparam, select

from monitor.errors import StoreBusy
from monitor.instant import Instant
from monitor.store import schema
from monitor.store.database import State
from monitor.store.directory import create_private, sync_directory
from monitor.store.rows import between, concat, plain

ROWS, OUTCOMES = "rows", "outcomes"
"""Kinds of segments, each in a folder of its own: rows to retrain with, and answers that wait for their targets."""
_TABLES = {ROWS: schema.segment, OUTCOMES: schema.outcome}
_NAME_BYTES = 12
_PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of rows: ``name`` is its path under ``kind``; its rows are of [first_at, last_at], both included."""

    name: str
    model: str
    version: str
    pane_at: Instant
    first_at: Instant
    last_at: Instant
    rows: int
    bytes: int
    kind: str = ROWS

    def path(self, directory: Path) -> Path:
        """Return where the file lies in a state's directory."""
        return directory / self.kind / self.name


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows read back, or ``None`` if there are none, and the names of segments that could not be read."""

    table: pa.Table | None
    unreadable: tuple[str, ...]


def write_segment(
    directory: Path, model: str, version: str, pane_at: Instant, table: pa.Table, kind: str = ROWS
) -> Segment:
    """Write rows to a new file, synced, and return what ``add_segment`` names within the Ingest transaction.

    Parameters
    ----------
    directory: the state's.
    table: one row or more, with an int64 column ``timestamp`` without nulls.

    Raises
    ------
    StoreBusy: it could not be written; nothing is left of it.
    """
    name = f"{quote(model, safe='').replace('.', '%2E')}/{secrets.token_hex(_NAME_BYTES)}.parquet"
    path = directory / kind / name
    sink = pa.BufferOutputStream()
    pq.write_table(plain(table), sink, compression="zstd")
    content = sink.getvalue()
    try:
        _make_folder(path.parent)
        _write(path, content)
    except OSError as error:
        with suppress(OSError):  # what cannot be removed either is found without a name at the next start
            path.unlink()
        raise StoreBusy(f"rows of {model} cannot be kept now: {error.strerror}", "check the disk") from error
    bounds = pc.min_max(table["timestamp"])
    first_at, last_at = bounds["min"].as_py(), bounds["max"].as_py()
    return Segment(name, model, version, pane_at, first_at, last_at, table.num_rows, content.size, kind)


def add_segment(connection: Connection, added: Segment) -> None:
    """Name a segment: from the commit on, its rows are kept."""
    values = asdict(added)
    connection.execute(_TABLES[values.pop("kind")].insert().values(**values))


def segments(
    connection: Connection, model: str, start: Instant, end: Instant, version: str | None = None, kind: str = ROWS
) -> list[Segment]:
    """Return the segments that may hold rows of [start, end), by pane and version, then as they were named."""
    segment = _TABLES[kind]
    statement = select(*_columns(segment)).where(
        segment.c.model == model, segment.c.first_at < end, segment.c.last_at >= start
    )
    if version is not None:
        statement = statement.where(segment.c.version == version)
    rows = connection.execute(statement.order_by(segment.c.pane_at, segment.c.version, segment.c.seq))
    return [replace(Segment(*row), kind=kind) for row in rows]


def segments_before(connection: Connection, model: str, before: Instant, kind: str = ROWS) -> list[Segment]:
    """Return the segments whose last row is of before an instant."""
    segment = _TABLES[kind]
    statement = select(*_columns(segment)).where(segment.c.model == model, segment.c.last_at < before)
    return [replace(Segment(*row), kind=kind) for row in connection.execute(statement)]


def _columns(segment: Table) -> list[Column[Any]]:
    return [column for column in segment.c if column.name != "seq"]


def read_segment(directory: Path, named: Segment, columns: Collection[str] | None = None) -> pa.Table | None:
    """Return the rows of a segment (only those of its columns that are named), or ``None`` if it cannot be read."""
    try:
        # Read whole, not mapped: a failing disk is then an error, and not a signal.
        file = pq.ParquetFile(pa.BufferReader(named.path(directory).read_bytes()))
        wanted = [name for name in file.schema_arrow.names if columns is None or name in columns]
        return file.read(columns=wanted)
    except (OSError, pa.ArrowException):
        return None


def segment_schema(directory: Path, named: Segment) -> pa.Schema | None:
    """Return the columns of a segment, or ``None`` if it cannot be read."""
    try:
        return pq.read_schema(named.path(directory))
    except (OSError, pa.ArrowException):
        return None


def load_rows(
    directory: Path,
    named: Iterable[Segment],
    start: Instant,
    end: Instant,
    columns: Collection[str] | None = None,
) -> Rows:
    """Return the rows of [start, end) in segments, by instant, with ``timestamp`` and the columns named (or all).

    A segment that was removed meanwhile or is damaged is told of in the answer: the others are read.
    """
    wanted = None if columns is None else {"timestamp", *columns}
    read = [(each.name, read_segment(directory, each, wanted)) for each in named]
    tables = [between(table, start, end) for _, table in read if table is not None]
    unreadable = tuple(name for name, table in read if table is None)
    return Rows(concat(tables).sort_by("timestamp") if tables else None, unreadable)


def rewrite_segments(state: State, old: Sequence[Segment], keep: Callable[[pa.Table], pa.Table]) -> Segment | None:
    """Put one segment in the place of several of one model and version, with the rows that ``keep`` keeps of theirs.

    Returns the new one, or ``None`` if no row was kept. Those that cannot be read stay as they are. A crash leaves
    either the old or the new.

    Raises
    ------
    StoreBusy: nothing was changed.
    """
    read = [(each, read_segment(state.directory, each)) for each in old]
    gone = [each for each, table in read if table is not None]
    if not gone:
        return None
    kept = keep(concat([table for _, table in read if table is not None]))
    first = min(gone, key=lambda each: each.pane_at)
    new = None
    if kept.num_rows:
        new = write_segment(state.directory, first.model, first.version, first.pane_at, kept, first.kind)
    try:
        with state.write() as connection:
            drop_segments(connection, gone)
            if new is not None:
                add_segment(connection, new)
    except BaseException:
        if new is not None:
            remove_files(state.directory, [new])
        raise
    remove_files(state.directory, gone)
    return new


def drop_segments(connection: Connection, dropped: Iterable[Segment]) -> None:
    """Take segments' names away; after the commit, ``remove_files`` takes the files."""
    gone = list(dropped)
    for kind, table in _TABLES.items():
        names = [{"dropped": each.name} for each in gone if each.kind == kind]
        if names:
            connection.execute(table.delete().where(table.c.name == bindparam("dropped")), names)


def remove_files(directory: Path, dropped: Iterable[Segment]) -> None:
    """Remove the files of segments that have no name: the transaction failed, or took it away."""
    for each in dropped:
        each.path(directory).unlink(missing_ok=True)


def remove_unnamed(state: State) -> int:
    """Remove the files that a crash left without a name; only at the start, before any is written. Return how many."""
    unnamed: list[Path] = []
    for kind, table in _TABLES.items():
        with state.read() as connection:
            named = set(connection.scalars(select(table.c.name)))
        files = state.directory / kind
        unnamed += [path for path in files.glob("*/*") if path.relative_to(files).as_posix() not in named]
    for path in unnamed:
        path.unlink(missing_ok=True)
    return len(unnamed)


def _make_folder(folder: Path) -> None:
    for each in (folder.parent, folder):
        if not each.is_dir():
            each.mkdir(mode=_PRIVATE, exist_ok=True)
            sync_directory(each.parent)


def _write(path: Path, content: pa.Buffer) -> None:
    with os.fdopen(create_private(path, os.O_EXCL), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    sync_directory(path.parent)
