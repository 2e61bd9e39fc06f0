"""Where records are, told from how the operator points at them; and in which format, told from the first of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from monitor.errors import ConfigError, Fault, SourceUnavailable
from monitor.record import WHOLE, Layout, Told
from monitor.sources.files import FilesSettings, FilesSource
from monitor.sources.lake.settings import DeltaSettings, IcebergSettings
from monitor.sources.position import Position
from monitor.sources.source import Source

_STORES = frozenset({"s3", "gs", "az", "abfs", "file"})
_BLOCK_BYTES = 2**16
_LINES = 20
_TABLE_IDS = frozenset({"databricks_request_id", "client_request_id", "invocation_id"})

Json = dict[str, Any]


def pointed_at(given: str, option: str) -> Json:
    """Return the source that a pattern or an address is of.

    ``s3://bucket/logs/`` is a bucket, ``kafka://broker:9092/topic`` a topic, ``sqlite:///shop.db#inferences.id`` a
    table with its key behind a dot, and all else are files.

    Raises
    ------
    ConfigError: E112 an address of which no source can be made.
    """
    scheme, has_scheme, rest = given.partition("://")
    if not has_scheme:
        return {"type": "files", "path": given}
    if scheme in _STORES:
        return {"type": "object_store", "path": given}
    if scheme == "kafka":
        servers, _, topic = rest.partition("/")
        if not servers or not topic:
            raise _fault(option, "an address of Kafka names brokers and a topic", "kafka://broker:9092/topic")
        return {"type": "kafka", "servers": servers.split(","), "topic": topic}
    address, _, table = given.rpartition("#")
    name, _, key = table.rpartition(".")
    if not address or not name or not key:
        raise _fault(option, "an address of a database names a table and its key", f"{scheme}://…#table.key")
    if urlsplit(address).password is not None:
        raise _fault(option, "a password has no place in a config", "write ${PASSWORD}, quoted from the shell")
    return {"type": "sql", "url": address, "table": unquote(name), "key": unquote(key)}


def _fault(option: str, why: str, expected: str) -> ConfigError:
    return ConfigError([Fault("E112", None, None, None, option, why, f"expected {expected}")])


class _AsItIs:
    """Takes objects for records as they are, one by one or in arrays."""

    def read(self, line: Any) -> Told:
        """Return the object."""
        return Told([line])


def table_in(given: Json, root: Path) -> Json:
    """Return a source of files as one of the table that a folder is, if it is one: told by its log.

    A folder of a bucket is not looked into.
    """
    path = given["path"] if given["type"] in {"files", "object_store"} else ""
    folder = root / path.removeprefix("file://")
    if not path or "://" in path.removeprefix("file://") or not folder.is_dir():
        return given
    if (folder / "_delta_log").is_dir():
        return {"type": "delta", "path": path}
    is_iceberg = any((folder / "metadata").glob("*.metadata.json"))
    return {"type": "iceberg", "path": path} if is_iceberg else given


def first_records(source: Json, root: Path) -> list[Mapping[str, Any]]:
    """Return the first records of files or of a table, whatever they are; none where none can be read."""
    layout = Layout("driftline no time", (), needs_timestamp=False, whole=True, dialect=_AsItIs())
    opened = _opened(source, layout, root)
    try:
        return list(_first(opened))
    except SourceUnavailable:  # `check` says why
        return []
    finally:
        opened.close()


def _opened(source: Json, layout: Layout, root: Path) -> Source:
    if source["type"] == "files":
        return FilesSource(FilesSettings(path=source["path"]), layout, root, _BLOCK_BYTES, at_rest=True)
    from monitor.sources.lake.source import LakeSource

    settings = (DeltaSettings if source["type"] == "delta" else IcebergSettings).model_validate(source)
    return LakeSource(settings, layout, root, _BLOCK_BYTES, at_rest=True)


def _first(source: Source) -> Iterator[Mapping[str, Any]]:
    positions: dict[str, Position] = {}
    for _ in range(4):
        batch = source.read(positions)
        if batch is None:
            return
        positions[batch.file] = batch.position
        for line in batch.table[WHOLE].slice(0, _LINES).to_pylist():
            yield json.loads(line)


def format_of(record: Mapping[str, Any]) -> str | None:
    """Return the product whose log a record is of; ``None`` of one in Driftline's own layout, or that is not known.

    >>> format_of({"reqType": "org.kubeflow.serving.inference.request", "bytes": ""})
    'kserve'
    """
    type_ = record.get("type")
    if "eventMetadata" in record and ("captureData" in record or "groundTruthData" in record):
        return "sagemaker"
    if isinstance(type_, str) and type_.startswith("azureml.inference."):
        return "azure"
    if "reqType" in record and "bytes" in record:
        return "kserve"
    if "request" in record and _TABLE_IDS & record.keys():
        return "databricks"
    is_flat = not any(isinstance(value, dict) for value in record.values())
    return "bentoml" if {"timestamp", "request_id", "trace_id"} <= record.keys() and is_flat else None


def recognised(source: Json, root: Path, features: Sequence[str], answers: Sequence[str]) -> Json:
    """Return a source with the format that its first records tell, and with names for what they tell without.

    A folder that holds a table is one of that.

    Parameters
    ----------
    features, answers: the columns of the reference that are asked and answered.
    """
    source = table_in(source, root)
    if source["type"] not in {"files", "delta", "iceberg"}:
        return source
    records = first_records(source, root)
    found = next((name for record in records if (name := format_of(record)) is not None), None)
    if found is None or (source["type"] != "files" and found != "databricks"):
        return source
    events: Json = {}
    if found == "sagemaker" and any(map(_is_csv, records)):
        events["features"] = [re.sub(r"^inputs\.", "", name) for name in features]
    if found == "bentoml":
        events["outputs"] = [name for name in answers if any(name in record for record in records)]
    return source | {"format": found} | ({"events": events} if any(events.values()) else {})


def _is_csv(record: Mapping[str, Any]) -> bool:
    part = record.get("captureData")
    given = part.get("endpointInput") if isinstance(part, dict) else None
    return isinstance(given, dict) and "csv" in f"{given.get('encoding')} {given.get('observedContentType')}".lower()
