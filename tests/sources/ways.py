"""The ways in which the same inferences reach Driftline; each is one function, and one entry of ``WAYS``."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from monitor.instant import from_text, to_text
from monitor.record import Layout
from monitor.sources.files import FilesSettings
from monitor.sources.formats.event import binary, to_line
from monitor.sources.http import HttpSettings, HttpTargetsSettings
from monitor.sources.kafka.settings import KafkaSettings
from monitor.sources.lake.settings import DeltaSettings, IcebergSettings
from monitor.sources.objects.settings import ObjectStoreSettings
from monitor.sources.spool.frames import Content, written
from monitor.sources.spool.writer import Spool
from monitor.sources.sql.settings import SqlSettings
from monitor.web.lines import check, lines_of
from tests.sources.brokers import brokers
from tests.sources.lakes import Delta, Iceberg
from tests.worlds import Json, write_log

Logged: TypeAlias = tuple[list[Json], list[Json]]
"""Records and targets, each in the order in which they were logged."""
Way: TypeAlias = Callable[[Path, Logged], AbstractContextManager[Json]]
"""Lays what was logged into a folder, and lends what the plan of a model is to say to read it from there."""
PARTITIONS = 2
_IN_ONE_REQUEST = 200


def _file(name: str) -> FilesSettings:
    return FilesSettings.model_validate({"path": name, "rotate_wait": "0s"})


@contextmanager
def by_json_lines(folder: Path, logged: Logged) -> Iterator[Json]:
    """One log of JSON lines."""
    for name, rows in zip(("records", "targets"), logged, strict=True):
        write_log(folder / f"{name}.jsonl", rows)
    yield {"records": (_file("records.jsonl"),), "targets": _file("targets.jsonl")}


@contextmanager
def by_parquet(folder: Path, logged: Logged) -> Iterator[Json]:
    """Parquet of flat columns, the records in three files."""
    records, targets = logged
    third = -(-len(records) // 3)
    for place in range(3):
        pq.write_table(_flat(records[place * third : (place + 1) * third]), folder / f"records-{place}.parquet")
    pq.write_table(_flat(targets), folder / "targets.parquet")
    yield {"records": (_file("records-*.parquet"),), "targets": _file("targets.parquet")}


@contextmanager
def by_objects(folder: Path, logged: Logged) -> Iterator[Json]:
    """Objects of two writers side by side, Parquet below a folder for each day; the targets packed, an object a day."""
    for name, rows in zip(("records", "targets"), logged, strict=True):
        for day in sorted({row["timestamp"][:10] for row in rows}):
            own = [row for row in rows if row["timestamp"].startswith(day)]
            place = folder / name / f"day={day}"
            place.mkdir(parents=True)
            if name == "targets":
                (place / "x.jsonl.gz").write_bytes(
                    gzip.compress("".join(f"{json.dumps(row)}\n" for row in own).encode())
                )
            else:
                for writer in (0, 1):
                    pq.write_table(_flat(own[writer::2]), place / f"{writer}.parquet")
    given = [{"type": "object_store", "path": f"{name}/", "every": "0s"} for name in ("records", "targets")]
    records, targets = map(ObjectStoreSettings.model_validate, given)
    yield {"records": (records,), "targets": targets}


def _flat(rows: list[Json]) -> pa.Table:
    flat = [{**{f"inputs.{name}": value for name, value in row.get("inputs", {}).items()}, **row} for row in rows]
    names = [name for name in flat[0] if name != "inputs"]
    columns: dict[str, Any] = {name: [row[name] for row in flat] for name in names}
    times = pa.array([from_text(text) for text in columns["timestamp"]], pa.int64())
    return pa.table(columns | {"timestamp": times.cast(pa.timestamp("us", "UTC"))})


@contextmanager
def by_delta(folder: Path, logged: Logged) -> Iterator[Json]:
    """Delta tables, the records in three commits and compacted, which is to change nothing."""
    records, targets = logged
    third = -(-len(records) // 3)
    for place in range(3):
        Delta(folder / "records").append(_flat(records[place * third : (place + 1) * third]))
    Delta(folder / "targets").append(_flat(targets))
    Delta(folder / "records").open().optimize.compact()
    given = [{"type": "delta", "path": name, "every": "0s"} for name in ("records", "targets")]
    both = map(DeltaSettings.model_validate, given)
    yield {"records": (next(both),), "targets": next(both)}


@contextmanager
def by_iceberg(folder: Path, logged: Logged) -> Iterator[Json]:
    """Iceberg tables, the records in two snapshots, in files by day."""
    records, targets = logged
    tables = {"records": Iceberg(folder / "of_records"), "targets": Iceberg(folder / "of_targets")}
    half = len(records) // 2
    for rows in (records[:half], records[half:]):
        days = pa.array([row["timestamp"][:10] for row in rows])
        tables["records"].append(_flat(rows).append_column("day", days), "day")
    tables["targets"].append(_flat(targets))
    given = [{"type": "iceberg", "path": str(table.folder), "every": "0s"} for table in tables.values()]
    both = map(IcebergSettings.model_validate, given)
    yield {"records": (next(both),), "targets": next(both)}


@contextmanager
def by_sql(folder: Path, logged: Logged) -> Iterator[Json]:
    """Tables of flat columns, read in pages."""
    for name, rows in zip(("records", "targets"), logged, strict=True):
        flat = [{**row.get("inputs", {}), **{key: row[key] for key in row if key != "inputs"}} for row in rows]
        with closing(sqlite3.connect(folder / "log.db")) as database, database:
            database.execute(f"CREATE TABLE {name} (serial INTEGER PRIMARY KEY, {', '.join(flat[0])})")
            values = ", ".join(f":{key}" for key in flat[0])
            database.executemany(f"INSERT INTO {name} VALUES (NULL, {values})", flat)  # noqa: S608 names of our own
    common = {"type": "sql", "url": "sqlite:///log.db", "key": "serial", "settle": "0s", "rows": 700}
    both = (SqlSettings.model_validate(common | {"table": name}) for name in ("records", "targets"))
    yield {"records": (next(both),), "targets": next(both)}


@contextmanager
def by_kafka(_folder: Path, logged: Logged) -> Iterator[Json]:
    """Topics, the records in several partitions."""
    records, targets = logged
    with brokers(records=PARTITIONS, targets=1) as cluster:
        for number in range(PARTITIONS):
            cluster.put("records", records[number::PARTITIONS], number)
        cluster.put("targets", targets)
        both = (KafkaSettings(type="kafka", servers=cluster.servers, topic=name) for name in ("records", "targets"))
        yield {"records": (next(both),), "targets": next(both)}


@contextmanager
def by_http(folder: Path, logged: Logged) -> Iterator[Json]:
    """Requests with some records each, as an array."""
    for name, rows in zip(("records", "targets"), logged, strict=True):
        frames = [_request(rows[at : at + _IN_ONE_REQUEST]) for at in range(0, len(rows), _IN_ONE_REQUEST)]
        _spool(folder / "spool" / name, frames)
    yield {"records": (HttpSettings(type="http"),), "targets": HttpTargetsSettings(type="http"), "spool": _of(folder)}


@contextmanager
def by_kserve(folder: Path, logged: Logged) -> Iterator[Json]:
    """A request and a response a record, as KServe's logger sends them; targets by files, of which it knows none."""
    records, targets = logged
    frames = [
        written(Content.EVENTS, at, to_line(binary(headers, body)), {})
        for at, (headers, body) in enumerate(half for record in records for half in kserve_halves(record))
    ]
    _spool(folder / "spool" / "records", frames)
    write_log(folder / "targets.jsonl", targets)
    yield {"records": (HttpSettings(type="http"),), "targets": _file("targets.jsonl"), "spool": _of(folder)}


def kserve_halves(record: Json) -> list[tuple[dict[str, str], bytes]]:
    """Return the request and the response of a record: headers in small letters, and bodies."""
    asked_at = from_text(record["timestamp"])
    tensors = [
        {"name": name, "shape": [1], "datatype": kind, "data": [record[name]]}
        for name, kind in (("prediction", "INT64"), ("score", "FP64"))
    ]
    bodies = {
        "request": (asked_at, {"instances": [record["inputs"]]}),
        "response": (
            asked_at + round(record["latency_ms"] * 1000),
            {"model_name": "shop", "model_version": record["model_version"], "outputs": tensors},
        ),
    }
    common = {"ce-specversion": "1.0", "ce-source": "shop-predictor-7d9", "ce-id": record["request_id"]}
    common |= {"ce-inferenceservicename": "shop", "ce-component": "predictor", "content-type": "application/json"}
    return [
        (
            common | {"ce-type": f"org.kubeflow.serving.inference.{part}", "ce-time": to_text(at)},
            json.dumps(body).encode(),
        )
        for part, (at, body) in bodies.items()
    ]


@contextmanager
def by_kserve_in_kafka(folder: Path, logged: Logged) -> Iterator[Json]:
    """The same events in a topic, by the Kafka binding of CloudEvents, a request and its response apart."""
    records, targets = logged
    with brokers(events=PARTITIONS) as cluster:
        for record in records:
            for place, (headers, body) in enumerate(kserve_halves(record)):
                told = [(name.replace("ce-", "ce_"), value.encode()) for name, value in headers.items()]
                written = from_text(headers["ce-time"]) // 1000
                cluster.put("events", [body], place, headers=told, timestamp=written, flush=False)
        cluster.flush()
        write_log(folder / "targets.jsonl", targets)
        given = {"type": "kafka", "servers": cluster.servers, "topic": "events", "events": {"service": "shop"}}
        yield {"records": (KafkaSettings.model_validate(given),), "targets": _file("targets.jsonl")}


@contextmanager
def by_seldon(folder: Path, logged: Logged) -> Iterator[Json]:
    """Topics of requests and of responses, as Seldon Core 2 writes them: paired by key, timed by message."""
    records, targets = logged
    with brokers(inputs=PARTITIONS, outputs=1) as cluster:
        for number, record in enumerate(records):
            asked_at = from_text(record["timestamp"]) // 1000
            asked = {"inputs": [_tensor(name, value) for name, value in record["inputs"].items()]}
            told = {"model_version": record["model_version"]}
            told |= {"outputs": [_tensor(name, record[name]) for name in ("prediction", "score")]}
            common = {"key": record["request_id"].encode(), "flush": False}
            cluster.put("inputs", [asked], number % PARTITIONS, timestamp=asked_at, **common)
            cluster.put("outputs", [told], timestamp=asked_at + int(record["latency_ms"]), **common)
        cluster.flush()
        write_log(folder / "targets.jsonl", targets)
        settings = KafkaSettings(type="kafka", servers=cluster.servers, topic="inputs", responses="outputs")
        yield {"records": (settings,), "targets": _file("targets.jsonl")}


_DATATYPES = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES", type(None): "FP64"}


def _tensor(name: str, value: Any) -> Json:
    return {"name": name, "shape": [1, 1], "datatype": _DATATYPES[type(value)], "data": [value]}


def _request(rows: list[Json]) -> bytes:
    checked = check(lines_of(json.dumps(rows).encode()), Layout("timestamp", (), needs_timestamp=False), len(rows))
    return written(Content.RECORDS, 0, checked.lines, checked.reasons)


def _spool(folder: Path, frames: list[bytes]) -> None:
    spool = Spool(folder, 2**30, lambda: 0)
    spool.write(b"".join(frames))
    spool.close()


def _of(folder: Path) -> Path:
    return folder / "spool"


WAYS: Mapping[str, Way] = {
    "jsonl": by_json_lines,
    "parquet": by_parquet,
    "objects": by_objects,
    "delta": by_delta,
    "iceberg": by_iceberg,
    "sql": by_sql,
    "kafka": by_kafka,
    "http": by_http,
    "kserve": by_kserve,
    "kserve-in-kafka": by_kserve_in_kafka,
    "seldon": by_seldon,
}
