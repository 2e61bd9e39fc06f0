"""Logs to read in tests: a small layout, lines of it, and a reader that keeps its positions as the daemon does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from monitor.instant import Instant, to_text
from monitor.record import Column, Kind, Layout, Rejected, Role
from monitor.sources.batch import Batch
from monitor.sources.files import FilesSettings, FilesSource
from monitor.sources.position import Position

START: Instant = 1_372_669_500_000_000
SECOND = 1_000_000
LAYOUT = Layout(
    "timestamp",
    (
        Column("temp", "inputs.temp", Role.FEATURE, Kind.NUMERIC),
        Column("carrier", "inputs.carrier", Role.FEATURE, Kind.CATEGORICAL),
    ),
    id="request_id",
)


def line(serial: int, second: int | None = None, pad: int = 0) -> bytes:
    """Write one record; its serial is its id."""
    record = {
        "timestamp": to_text(START + (serial if second is None else second) * SECOND),
        "request_id": str(serial),
        "inputs": {"temp": serial / 2, "carrier": "UA", "note": "x" * pad},
    }
    return json.dumps(record).encode() + b"\n"


class Reader:
    """Reads like the pipeline: batch by batch, positions kept as JSON."""

    def __init__(self, root: Path, settings: FilesSettings, layout: Layout = LAYOUT, **options: Any) -> None:
        self._make: Callable[[], FilesSource] = lambda: FilesSource(settings, layout, root, **options)
        self.source = self._make()
        self.kept: dict[str, str] = {}
        self.batches: list[Batch] = []

    @property
    def positions(self) -> dict[str, Position]:
        """Return the positions as a store gives them back."""
        return {key: Position.from_json(json.loads(text)) for key, text in self.kept.items()}

    def step(self) -> Batch | None:
        """Read one batch and keep its position."""
        batch = self.source.read(self.positions)
        if batch:
            self.batches.append(batch)
            self.kept[batch.file] = json.dumps(batch.position.to_json())
        return batch

    def drain(self, most: int = 1000) -> Reader:
        """Read until nothing is left."""
        for _ in range(most):
            if self.step() is None:
                return self
        raise AssertionError("the source never came to an end")

    def restart(self) -> None:
        """Forget everything but the positions."""
        self.source.close()
        self.source = self._make()

    @property
    def ids(self) -> list[str]:
        """Return the ids delivered so far, in order."""
        return [id_ for batch in self.batches for id_ in batch.table["request_id"].to_pylist()]

    @property
    def serials(self) -> list[int]:
        """Return the serials delivered so far, in order."""
        return [int(id_) for id_ in self.ids]

    @property
    def rejected(self) -> list[Rejected]:
        """Return what was refused so far."""
        return [fault for batch in self.batches for fault in batch.rejected]

    @property
    def reasons(self) -> list[str]:
        """Return why records were refused so far."""
        return [str(fault.reason) for fault in self.rejected]

    @property
    def bytes_lost(self) -> int:
        """Return the bytes reported as lost so far."""
        return sum(batch.bytes_lost for batch in self.batches)
