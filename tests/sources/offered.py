"""Every source there is, offered the same rows: one class each, and one entry of ``OFFERED``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from monitor.record import Column, Kind, Layout, Role
from monitor.sources.files import FilesSettings
from monitor.sources.http import HttpSettings
from monitor.sources.kafka.settings import KafkaSettings
from monitor.sources.opening import SourceSettings, Where, open_source
from monitor.sources.source import Source
from monitor.sources.spool.frames import Content, written
from monitor.sources.spool.writer import Spool
from monitor.sources.sql.settings import SqlSettings
from tests.sources.brokers import Brokers

LAYOUT = Layout("timestamp", (Column("x", "inputs.x", Role.FEATURE, Kind.NUMERIC),), id="request_id")
Json: TypeAlias = dict[str, Any]


class Offered(Protocol):
    """A place at which rows are put, and from which a source reads them a few at a time."""

    def put(self, rows: list[Json]) -> None:
        """Add rows behind those that are there."""

    def open(self) -> Source:
        """Open the source, as a daemon does that starts."""

    def close(self) -> None:
        """End what was started."""


class _Folder:
    """What most have in common: a folder, and nothing that was started."""

    block_bytes = 300

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def settings(self) -> SourceSettings:
        """Return what a config would say."""
        raise NotImplementedError

    def open(self) -> Source:
        """Open the source."""
        where = Where(self.folder, self.folder / "spool", block_bytes=self.block_bytes)
        return open_source(self.settings(), LAYOUT, where)

    def close(self) -> None:
        """Do nothing."""


class Files(_Folder):
    """Two logs, one after the other."""

    def settings(self) -> FilesSettings:
        """Return what a config would say."""
        return FilesSettings.model_validate({"path": "log-*.jsonl", "rotate_wait": "0s", "max_line": 300})

    def put(self, rows: list[Json]) -> None:
        """Add rows, half of them to each log."""
        for number in (0, 1):
            with (self.folder / f"log-{number}.jsonl").open("a") as log:
                log.writelines(f"{json.dumps(row)}\n" for row in rows[number::2])


class Http(_Folder):
    """A spool, of which a read takes one request; each request has two rows."""

    block_bytes = 1

    def settings(self) -> HttpSettings:
        """Return what a config would say."""
        return HttpSettings(type="http")

    def put(self, rows: list[Json]) -> None:
        """Send rows."""
        for at in range(0, len(rows), 2):
            lines = "".join(f"{json.dumps(row)}\n" for row in rows[at : at + 2])
            spool = Spool(self.folder / "spool", 2**30, lambda: 0)
            spool.write(written(Content.RECORDS, 0, lines.encode(), {}))
            spool.close()


class Sql(_Folder):
    """A table, read three rows at a time."""

    def settings(self) -> SqlSettings:
        """Return what a config would say."""
        given = {"url": "sqlite:///log.db", "table": "logged", "key": "serial", "settle": "0s", "rows": 3}
        return SqlSettings.model_validate({"type": "sql"} | given)

    def put(self, rows: list[Json]) -> None:
        """Insert rows."""
        with closing(sqlite3.connect(self.folder / "log.db")) as database, database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS logged (serial INTEGER PRIMARY KEY, timestamp, request_id, x REAL)"
            )
            flat = [(row.get("timestamp"), row["request_id"], row["inputs"]["x"]) for row in rows]
            database.executemany("INSERT INTO logged VALUES (NULL, ?, ?, ?)", flat)


class Kafka(_Folder):
    """A topic of two partitions."""

    block_bytes = 1000

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._cluster = Brokers(logged=2)

    def settings(self) -> KafkaSettings:
        """Return what a config would say."""
        return KafkaSettings(type="kafka", servers=self._cluster.servers, topic="logged")

    def put(self, rows: list[Json]) -> None:
        """Write rows, half of them to each partition."""
        for number in (0, 1):
            self._cluster.put("logged", rows[number::2], number)

    def close(self) -> None:
        """End the brokers."""
        self._cluster.close()


OFFERED: Mapping[str, Callable[[Path], Offered]] = {"files": Files, "http": Http, "sql": Sql, "kafka": Kafka}
"""By the ``type`` that a config names them by."""
