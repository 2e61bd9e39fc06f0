"""How fast objects are read into profiles and how much memory it takes, and what a million keys cost to list.

``python -m benchmarks.objects [ROWS]`` writes a folder of objects of 20 features, as Parquet and, of a tenth of the
rows, as JSON lines, once for a tenth and once for all, and reads each into a model's panes in a process of its own
(``read``), by its CPU time. Then it lists a million keys of a bucket that is made up, in a thousand folders and in one
(``list``): when none of them is read, and again when all are. The bars: records a CPU second, and 1.3 times the memory
for ten times the rows.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.harness import report
from monitor.config import load_text
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.tally import NO_LIMITS
from monitor.plans import model_plans
from monitor.sources.objects.listing import Look
from monitor.sources.objects.names import PER_POSITION, Names
from monitor.sources.objects.pattern import Pattern
from monitor.sources.objects.store import Entry, Opened
from monitor.sources.position import Position

_ROWS = 10_000_000
_ROWS_PER_OBJECT = {"parquet": 250_000, "jsonl": 25_000}
_BARS = {"parquet": 1_000_000, "jsonl": 150_000}
_SHARE = {"parquet": 1, "jsonl": 10}
_FEATURES = 20
_START, _STEP = 1_767_571_200_000_000, 1000  # a record a millisecond
_KEYS, _PER_FOLDER = 1_000_000, 1000
_KIB = 1024
_GROWTH = 1.3
_HALF = 0.5
_CONFIG = """
models:
  - name: bench
    task: binary
    records: {{type: object_store, path: {form}/}}
    reference: {{path: reference.parquet}}
    window: {{length: 1h, every: 1h}}
"""


def rows(first: int, number: int) -> pa.Table:
    """Return flat records: 14 numbers, 4 categories, 2 flags, a prediction and a score."""
    rng = np.random.default_rng(first)
    serials = np.arange(first, first + number)
    columns: dict[str, Any] = {
        "timestamp": pa.array(_START + serials * _STEP, pa.timestamp("us", "UTC")),
        "request_id": pa.array(serials).cast(pa.string()),
    }
    columns |= {f"n{index}": rng.normal(0, 100, number).round(3) for index in range(14)}
    columns |= {
        f"c{index}": pa.array(["UA", "AA", "DL", "B6"]).take(pa.array(rng.integers(0, 4, number))) for index in range(4)
    }
    columns |= {f"f{index}": rng.random(number) < _HALF for index in range(_FEATURES - 18)}
    return pa.table(columns | {"prediction": rng.integers(0, 2, number), "score": rng.random(number).round(6)})


def _as_lines(table: pa.Table) -> bytes:
    table = table.set_column(0, "timestamp", table["timestamp"].cast(pa.string()))
    return b"".join(json.dumps(row).encode() + b"\n" for row in table.to_pylist())


def write(folder: Path, form: str, number: int) -> None:
    """Write objects, and a reference beside them."""
    (folder / form).mkdir()
    pq.write_table(rows(0, 50_000), folder / "reference.parquet")
    (folder / "config.yaml").write_text(_CONFIG.format(form=form))
    for first in range(0, number, _ROWS_PER_OBJECT[form]):
        path = folder / form / f"{first:010d}.{form}"
        table = rows(first, min(_ROWS_PER_OBJECT[form], number - first))
        if form == "parquet":
            pq.write_table(table, path)
        else:
            path.write_bytes(_as_lines(table))


def read(folder: Path, only: str = "profiles") -> None:
    """Read all objects into panes, or into columns only, and say how many records, in how much CPU time and memory."""
    config = load_text((folder / "config.yaml").read_text("utf-8"), folder / "config.yaml", {}).config
    pipeline = Pipeline(model_plans(config, folder)[0], event_clock=True)
    begun, positions, records = time.process_time(), dict[str, Position](), 0
    if only == "columns":
        while (batch := pipeline.sources[0].read(positions)) is not None:
            positions[batch.file] = batch.position
            records += batch.table.num_rows
    while only == "profiles" and pipeline.read_records(0, NO_LIMITS):
        for _ in pipeline.close_due(0, drained=False):
            pass
    seconds, tally = time.process_time() - begun, pipeline.tallies["records"]
    told = {"records": records or tally.accepted, "late": tally.late, "cpu_s": seconds, "peak_mb": _peak_mb()}
    print(json.dumps(told))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB / 1e6


class Keys:
    """A bucket of so many keys and nothing in them."""

    def __init__(self, per_folder: int) -> None:
        self._per_folder = per_folder

    def folder(self, path: str) -> Iterator[Entry]:
        """Yield what a folder holds."""
        if path == "b" and self._per_folder < _KEYS:
            yield from (Entry(f"b/day={number:05d}") for number in range(_KEYS // self._per_folder))
            return
        for number in range(self._per_folder):
            yield Entry(f"{path}/part-{number:07d}-6a1f0c4e-6d0b-4a55-8d26-5b1b1d1f7f11.parquet", 1000, number + 1)

    def open(self, entry: Entry) -> Opened:
        """Open nothing."""
        raise NotImplementedError(entry.key)


def list_keys(per_folder: int) -> None:
    """List a million keys, none of them read and then all, and say in how much CPU time, memory and state."""
    store, pattern = Keys(per_folder), Pattern("b/")
    first = _looked(store, pattern, Names({}))
    names, positions, begun = Names({}), dict[str, Position](), time.process_time()
    for entries in batched(_all(store), PER_POSITION):
        key, at = names.begun(entries[0], 0)
        positions[key] = names.with_name(at, *entries)
        names.keep(key, positions[key])
    spent = time.process_time() - begun
    again = _looked(store, pattern, Names(positions))
    state = sum(len(json.dumps(at.to_json())) for at in positions.values())
    told = {
        "keys": first[1],
        "unread_then": again[2],
        "first_cpu_s": first[0],
        "again_cpu_s": again[0],
        "names_cpu_s": spent,
    }
    print(json.dumps(told | {"state_mb": state / 1e6, "peak_mb": _peak_mb()}))


def batched(entries: Iterator[Entry], number: int) -> Iterator[list[Entry]]:
    """Yield so many at once."""
    while found := list(islice(entries, number)):
        yield found


def _all(store: Keys) -> Iterator[Entry]:
    for entry in store.folder("b"):
        if entry.is_folder:
            yield from store.folder(entry.key)
        else:
            yield entry


def _looked(store: Keys, pattern: Pattern, names: Names) -> tuple[float, int, int]:
    begun, look = time.process_time(), Look(store, pattern, names, recent=False)
    while look.go_on():
        pass
    return time.process_time() - begun, look.found.listed, len(look.found.unread)


def _apart(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.objects", *arguments]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


def main(number: int) -> int:
    """Measure, report, and say whether the bars are met."""
    table, failed = [], False
    for form, bar in _BARS.items():
        peaks: dict[str, list[float]] = {"columns": [], "profiles": []}
        for part in (number // 10, number):
            with tempfile.TemporaryDirectory() as folder:
                write(Path(folder), form, part // _SHARE[form])
                for into, held in peaks.items():
                    found = _apart("read", folder, into)
                    rate = found["records"] / found["cpu_s"]
                    held.append(found["peak_mb"])
                    failed |= bool(found["late"]) or (into == "profiles" and part == number and rate < bar)
                    told = {name: round(value, 2) for name, value in found.items()}
                    table.append({"what": form, "into": into} | told | {"per_cpu_second": round(rate)})
        failed |= any(most > _GROWTH * least for least, most in peaks.values())
    report("objects", table)
    keys = [
        {"per_folder": per_folder} | {name: round(value, 2) for name, value in _apart("list", str(per_folder)).items()}
        for per_folder in (_PER_FOLDER, _KEYS)
    ]
    report("objects_keys", keys)
    return int(failed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["read"]:
        read(Path(sys.argv[2]), *sys.argv[3:])
    elif sys.argv[1:2] == ["list"]:
        list_keys(int(sys.argv[2]))
    else:
        sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else _ROWS))
