"""One table, read page by page in read-only transactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    MetaData,
    Table,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, NoSuchTableError

from monitor.sources.sql.columns import table_of
from monitor.sources.sql.cursor import Key, key_of
from monitor.sources.sql.settings import SqlSettings

_TIMEOUT_SECONDS = 30


class Unfit(Exception):
    """Why a table cannot be read as the config asks."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the order of their key; ``last`` is the highest."""

    rows: pa.Table
    last: Key


class Pages:
    """Reads a table.

    Parameters
    ----------
    wanted: names of columns that may be read, of which those that the table has are; ``None`` reads all.
    """

    def __init__(self, settings: SqlSettings, root: Path, wanted: Sequence[str] | None) -> None:
        self._settings, self._root, self._wanted = settings, root, wanted
        self._engine: Engine | None = None
        self._table: Table | None = None

    def close(self) -> None:
        """Give the connections back, and look at the table anew before it is read again."""
        if self._engine is not None:
            self._engine.dispose()
        self._engine, self._table = None, None

    def highest(self) -> Key | None:
        """Return the highest key there is; ``None`` of a table without rows.

        Raises
        ------
        Unfit: the table, its key or the driver of the database is not there.
        SQLAlchemyError: the database cannot be asked.
        """
        with self._reading() as connection:
            return key_of(connection.scalar(select(func.max(self._key(connection)))))

    def page(self, after: Key | None, until: Key) -> Page | None:
        """Return the rows whose keys come next, those of one key together; ``None`` if there are none up to ``until``.

        Raises
        ------
        Unfit, SQLAlchemyError: as :meth:`highest`.
        """
        with self._reading() as connection:
            key = self._key(connection)
            columns = self._columns(connection)
            asked = select(key, *columns).where(key.is_not(None), key <= until).order_by(key)
            asked = asked if after is None else asked.where(key > after)
            rows = list(connection.execute(asked.limit(self._settings.rows + 1)).all())
            if not rows:
                return None
            if len(rows) > self._settings.rows:
                rows = _whole_keys(rows) or list(connection.execute(asked.where(key == rows[0][0])).all())
        last = key_of(rows[-1][0])
        if last is None:
            return None
        return Page(table_of([column.name for column in columns], [row[1:] for row in rows]), last)

    def advice(self) -> list[tuple[str, str]]:
        """Return what is slow or left out as the table stands, and what to do.

        Raises
        ------
        Unfit, SQLAlchemyError: as :meth:`highest`.
        """
        with self._reading() as connection:
            table, key = self._reflected(connection), self._key(connection)
        found = []
        leading = [next(iter(index.columns), None) for index in table.indexes] + list(table.primary_key.columns)[:1]
        if key.name not in [column.name for column in leading if column is not None]:
            found.append(("has no index, so that each look reads the whole table", "make one on it"))
        if key.nullable and not key.primary_key:
            found.append(("may be empty, and a row without it is never read", "declare it NOT NULL"))
        return found

    def _reading(self) -> Connection:
        if self._engine is None:
            self._engine = _engine(self._settings, self._root)
        return self._engine.connect()

    def _key(self, connection: Connection) -> Column[Any]:
        columns = self._reflected(connection).columns
        if self._settings.key not in columns:
            raise Unfit(f"has no column {self._settings.key}, which is to be its key")
        return columns[self._settings.key]

    def _columns(self, connection: Connection) -> list[Column[Any]]:
        columns = list(self._reflected(connection).columns)
        chosen = [column for column in columns if self._wanted is None or column.name in self._wanted]
        return chosen or [self._key(connection)]

    def _reflected(self, connection: Connection) -> Table:
        if self._table is None:
            schema, name = self._settings.names
            try:
                self._table = Table(name, MetaData(), schema=schema, autoload_with=connection, resolve_fks=False)
            except NoSuchTableError:
                known = inspect(connection).get_view_names(schema)
                raise Unfit("is not there" if name not in known else "cannot be looked at") from None
        return self._table


def _whole_keys(rows: Sequence[Any]) -> list[Any]:
    """Return the rows before those of the last key, of which there may be more; none if all have that key."""
    last = rows[-1][0]
    end = next((place for place in range(len(rows) - 1, 0, -1) if rows[place - 1][0] != last), 0)
    return list(rows[:end])


def _engine(settings: SqlSettings, root: Path) -> Engine:
    try:
        url = _never_made(make_url(settings.url.get_secret_value()), root)
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
    except ModuleNotFoundError as error:
        raise Unfit(f"needs the Python package {error.name}, which is not installed") from None
    except ArgumentError as error:
        raise Unfit(f"its address names no database that is known ({type(error).__name__})") from None
    event.listen(engine, "begin", _read_only)
    return engine


def _never_made(url: URL, root: Path) -> URL:
    """Return an address at which a file of SQLite that is missing is not made, and none is written."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith("file:"):
        return url
    path = quote(str(root / url.database))
    return url.set(database=f"file:{path}", query={**url.query, "mode": "ro", "uri": "true"})


def _read_only(connection: Connection) -> None:
    """Let a transaction read, and no longer than is reasonable."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{_TIMEOUT_SECONDS}s'")
    elif connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
