"""The source that reads a table, on a file of SQLite; PostgreSQL itself is in test_sql_postgresql.py."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.instant import to_text
from monitor.record import Column, Kind, Layout, Reason, Role
from monitor.sources.batch import Batch
from monitor.sources.position import Position
from monitor.sources.sql.settings import SqlSettings
from monitor.sources.sql.source import SqlSource
from tests.sources.logs import START

LAYOUT = Layout("timestamp", (Column("x", "inputs.x", Role.FEATURE, Kind.NUMERIC),), id="request_id")
SECOND = 1_000_000


class Database:
    """A file with one table of records."""

    def __init__(self, root: Path, key: str = "serial INTEGER PRIMARY KEY") -> None:
        self.root = root
        self.run(f"CREATE TABLE logged ({key}, timestamp TEXT, request_id TEXT, x)")

    def run(self, text: str, *rows: tuple[Any, ...]) -> None:
        with closing(sqlite3.connect(self.root / "log.db")) as connection, connection:
            if rows:
                connection.executemany(text, rows)
            else:
                connection.execute(text)

    def put(self, *keys: Any) -> None:
        """Add a record for each key; its value is its place in all that was put."""
        rows = [(key, to_text(START + place * SECOND), f"id-{key}", place) for place, key in enumerate(keys)]
        self.run("INSERT INTO logged VALUES (?, ?, ?, ?)", *rows)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Give an empty table."""
    return Database(tmp_path)


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def source(root: Path, clock: Clock | None = None, layout: Layout = LAYOUT, **options: Any) -> SqlSource:
    """Return a source; without a clock of a table at rest."""
    given = {"type": "sql", "url": "sqlite:///log.db", "table": "logged", "key": "serial"} | options
    settings = SqlSettings.model_validate(given)
    return SqlSource(settings, layout, root, at_rest=clock is None, clock=clock or Clock())


def batches(source: SqlSource, positions: dict[str, Position]) -> Iterator[Batch]:
    """Read all that there is, keeping positions as the store does."""
    while (batch := source.read(positions)) is not None:
        positions[batch.file] = Position.from_json(json.loads(json.dumps(batch.position.to_json())))
        yield batch


def values(found: list[Batch] | Iterator[Batch]) -> list[float]:
    """Return the values of the one feature."""
    return [value for batch in found for value in batch.table["inputs.x"].to_pylist()]


def test_rows_come_once_in_the_order_of_their_key(database: Database) -> None:
    """Page by page every row is read once, and a second reading from the end gives none."""
    database.put(5, 3, 9, 1, 7)
    positions: dict[str, Position] = {}
    assert values(batches(source(database.root, rows=2), positions)) == [3, 1, 0, 4, 2]
    database.put(11)
    assert values(batches(source(database.root, rows=2), positions)) == [0]


def test_the_same_position_gives_the_same_rows(database: Database) -> None:
    """What is read depends on the table and the position alone."""
    database.put(*range(10))
    positions: dict[str, Position] = {}
    whole = source(database.root, rows=3)
    while True:
        before = dict(positions)
        first = next(batches(whole, positions), None)
        again = source(database.root, rows=3).read(before)
        if first is None or again is None:
            break
        assert first.table.equals(again.table)
    assert (first, again) == (None, None)


def test_rows_of_one_key_are_never_parted(tmp_path: Path) -> None:
    """However many rows have one key, they come together."""
    database = Database(tmp_path, "serial INTEGER")
    database.put(1, 1, 2, 2, 2, 2, 2, 3)
    assert [batch.table.num_rows for batch in batches(source(tmp_path, rows=2), {})] == [2, 5, 1]


def test_a_row_is_read_once_it_had_time_to_settle(database: Database) -> None:
    """A row that is committed late, under a lower key than one that is there, is read if it comes within ``settle``."""
    clock, positions = Clock(), dict[str, Position]()
    live = source(database.root, clock)
    database.put(1, 3)
    assert values(batches(live, positions)) == []
    clock.now = 9.0
    database.put(2)
    assert values(batches(live, positions)) == []
    clock.now = 10.0
    assert values(batches(live, positions)) == [0, 0, 1]


def test_a_row_without_a_timestamp_is_refused_and_counted(database: Database) -> None:
    """A row that is no record is refused with its reason; the others are read."""
    database.put(1)
    database.run(
        "INSERT INTO logged VALUES (2, NULL, 'a', 1), (3, 'yesterday', 'b', 2), (4, '2013-07-01', 'c', 'much')"
    )
    found = list(batches(source(database.root), {}))
    reasons = [fault.reason for batch in found for fault in batch.rejected]
    assert reasons == [Reason.TIMESTAMP_MISSING, Reason.TIMESTAMP_INVALID]
    assert (values(found), found[0].mismatched) == ([0, None], {"inputs.x": 1})


def test_a_column_of_json_is_looked_into(tmp_path: Path) -> None:
    """Features may stand in a column of JSON objects, as a database hands them out."""
    with closing(sqlite3.connect(tmp_path / "log.db")) as connection, connection:
        connection.execute(
            "CREATE TABLE logged (serial INTEGER PRIMARY KEY, timestamp TEXT, request_id TEXT, inputs JSON)"
        )
        connection.execute(
            """INSERT INTO logged VALUES (1, '2013-07-01', 'a', '{"x": 1.5}'), (2, '2013-07-01', 'b', '{"x": 2}')"""
        )
    assert values(batches(source(tmp_path), {})) == [1.5, 2.0]


def test_text_and_instants_are_keys_too(tmp_path: Path) -> None:
    """A key may be a text; it goes on after a restart where it was."""
    database = Database(tmp_path, "serial TEXT PRIMARY KEY")
    database.put("b", "a")
    positions: dict[str, Position] = {}
    assert values(batches(source(tmp_path), positions)) == [1, 0]
    database.put("c")
    assert values(batches(source(tmp_path), positions)) == [0]


def test_a_table_that_was_emptied_is_told(database: Database) -> None:
    """Where all keys lie before what was read nothing is read, and the problem says so."""
    database.put(1, 2, 3)
    positions: dict[str, Position] = {}
    list(batches(source(database.root), positions))
    database.run("DELETE FROM logged")
    database.put(1)
    late = source(database.root)
    assert late.read(positions) is None
    assert "replaced or emptied" in (late.problem() or "")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"table": "other"}, "other: is not there"),
        ({"key": "other"}, "logged: has no column other"),
        ({"key": "x"}, "logged: the key is float"),
        ({"url": "sqlite:///none.db"}, "logged: cannot be read now (OperationalError)"),
        ({"url": "nothing://here/db"}, "logged: its address names no database that is known"),
        ({"url": "oracle+cx_oracle://u:secret@here/db"}, "logged: needs the Python package cx_Oracle"),
    ],
)
def test_what_cannot_be_read_is_told_without_a_secret(database: Database, options: dict[str, Any], why: str) -> None:
    """The problem names the table and what is wrong, and never the address."""
    database.run("INSERT INTO logged VALUES (1, '2013-07-01', 'a', 0.5)")
    told = source(database.root, **options).problem() or ""
    assert told.startswith(why)
    assert "secret" not in told
    assert not (database.root / "none.db").exists()


def test_advice_is_to_index_the_key(tmp_path: Path) -> None:
    """A key without an index, and one that may be empty, are told; a primary key is neither."""
    Database(tmp_path, "serial INTEGER")
    assert [what.partition(",")[0] for what, _ in source(tmp_path).advice()] == ["has no index", "may be empty"]
    other = tmp_path / "other"
    other.mkdir()
    Database(other)
    assert source(other).advice() == []


def test_nothing_is_written(database: Database) -> None:
    """Reading leaves the file as it was."""
    database.put(1)
    before = (database.root / "log.db").read_bytes()
    list(batches(source(database.root), {}))
    assert (database.root / "log.db").read_bytes() == before


@pytest.mark.parametrize(
    "name", ["logged; DROP TABLE logged", 'a"b', "a.b.c", "", "1a", "a b", "a-b", "x" * 300, "a--", "ä"]
)
def test_hostile_names_are_refused(name: str) -> None:
    """A table or key is named in plain letters, or the config is refused."""
    for field in ("table", "key"):
        with pytest.raises(ValidationError):
            SqlSettings.model_validate({"type": "sql", "url": "sqlite://", "table": "t", "key": "k", field: name})
