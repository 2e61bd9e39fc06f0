"""Tables of Delta and Iceberg, written by the libraries of those who made them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from monitor.instant import from_text
from monitor.record import Column, Kind, Layout, Role
from monitor.sources.batch import Batch
from monitor.sources.lake.settings import DeltaSettings, IcebergSettings
from monitor.sources.lake.source import LakeSource
from monitor.sources.position import Position


def arrow(rows: Sequence[dict[str, Any]], **columns: list[Any]) -> pa.Table:
    """Return rows as a table: instants as such, inputs as a struct; and more columns."""
    times = [None if "timestamp" not in row else from_text(row["timestamp"]) for row in rows]
    return pa.table(
        {
            "timestamp": pa.array(times, pa.int64()).cast(pa.timestamp("us", "UTC")),
            "request_id": pa.array([row["request_id"] for row in rows], pa.string()),
            "inputs": pa.array([{"x": row["inputs"]["x"]} for row in rows], pa.struct([("x", pa.float64())])),
            **columns,
        }
    )


def minutes(*numbers: float, first: int = 0) -> list[dict[str, Any]]:
    """Return rows, one a minute, with these numbers as their input."""
    return [
        {
            "timestamp": f"2026-01-05T{10 + (first + place) // 60:02d}:{(first + place) % 60:02d}:00Z",
            "request_id": f"id-{number:g}",
            "inputs": {"x": float(number)},
        }
        for place, number in enumerate(numbers)
    ]


class Delta:
    """A Delta table in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def append(self, table: pa.Table, **more: Any) -> None:
        """Write rows behind those that are there."""
        write_deltalake(self.folder, table, mode="append", **more)

    def open(self) -> DeltaTable:
        """Return the table as its library has it."""
        return DeltaTable(self.folder)

    def data(self) -> list[Path]:
        """Return the files of rows, the newest last."""
        return sorted(self.folder.rglob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)


class Iceberg:
    """A warehouse in a folder, with a catalog of its own that nobody else sees."""

    def __init__(self, folder: Path) -> None:
        from pyiceberg.catalog.sql import SqlCatalog  # slow to import, and few need it

        self.catalog = SqlCatalog("tests", uri="sqlite://", warehouse=folder.as_uri())
        self.catalog.create_namespace("ml")
        self.folder = folder / "ml" / "logged"

    def append(self, table: pa.Table, partition: str | None = None) -> None:
        """Write rows behind those that are there."""
        if not self.catalog.table_exists("ml.logged"):
            made = self.catalog.create_table("ml.logged", table.schema)
            if partition is not None:
                with made.update_spec() as spec:
                    spec.add_identity(partition)
        self.open().append(table)

    def open(self) -> Any:
        """Return the table as its library has it."""
        return self.catalog.load_table("ml.logged")

    def data(self) -> list[Path]:
        """Return the files of rows, the newest last."""
        return sorted(self.folder.rglob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)


LAYOUT = Layout("timestamp", (Column("x", "inputs.x", Role.FEATURE, Kind.NUMERIC),), id="request_id")


class Reader:
    """Reads a table as the pipeline does: what it keeps is what a transaction would."""

    def __init__(
        self, type_: str, path: Path | str, positions: dict[str, Position] | None = None, /, **more: Any
    ) -> None:
        settings: type[DeltaSettings | IcebergSettings] = DeltaSettings if type_ == "delta" else IcebergSettings
        at_rest, self.layout = more.pop("at_rest", False), more.pop("layout", LAYOUT)
        self.settings = settings.model_validate({"type": type_, "path": str(path), "every": "0s"} | more)
        self.source = LakeSource(self.settings, self.layout, Path(), at_rest=at_rest, clock=self.clock)
        self.positions = {} if positions is None else positions
        self.batches: list[Batch] = []
        self.ahead = 0.0

    def clock(self) -> float:
        """Return a time that goes on as a test says: so none waits."""
        return self.ahead

    def read(self, most: int = 1000) -> list[float]:
        """Read up to so many batches, or all that there are, and return the numbers."""
        numbers: list[float] = []
        for _ in range(most):
            batch = self.source.read(self.positions)
            if batch is None:
                break
            self.batches.append(batch)
            self.positions[batch.file] = Position.from_json(json.loads(json.dumps(batch.position.to_json())))
            numbers += batch.table["inputs.x"].to_pylist()
        return numbers

    def told(self) -> list[tuple[str, str]]:
        """Return what was refused, by reason and in words."""
        return [(str(fault.reason), fault.detail) for batch in self.batches for fault in batch.rejected]
