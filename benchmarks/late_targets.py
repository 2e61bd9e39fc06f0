"""A million targets that come late, joined with ten million records that wait for them: time and memory.

``python -m benchmarks.late_targets``: a process of its own stores the answers of thirty days in hourly windows, as the
daemon does; then the targets come at once, and a second process reads them, joins them and scores every window.
``--records N`` and ``--targets N`` take other numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.harness import Row, report
from monitor.instant import SECOND, Instant, from_text
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.record_layout import ColumnsSettings
from monitor.reference import ReferenceSettings
from monitor.sources.files import FilesSettings
from monitor.store.database import StateSettings, open_state
from monitor.window import WindowSettings

BAR_SECONDS, BAR_BYTES = 60.0, 400e6
_BEGIN = from_text("2026-01-01T00:00:00Z")
_HOUR, _DAYS, _HOURS = 3600 * SECOND, 30, 720
_REFERENCE_ROWS = 50_000
_KIB = 1024
_MB = 1e6


def table(first: int, rows: int, start: Instant, span: int) -> pa.Table:
    """Return answers with an id each, spread evenly over a stretch of time, and their targets."""
    rng = np.random.default_rng(first)
    score = rng.random(rows)
    times = start + np.arange(rows, dtype=np.int64) * span // rows
    return pa.table(
        {
            "timestamp": pa.array(times).cast(pa.timestamp("us", "UTC")),
            "request_id": pa.array([f"{number:032x}" for number in range(first, first + rows)]),
            "amount": rng.normal(10, 3, rows),
            "prediction": (score > 0.5).astype(np.int64),  # noqa: PLR2004 - the usual
            "score": score,
            "target": (rng.random(rows) < score).astype(np.int64),
        }
    )


def prepare(folder: Path, records: int, targets: int) -> None:
    """Write the reference, a file of records a day, and the targets that will come."""
    pq.write_table(table(0, _REFERENCE_ROWS, _BEGIN - 60 * _HOUR, 60 * _HOUR), folder / "reference.parquet")
    a_day, every = records // _DAYS, records // targets
    (folder / "logs").mkdir()
    known_at = f"2026-01-{_DAYS + 1:02d}T00:00:00Z"
    with (folder / "later.jsonl").open("w") as later:
        for day in range(_DAYS):
            rows = table((day + 1) * a_day + _REFERENCE_ROWS, a_day, _BEGIN + day * 24 * _HOUR, 24 * _HOUR)
            pq.write_table(rows.drop_columns(["target"]), folder / "logs" / f"{day:02d}.parquet")
            told = rows.take(pa.array(range(0, rows.num_rows, every)))
            for ident, target in zip(told["request_id"].to_pylist(), told["target"].to_pylist(), strict=True):
                later.write(json.dumps({"request_id": ident, "target": target, "timestamp": known_at}) + "\n")
    last = table(10**9, 10, _BEGIN + (_DAYS + 3) * 24 * _HOUR, _HOUR)
    pq.write_table(last.drop_columns(["target"]), folder / "last.parquet")


def plan(folder: Path) -> ModelPlan:
    """Return a model whose targets may come for sixty days."""
    return ModelPlan(
        name="late",
        task="binary",
        root=folder,
        records=(FilesSettings(path="logs/*.parquet"),),
        targets=FilesSettings(path="targets/*.jsonl"),
        reference=ReferenceSettings(path="reference.parquet"),
        columns=ColumnsSettings(features=["amount"]),
        window=WindowSettings(length=timedelta(hours=1), every=timedelta(hours=1)),
        delay=timedelta(days=1),
        horizon=timedelta(days=60),
        rows_per_window=0,
    )


def step(folder: Path) -> None:
    """Let the pipeline read what lies there, in this process; print how long it took and its peak of memory."""
    state = open_state(StateSettings(directory="state"), folder)
    pipeline = Pipeline(plan(folder), state)
    began = time.monotonic()
    scored = [body["targets_coverage_ratio"] for closed in pipeline.step(_BEGIN) for body in closed.performance]
    took = time.monotonic() - began
    pipeline.close()
    state.close()
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = {"seconds": took, "cpu_seconds": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * _KIB}
    print(json.dumps({**found, "windows": len(scored), "coverage": float(np.mean(scored or [0]))}))


def child(folder: Path) -> dict[str, float]:
    """Run :func:`step` in a process of its own, so that its memory is its own."""
    command = [sys.executable, "-m", "benchmarks.late_targets", "--step", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ})
    found: dict[str, float] = json.loads(done.stdout)
    return found


def rows(records: int, targets: int) -> list[Row]:
    """Measure."""
    with TemporaryDirectory(prefix="driftline-late-") as name:
        folder = Path(name)
        prepare(folder, records, targets)
        stored = child(folder)
        (folder / "targets").mkdir()
        (folder / "later.jsonl").rename(folder / "targets" / "all.jsonl")
        (folder / "last.parquet").rename(folder / "logs" / "last.parquet")
        joined = child(folder)
    passed = joined["seconds"] <= BAR_SECONDS and joined["peak"] <= BAR_BYTES and joined["windows"] >= _HOURS - 1
    return [
        {
            "step": f"{records} records stored",
            "seconds": round(stored["seconds"], 1),
            "cpu_seconds": round(stored["cpu_seconds"], 1),
            "peak_mb": round(stored["peak"] / _MB),
        },
        {
            "step": f"{targets} targets read, joined and scored",
            "seconds": round(joined["seconds"], 1),
            "cpu_seconds": round(joined["cpu_seconds"], 1),
            "peak_mb": round(joined["peak"] / _MB),
            "windows": joined["windows"],
            "coverage": round(joined["coverage"], 3),
            "bar": f"{BAR_SECONDS:.0f} s, {BAR_BYTES / _MB:.0f} MB",
            "result": "pass" if passed else "FAIL",
        },
    ]


def main() -> int:
    """Measure, print and write; 1 if the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--targets", type=int, default=1_000_000)
    parser.add_argument("--step", type=Path)
    arguments = parser.parse_args()
    if arguments.step is not None:
        step(arguments.step)
        return 0
    found = rows(arguments.records, arguments.targets)
    report("late_targets", found)
    return 1 if any(row.get("result") == "FAIL" for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
