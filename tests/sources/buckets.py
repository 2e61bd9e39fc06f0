"""A bucket in memory, whose answers a test decides, and a layout of two columns to read it by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa

from monitor.record import Column, Kind, Layout, Role
from monitor.sources.batch import Batch
from monitor.sources.objects.settings import ObjectStoreSettings
from monitor.sources.objects.source import ObjectStoreSource
from monitor.sources.objects.store import Entry, Gone, Opened, Unreachable
from monitor.sources.position import Position

LAYOUT = Layout("timestamp", (Column("amount", "inputs.amount", Role.FEATURE, Kind.NUMERIC),), id="request_id")
SECOND = 1_000_000_000


@dataclass
class Bucket:
    """Objects by key, each with when it was put, in nanoseconds.

    Attributes
    ----------
    now: seconds since 1970. busy: requests still to be refused, as by a store that asks to slow down.
    """

    objects: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    now: float = 1_000_000.0
    busy: int = 0
    listings: list[str] = field(default_factory=list)
    openings: list[str] = field(default_factory=list)

    def clock(self) -> float:
        """Return the time that a test has set."""
        return self.now

    def put(self, key: str, data: bytes) -> None:
        """Put an object, as of now."""
        self.objects[key] = (data, int(self.now * SECOND))

    def folder(self, path: str) -> Iterator[Entry]:
        """Yield what lies in a folder."""
        self._answer()
        self.listings.append(path)
        below = set[str]()
        for key, (data, changed) in sorted(self.objects.items()):
            if key.startswith(f"{path}/"):
                name, _, rest = key.removeprefix(f"{path}/").partition("/")
                if not rest:
                    yield Entry(key, len(data), changed)
                elif name not in below:
                    below.add(name)
                    yield Entry(f"{path}/{name}")

    def open(self, entry: Entry) -> Opened:
        """Open an object."""
        self._answer()
        self.openings.append(entry.key)
        if entry.key not in self.objects:
            raise Gone(entry.key)
        data, changed = self.objects[entry.key]
        return Opened(pa.BufferReader(data), f"{changed}:{len(data)}", len(data))

    def _answer(self) -> None:
        if self.busy:
            self.busy -= 1
            raise Unreachable("cannot be listed now (SLOW_DOWN to ListObjectsV2)")

    def source(
        self, path: str = "b/logs/", *, at_rest: bool = False, block_bytes: int = 2**16, **more: Any
    ) -> ObjectStoreSource:
        """Return a source of what a path means."""
        settings = ObjectStoreSettings.model_validate({"type": "object_store", "path": path, "every": "0s"} | more)
        return ObjectStoreSource(
            settings,
            LAYOUT,
            root=Path(),
            block_bytes=block_bytes,
            at_rest=at_rest,
            store=(self, path),
            clock=self.clock,
        )


def lines(*minutes: int, prefix: str = "r") -> bytes:
    """Return records of so many minutes after an hour, one a line."""
    rows = (
        {
            "timestamp": f"2026-01-05T{10 + at // 60}:{at % 60:02d}:00Z",
            "request_id": f"{prefix}{at}",
            "inputs": {"amount": at},
        }
        for at in minutes
    )
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@dataclass
class Reader:
    """Reads a source as the pipeline does: what it keeps is what a transaction would."""

    source: ObjectStoreSource
    positions: dict[str, Position] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)

    def read(self, most: int | None = None) -> list[float]:
        """Read up to so many batches, or all that there are, and return the amounts."""
        amounts: list[float] = []
        for number in count():
            batch = None if number == most else self.source.read(self.positions)
            if batch is None:
                return amounts
            self.batches.append(batch)
            kept = Position.from_json(json.loads(json.dumps(batch.position.to_json())))
            self.positions[batch.file] = kept
            amounts += batch.table["inputs.amount"].to_pylist()
        return amounts

    def refused(self) -> Mapping[str, int]:
        """Count what was refused, by reason."""
        found: dict[str, int] = {}
        for batch in self.batches:
            for reason, number in batch.refused().items():
                found[reason] = found.get(reason, 0) + number
        return found
