"""A small model's life: a reference, and logs of hours in which nothing or something drifts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.alert import AlertSettings
from monitor.instant import SECOND, Instant, from_text, to_text
from monitor.pipeline.plan import ModelPlan
from monitor.reference import ReferenceSettings
from monitor.sources.files import FilesSettings
from monitor.window import WindowSettings

Json = dict[str, Any]
HOUR = 3600 * SECOND
BEGIN = from_text("2026-01-05T00:00:00Z")
"""The reference ends here, and the log begins."""
REFERENCE_HOURS, ROWS = 60, 60
"""Hours of the reference, and rows of an hour."""
LEVELS = ("UA", "AA", "DL")
WINDOW = WindowSettings(min_rows=30, lateness=timedelta(minutes=5))


@dataclass(frozen=True, slots=True)
class World:
    """How the rows of an hour are drawn; ``shift`` moves the amount, in standard deviations."""

    seed: int = 0
    rows: int = ROWS
    shift: float = 0.0
    version: str = "1"

    def hour(self, at: Instant) -> list[Json]:
        """Return the records of an hour, in order of time; the same for the same hour."""
        rng = np.random.default_rng((self.seed, at // HOUR))
        times = at + np.sort(rng.integers(0, HOUR, self.rows))
        amount = rng.normal(10 + 3 * self.shift, 3, self.rows)
        count = rng.poisson(4, self.rows)
        level = rng.choice(LEVELS, self.rows, p=(0.5, 0.3, 0.2))
        flag, absent, score = rng.random((3, self.rows))
        return [
            {
                "timestamp": to_text(int(times[i])),
                "request_id": f"{self.version}-{at // HOUR}-{i}",
                "model_version": self.version,
                "inputs": {
                    "amount": None if absent[i] < 0.05 else round(float(amount[i]), 3),
                    "count": int(count[i]),
                    "carrier": str(level[i]),
                    "flag": bool(flag[i] < 0.4),
                },
                "prediction": int(score[i] < 0.3),
                "score": round(float(score[i]), 4),
                "latency_ms": round(float(1 + score[i]), 3),
            }
            for i in range(self.rows)
        ]

    def hours(self, first: int, number: int) -> Iterator[Json]:
        """Return the records of some hours, counted from the end of the reference."""
        for hour in range(first, first + number):
            yield from self.hour(BEGIN + hour * HOUR)


def write_log(path: Path, records: Iterable[Json]) -> list[Json]:
    """Append records to a log, one a line, and return them."""
    kept = list(records)
    with path.open("a") as log:
        log.writelines(f"{json.dumps(record, separators=(',', ':'))}\n" for record in kept)
    return kept


def reference_table(hours: int = REFERENCE_HOURS, world: World = World()) -> pa.Table:
    """Return the hours before the log as a flat table, in which nothing drifts."""
    records = list(world.hours(-hours, hours))
    columns = {f"inputs.{name}": [r["inputs"][name] for r in records] for name in records[0]["inputs"]}
    columns |= {name: [record[name] for record in records] for name in ("prediction", "score")}
    times = pa.array([from_text(record["timestamp"]) for record in records], pa.int64())
    return pa.table({"timestamp": times.cast(pa.timestamp("us", "UTC"))} | columns)


def write_reference(path: Path, world: World = World(), hours: int = REFERENCE_HOURS) -> None:
    """Write a reference file."""
    pq.write_table(reference_table(hours, world), path)


def plan_of(root: Path, **changes: Any) -> ModelPlan:
    """Return the plan of a model whose log, targets and reference lie in a folder."""
    settings: Json = {
        "name": "shop",
        "task": "binary",
        "root": root,
        "records": (FilesSettings(path="log*.jsonl"),),
        "reference": ReferenceSettings(path="reference.parquet"),
        "window": WINDOW,
        "alerts": AlertSettings(),
        "external_url": "http://127.0.0.1:10464",
    }
    return ModelPlan(**settings | changes)
