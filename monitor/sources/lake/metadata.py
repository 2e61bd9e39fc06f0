"""What the metadata of an Iceberg table say: its snapshots, and how its columns and partitions are named."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from monitor.instant import to_text
from monitor.sources.lake.log import Unfit

_FORMATS = range(1, 4)
_LONG = struct.Struct("<q")

Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes
    ----------
    id: given to it when it was made. location: where it says that it lies. current: its snapshot.
    schemas: all that it had, the current one last. names: what columns are called now, by the ids of their fields.
    """

    id: str
    location: str
    current: int | None
    snapshots: Mapping[int, Json]
    schemas: Sequence[Json]
    specs: Mapping[int, Json]
    names: Mapping[int, str]

    def line(self) -> list[int]:
        """Return the snapshots that led to the current one, that one first, as far as they are kept."""
        found: list[int] = []
        at = self.current
        while at is not None and at in self.snapshots and at not in found:
            found.append(at)
            at = self.snapshots[at].get("parent-snapshot-id")
        return found

    def ancestors(self, version: int) -> set[int]:
        """Return a snapshot and those that led to it, as far as they are known."""
        found: set[int] = set()
        at: int | None = version
        while at is not None and at not in found:
            found.add(at)
            at = self.snapshots.get(at, {}).get("parent-snapshot-id")
        return found

    def least(self, file: Json, names: Sequence[str]) -> dict[str, Any]:
        """Return the least values of a file's columns of some names, instants as texts."""
        bounds = {each["key"]: each["value"] for each in file.get("lower_bounds") or ()}
        return {
            name: _value(field["type"], bounds[field["id"]])
            for schema in self.schemas
            for name, field in _fields(schema)
            if name in names and field["id"] in bounds
        }

    def constants(self, spec: int, partition: Json) -> dict[str, str]:
        """Return the columns that a partition gives as they are."""
        names = {field["id"]: name for schema in self.schemas for name, field in _fields(schema)}
        found = {}
        for field in self.specs.get(spec, {}).get("fields") or ():
            value = partition.get(field["name"])
            if field.get("transform") == "identity" and field["source-id"] in names and value is not None:
                found[names[field["source-id"]]] = str(value)
        return found


def table_of(told: Json) -> Table:
    """Return what a file of metadata says.

    Raises
    ------
    Unfit: it is of a format that is not read.
    """
    if told.get("format-version") not in _FORMATS:
        raise Unfit("is of a version of Iceberg's format that this version does not read")
    current = told.get("current-snapshot-id")
    schemas = told.get("schemas") or [told["schema"]]
    schemas = sorted(schemas, key=lambda schema: schema.get("schema-id") == told.get("current-schema-id"))
    return Table(
        str(told.get("table-uuid") or ""),
        str(told.get("location") or ""),
        None if current in {None, -1} else current,
        {each["snapshot-id"]: each for each in told.get("snapshots") or ()},
        schemas,
        {each["spec-id"]: each for each in told.get("partition-specs") or ()},
        {field["id"]: field["name"] for schema in schemas for _, field in _fields(schema)},
    )


def _fields(schema: Json, prefix: str = "") -> Iterator[tuple[str, Json]]:
    """Yield each field of a schema by its dotted name."""
    for field in schema.get("fields") or ():
        yield prefix + field["name"], field
        if isinstance(field["type"], Mapping) and field["type"].get("type") == "struct":
            yield from _fields(field["type"], f"{prefix}{field['name']}.")


def _value(type_: Any, bound: bytes) -> Any:
    """Return a bound of a column of instants or texts, as least values of Delta stand; ``None`` of any other."""
    if type_ in ("timestamp", "timestamptz") and len(bound) == _LONG.size:
        return to_text(_LONG.unpack(bound)[0])
    if type_ in ("timestamp_ns", "timestamptz_ns") and len(bound) == _LONG.size:
        return to_text(_LONG.unpack(bound)[0] // 1000)
    return bound.decode("utf-8", "replace") if type_ == "string" else None
