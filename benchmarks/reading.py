"""What the benchmarks of sources that are no files share: records read into columns, or counted into profiles.

A process of its own reads (``python -m benchmarks.reading FOLDER RECORDS INTO``) by the config in a folder, says after
each batch how many records it was so far, and at last the CPU seconds and the peak of memory in bytes. Into profiles
it has a state, as a daemon has: batches are committed, and rows are kept.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.harness import Row, Scalar, report
from benchmarks.ingest import blocks
from monitor.config import load_text
from monitor.pipeline.cycle import RECORDS, Pipeline
from monitor.pipeline.tally import NO_LIMITS
from monitor.plans import model_plans
from monitor.sources.position import Position
from monitor.store.database import StateSettings, open_state

_KIBIBYTE = 1024
_PAUSE_SECONDS = 0.1
INTO = ("columns", "profiles")


def prepare(folder: Path, records: Mapping[str, Any]) -> None:
    """Write a reference, and the config of a model that reads some records."""
    table = next(blocks(seed=0))
    times = table["timestamp"].cast(pa.timestamp("us", "UTC"))
    pq.write_table(table.set_column(0, "timestamp", times), folder / "reference.parquet")
    model = {"name": "bench", "task": "binary", "records": records, "reference": {"path": "reference.parquet"}}
    (folder / "config.yaml").write_text(json.dumps({"models": [model]}), "utf-8")


def read(folder: Path, number: int, into: str) -> None:
    """Read so many records into columns or profiles, and say what it took."""
    config = load_text((folder / "config.yaml").read_text("utf-8"), folder / "config.yaml", {}).config
    state = open_state(StateSettings(directory=f"state-{number}"), folder)
    pipeline = Pipeline(model_plans(config, folder)[0], state)
    step = _columns(pipeline) if into == "columns" else _profiles(pipeline)
    rows, begun = 0, time.process_time()
    while rows < number:
        if (came := step()) > rows:
            rows = came
            print(rows, flush=True)
        else:
            time.sleep(_PAUSE_SECONDS)  # what was written just now is read a little later
    seconds = time.process_time() - begun
    pipeline.close()
    state.close()
    peak = next(line for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith("VmHWM"))
    print(seconds, int(peak.split()[1]) * _KIBIBYTE, flush=True)


def _columns(pipeline: Pipeline) -> Callable[[], int]:
    positions, rows = dict[str, Position](), 0

    def step() -> int:
        nonlocal rows
        batch = pipeline.sources[0].read(positions)
        if batch is not None:
            if batch.refused():
                sys.exit(f"refused, or lost where the writer ran too far ahead: {dict(batch.refused())}")
            positions[batch.file] = batch.position
            rows += batch.table.num_rows
        return rows

    return step


def _profiles(pipeline: Pipeline) -> Callable[[], int]:
    tally = pipeline.tallies[RECORDS]

    def step() -> int:
        pipeline.read_records(time.time_ns() // 1000, NO_LIMITS)
        if tally.rejected or tally.late:
            sys.exit(f"refused: {dict(tally.rejected)}, late: {tally.late}")
        return tally.accepted

    return step


def command(folder: Path, number: int, into: str) -> list[str]:
    """Return the command that reads."""
    return [sys.executable, "-m", "benchmarks.reading", str(folder), str(number), into]


def compare(name: str, number: int, bar: int, measure: Callable[[int, str], tuple[float, int]]) -> int:
    """Have a tenth of so many records read and all, into each; report, and return 1 if profiles miss the bar.

    Parameters
    ----------
    measure: returns CPU seconds and the peak of memory in bytes.
    """
    table, rate = list[Row](), 0.0
    for into in INTO:
        for part in (number // 10, number):
            began = time.monotonic()
            seconds, peak = measure(part, into)
            rate = part / seconds
            told: dict[str, Scalar] = {"records": part, "into": into, "cpu_s": round(seconds, 2)}
            told |= {"wall_s": round(time.monotonic() - began, 1), "thousand_per_cpu_second": round(rate / 1000, 1)}
            table.append(told | {"peak_mb": round(peak / 2**20, 1)})
    report(name, table)
    return int(rate < bar)


if __name__ == "__main__":
    read(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
