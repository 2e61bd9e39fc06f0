from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from monitor.errors import FatalError
from monitor.store import schema
from monitor.store.database import StateSettings, open_state
from monitor.store.directory import create_private
from monitor.store.file import bring_up, make_engine, read_version
from monitor.store.migrate import config, upgrade

_SQL = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"


def _migrated(path: Path) -> None:
    os.close(create_private(path))
    engine = make_engine(path, read_only=False, vacuum=True)
    with engine.begin() as connection:
        upgrade(connection)
    engine.dispose()


def _tables(path: Path) -> list[tuple[str, ...]]:
    connection = sqlite3.connect(path)
    rows = [tuple(" ".join(str(part).split()) for part in row) for row in connection.execute(_SQL)]
    connection.close()
    return rows


def test_migrations_make_the_very_schema_of_a_new_state(tmp_path: Path) -> None:
    """The SQL of every table and index is the same whether migrated from nothing or begun anew."""
    state = open_state(StateSettings(), tmp_path)
    state.close()
    _migrated(tmp_path / "migrated.db")
    assert _tables(tmp_path / "migrated.db") == _tables(state.path)


def test_alembic_finds_nothing_to_change(tmp_path: Path) -> None:
    """Alembic's own comparison of the tables with a migrated database is empty."""
    path = tmp_path / "migrated.db"
    _migrated(path)
    engine = make_engine(path, read_only=True)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), schema.metadata)
    engine.dispose()
    assert found == []


def test_the_head_is_that_of_the_last_migration() -> None:
    """The version that a new state is stamped with is the newest there is a migration to."""
    assert ScriptDirectory.from_config(config()).get_heads() == [schema.HEAD]


def test_an_older_state_is_brought_up(tmp_path: Path) -> None:
    """A file with an older schema has this version's after it was brought up."""
    path = tmp_path / "older.db"
    os.close(create_private(path))
    bring_up(path, "0000", migrate=True)
    assert read_version(path, thorough=True) == schema.HEAD


def test_a_reader_does_not_migrate(tmp_path: Path) -> None:
    """An older state that is only to be read is told of, and left as it is."""
    path = tmp_path / "older.db"
    os.close(create_private(path))
    with pytest.raises(FatalError) as caught:
        bring_up(path, "0000", migrate=False)
    assert (caught.value.code, path.stat().st_size) == ("E311", 0)
