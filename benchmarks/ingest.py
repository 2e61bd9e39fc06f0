"""How fast a file source reads, and in how much memory: 300 MB of records of 16 columns, format by format.

``python -m benchmarks.ingest`` writes the files, and reads each in a process of its own; ``read`` is that process.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from benchmarks.harness import report, run
from monitor.instant import to_text
from monitor.record import Column, Kind, Layout, Role
from monitor.sources.files import FilesSettings, FilesSource, Position

_ROWS_AT_ONCE = 50_000
_BYTES = 300_000_000
_START = 1_372_669_500_000_000
_NUMBERS = tuple(f"n{index}" for index in range(8))
_TEXTS = tuple(f"c{index}" for index in range(4))
_FEATURES = (
    *(Column(name, f"inputs.{name}", Role.FEATURE, Kind.NUMERIC) for name in _NUMBERS),
    *(Column(name, f"inputs.{name}", Role.FEATURE, Kind.CATEGORICAL) for name in _TEXTS),
)
LAYOUT = Layout(
    "timestamp",
    (
        *_FEATURES,
        Column("prediction", "prediction", Role.PREDICTION, Kind.CATEGORICAL),
        Column("score", "score", Role.SCORE, Kind.NUMERIC),
    ),
    id="request_id",
    version="model_version",
    latency="latency_ms",
)


def blocks(seed: int = 1) -> Iterator[pa.Table]:
    """Yield flat tables of records without end."""
    rng = np.random.default_rng(seed)
    first = 0
    while True:
        serials = np.arange(first, first + _ROWS_AT_ONCE)
        first += _ROWS_AT_ONCE
        columns: dict[str, object] = {
            "timestamp": [to_text(_START + int(serial) * 1000) for serial in serials],
            "request_id": [f"{serial:032x}" for serial in serials],
            "model_version": ["3"] * _ROWS_AT_ONCE,
        }
        columns |= {f"inputs.{name}": rng.normal(0, 100, _ROWS_AT_ONCE).round(3) for name in _NUMBERS}
        columns |= {f"inputs.{name}": rng.choice(["UA", "AA", "DL", "B6"], _ROWS_AT_ONCE) for name in _TEXTS}
        columns |= {"prediction": rng.integers(0, 2, _ROWS_AT_ONCE), "score": rng.random(_ROWS_AT_ONCE).round(6)}
        yield pa.table({**columns, "latency_ms": rng.gamma(2, 2, _ROWS_AT_ONCE).round(2)})


def as_lines(table: pa.Table) -> bytes:
    """Write records as a model server would: nested, one object a line."""
    names = table.column_names
    inputs = [index for index, name in enumerate(names) if name.startswith("inputs.")]
    texts = [_as_json(table[name]) for name in names]
    lines = []
    for row in zip(*texts, strict=True):
        nested = ",".join(f'"{names[index][7:]}":{row[index]}' for index in inputs)
        flat = ",".join(f'"{name}":{row[index]}' for index, name in enumerate(names) if index not in inputs)
        lines.append(f'{{{flat},"inputs":{{{nested}}},"error":null}}\n')
    return "".join(lines).encode()


def _as_json(column: pa.ChunkedArray) -> list[str]:
    if pa.types.is_string(column.type):
        return [f'"{value}"' for value in column.to_pylist()]
    return [repr(value) for value in column.to_pylist()]


def write_all(folder: Path) -> Mapping[str, Path]:
    """Write one set of records in every format, until the JSON lines fill their size."""
    paths = {name: folder / f"log.{name}" for name in ("jsonl", "jsonl.gz", "csv", "parquet", "faulty.jsonl")}
    source = blocks()
    first = next(source)
    with (
        paths["jsonl"].open("wb") as lines,
        paths["faulty.jsonl"].open("wb") as faulty,
        gzip.open(paths["jsonl.gz"], "wb", 1) as packed,
        pcsv.CSVWriter(paths["csv"], first.schema) as comma,
        pq.ParquetWriter(paths["parquet"], first.schema) as parquet,
    ):
        written = 0
        for table in source:
            data = as_lines(table)
            lines.write(data)
            packed.write(data)
            faulty.write(data[: len(data) // 2] + b"\x00broken\n" + data[len(data) // 2 :])
            comma.write_table(table)
            parquet.write_table(table)
            written += len(data)
            if written >= _BYTES:
                return paths
    return paths


def read(path: Path) -> int:
    """Read a file to its end, and return how many records it holds."""
    source = FilesSource(FilesSettings(path=path.name), LAYOUT, path.parent, at_rest=True)
    positions: dict[str, Position] = {}
    rows = 0
    while batch := source.read(positions):
        positions[batch.file] = batch.position
        rows += batch.table.num_rows
    return rows


def main() -> None:
    """Write the files, read each in a process of its own, and report."""
    idle = run("imports alone", [sys.executable, "-c", "import benchmarks.ingest"])
    rows = [idle.row()]
    with tempfile.TemporaryDirectory() as folder:
        for name, path in write_all(Path(folder)).items():
            measure = run(name, [sys.executable, "-m", "benchmarks.ingest", "read", str(path)])
            records = read(path)
            seconds = measure.cpu_seconds[0] - idle.cpu_seconds[0]
            rate = round(records / seconds / 1000, 1)
            rows.append(measure.row(mb=path.stat().st_size // 10**6, records=records, thousand_per_cpu_second=rate))
    report("ingest", rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["read"]:
        read(Path(sys.argv[2]))
    else:
        main()
