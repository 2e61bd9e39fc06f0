"""Every source there is, offered the same rows: one class each, and one entry of ``OFFERED``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from monitor.instant import from_text
from monitor.record import Column, Kind, Layout, Role
from monitor.sources.files import FilesSettings
from monitor.sources.http import HttpSettings
from monitor.sources.kafka.settings import KafkaSettings
from monitor.sources.lake.settings import DeltaSettings, IcebergSettings
from monitor.sources.objects.settings import ObjectStoreSettings
from monitor.sources.opening import SourceSettings, Where, open_source
from monitor.sources.source import Source
from monitor.sources.spool.frames import Content, written
from monitor.sources.spool.writer import Spool
from monitor.sources.sql.settings import SqlSettings
from tests.sources.brokers import Brokers
from tests.sources.lakes import Delta, Iceberg, arrow

LAYOUT = Layout("timestamp", (Column("x", "inputs.x", Role.FEATURE, Kind.NUMERIC),), id="request_id")
Json: TypeAlias = dict[str, Any]


class Offered(Protocol):
    """A place at which rows are put, and from which a source reads them a few at a time."""

    type: str
    """How a config names it."""
    refusal: str
    """Why a row is refused that lacks what every record of this source needs: its event time, unless said otherwise."""

    def __init__(self, folder: Path) -> None:
        """Begin with no rows."""

    def put(self, rows: list[Json]) -> None:
        """Add rows behind those that are there."""

    def open(self) -> Source:
        """Open the source, as a daemon does that starts."""

    def close(self) -> None:
        """End what was started."""


class _Folder:
    """What most have in common: a folder, and nothing that was started."""

    block_bytes = 300
    refusal = "timestamp_missing"

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

    type = "files"

    def settings(self) -> FilesSettings:
        """Return what a config would say."""
        return FilesSettings.model_validate({"path": "log-*.jsonl", "rotate_wait": "0s", "max_line": 300})

    def put(self, rows: list[Json]) -> None:
        """Add rows, half of them to each log."""
        for number in (0, 1):
            with (self.folder / f"log-{number}.jsonl").open("a") as log:
                log.writelines(f"{json.dumps(row)}\n" for row in rows[number::2])


class Objects(_Folder):
    """A folder of objects, two more with each put, in folders of their own."""

    type = "object_store"

    def settings(self) -> ObjectStoreSettings:
        """Return what a config would say."""
        given = {"type": "object_store", "path": "bucket/", "every": "0s", "max_line": 300}
        return ObjectStoreSettings.model_validate(given)

    def put(self, rows: list[Json]) -> None:
        """Put rows, half of them in each object."""
        for number in (0, 1):
            folder = self.folder / "bucket" / f"writer={number}"
            folder.mkdir(parents=True, exist_ok=True)
            lines = "".join(f"{json.dumps(row)}\n" for row in rows[number::2])
            (folder / f"{len(list(folder.iterdir()))}.jsonl").write_text(lines)


class Http(_Folder):
    """A spool, of which a read takes one request; each request has two rows."""

    type = "http"
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

    type = "sql"

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

    type = "kafka"
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


class KafkaOfEvents(Kafka):
    """A topic of requests of two partitions, and one of responses, of which each comes later and elsewhere."""

    refusal = "event_invalid"
    block_bytes = 2500

    def __init__(self, folder: Path) -> None:
        _Folder.__init__(self, folder)
        self._cluster = Brokers(logged=2, answered=2)

    def settings(self) -> KafkaSettings:
        """Return what a config would say."""
        return KafkaSettings(type="kafka", servers=self._cluster.servers, topic="logged", responses="answered")

    def put(self, rows: list[Json]) -> None:
        """Write the two halves of each row: of one without an event time, without a key."""
        for place, row in enumerate(rows):
            at = from_text(row["timestamp"]) // 1000 if "timestamp" in row else 0
            key = row["request_id"].encode() if at else None
            halves = (
                ("logged", place % 2, at, {"instances": [row["inputs"]]}),
                ("answered", 0, at + 2500, {"predictions": [1]}),
            )
            for topic, partition, written_at, body in halves[: 2 if at else 1]:
                self._cluster.put(topic, [body], partition, key=key, timestamp=written_at, flush=False)
        self._cluster.flush()


_PARTS = 4


class DeltaTables(_Folder):
    """A Delta table of several partitions: each put is one commit of a file for each."""

    type = "delta"

    def settings(self) -> DeltaSettings:
        """Return what a config would say."""
        return DeltaSettings.model_validate({"type": "delta", "path": "table/", "every": "0s"})

    def put(self, rows: list[Json]) -> None:
        """Append rows."""
        parts = [number % _PARTS for number in range(len(rows))]
        Delta(self.folder / "table").append(arrow(rows, part=parts), partition_by=["part"])


class IcebergTables(_Folder):
    """An Iceberg table of several partitions: each put is one snapshot with a file for each."""

    type = "iceberg"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._table = Iceberg(folder)

    def settings(self) -> IcebergSettings:
        """Return what a config would say."""
        return IcebergSettings.model_validate({"type": "iceberg", "path": "ml/logged", "every": "0s"})

    def put(self, rows: list[Json]) -> None:
        """Append rows."""
        self._table.append(arrow(rows, part=[number % _PARTS for number in range(len(rows))]), "part")


OFFERED: Mapping[str, type[Offered]] = {
    "files": Files,
    "http": Http,
    "object_store": Objects,
    "delta": DeltaTables,
    "iceberg": IcebergTables,
    "sql": Sql,
    "kafka": Kafka,
    "kafka-events": KafkaOfEvents,
}
