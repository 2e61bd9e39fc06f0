"""What ``run`` holds in memory at rest, on the demo's stream and beside it on others, and what ``check`` foretold.

``python -m benchmarks.memory``. At rest: the log is drained, and what was freed has been given back (once a minute).
The bar holds for the demo's stream, April to December 2013 in windows of a day; the forecast is held on every config.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import daemon, flights
from benchmarks.harness import Row, report
from monitor.app.daemon import TRIM_SECONDS
from monitor.config import load_config

BAR_MB = 220
FORECAST_WITHIN = 0.2
_MB, _KIB = 1e6, 1024
_HOUR = 3_600_000_000
_START = 1_704_067_200_000_000  # 2024-01-01


def measure(config: Path) -> tuple[float, float]:
    """Let a daemon drain the log of a config; return its memory at rest and its most, in bytes."""
    log, loaded = config.with_suffix(".log"), load_config(config, os.environ)
    process = daemon.start(config, log)
    try:
        daemon.wait_for_start(process, log)
        daemon.wait_until_drained(process, loaded, daemon.records_of(config.parent))
        time.sleep(TRIM_SECONDS + 5)
        found = memory_of(process.pid)
        daemon.stop(process)
    finally:
        process.kill()
        process.wait(60)
    return found


def memory_of(pid: int) -> tuple[float, float]:
    """Return what a process holds now, and the most that it held, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    return _of(status, "VmRSS"), _of(status, "VmHWM")


def _of(status: str, name: str) -> float:
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith(name))) * _KIB


def foretold(config: Path) -> float:
    """Return what ``check`` says of a config, in bytes."""
    command = [sys.executable, "-m", "monitor", "check", "-c", str(config), "--format", "json"]
    done = subprocess.run(command, capture_output=True, check=True)
    return float(json.loads(done.stdout)["memory_bytes"])


def made_up(folder: Path, columns: int, window: dict[str, str], reference_rows: int = 20_000) -> Path:
    """Write a log of ten days with so many numeric columns, its reference of forty days, and a config."""
    (folder / "logs").mkdir(parents=True)
    rng = np.random.default_rng(columns)
    pq.write_table(_rows(rng, columns, reference_rows, -40 * 24), folder / "reference.parquet")
    pq.write_table(_rows(rng, columns, 24_000, 0), folder / "logs" / "log.parquet", row_group_size=2_000)
    model = {
        "name": "made-up",
        "records": {"type": "files", "path": "logs/*.parquet"},
        "reference": {"path": "reference.parquet"},
        "window": {"min_rows": 20, **window},
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps({"server": {"listen": "127.0.0.1:0"}, "models": [model]}), "utf-8")
    return path


def _rows(rng: np.random.Generator, columns: int, rows: int, first_hour: int) -> pa.Table:
    span = 10 * 24 if first_hour >= 0 else -first_hour
    times = _START + first_hour * _HOUR + np.sort(rng.integers(0, span * _HOUR, rows))
    table = {"timestamp": pa.array(times, pa.timestamp("us", "UTC")), "request_id": [f"r{n}" for n in range(rows)]}
    return pa.table(table | {f"inputs.c{n}": rng.normal(size=rows) for n in range(columns)})


def configs(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield what is measured: the demo's stream first."""
    flights.prepare(folder / "flights")
    yield "flights, a day", flights.write_config(folder / "flights", "1d", 300, ".day")
    yield "flights, an hour", flights.write_config(folder / "flights", "1h", 20, ".hour")
    yield "5 columns, an hour", made_up(folder / "5", 5, {})
    yield "100 columns, an hour", made_up(folder / "100", 100, {})
    yield "30 columns, a day every hour", made_up(folder / "30", 30, {"length": "1d", "every": "1h"})


def rows() -> Iterator[Row]:
    """Measure every config."""
    with TemporaryDirectory(prefix="driftline-memory-") as folder:
        for name, config in configs(Path(folder)):
            prediction, (rest, most) = foretold(config), measure(config)
            off = prediction / rest - 1
            barred = not name.startswith("flights, a day") or rest <= BAR_MB * _MB
            yield {
                "stream": name,
                "at_rest_mb": round(rest / _MB, 1),
                "most_mb": round(most / _MB, 1),
                "bar_mb": BAR_MB if name == "flights, a day" else None,
                "foretold_mb": round(prediction / _MB, 1),
                "foretold_off": round(off, 3),
                "bar_off": FORECAST_WITHIN,
                "result": "pass" if barred and abs(off) <= FORECAST_WITHIN else "FAIL",
            }


def main() -> int:
    """Measure, print and write; 1 if a bar is missed."""
    found = list(rows())
    report("memory", found)
    return 1 if any(row["result"] == "FAIL" for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
