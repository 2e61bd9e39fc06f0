"""``backtest`` of nine months of flights in hourly steps: how long it takes, and whether ``run`` gave the same.

``python -m benchmarks.backtest_flights``. April to December 2013: 256,089 records, 15 features beside the model's two
answers. Then a daemon drains the same log, and every window that it closed is compared with the backtest's.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from subprocess import DEVNULL, Popen
from tempfile import TemporaryDirectory

from benchmarks import daemon, flights
from benchmarks.daemon import Json
from benchmarks.harness import Row, report
from monitor.config import load_config

BAR_SECONDS = 60.0
_EVERY, _MIN_ROWS = "1h", 20


def backtested(config: Path) -> tuple[list[Json], float, float]:
    """Run the command; return its lines, and the wall and CPU seconds that it took."""
    path = config.with_suffix(".jsonl")
    command = [sys.executable, "-m", "monitor", "backtest", "-c", str(config), "--format", "jsonl"]
    began = time.monotonic()
    with path.open("wb") as out:
        process = Popen(command, stdin=DEVNULL, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError("the backtest failed")
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return lines, wall, usage.ru_utime + usage.ru_stime


def ran(config: Path) -> list[Json]:
    """Let a daemon drain the log; return every window that it closed."""
    log, loaded = config.with_suffix(".log"), load_config(config, os.environ)
    process = daemon.start(config, log)
    try:
        daemon.wait_for_start(process, log)
        daemon.wait_until_drained(process, loaded, daemon.records_of(config.parent))
        daemon.stop(process)
    finally:
        process.kill()
        process.wait(60)
    windows: list[Json] = daemon.snapshot(config)["windows"]
    return windows


def differing(told: list[Json], stored: list[Json]) -> list[str]:
    """Return the ids of the windows that a daemon closed and a backtest told otherwise, or not at all."""
    lines = {body["id"]: daemon.as_closed(body) for body in told}
    return [body["id"] for body in stored if lines.get(body["id"]) != json.loads(json.dumps(daemon.as_closed(body)))]


def rows() -> list[Row]:
    """Measure and compare."""
    with TemporaryDirectory(prefix="driftline-backtest-") as folder:
        flights.prepare(Path(folder))
        config = flights.write_config(Path(folder), _EVERY, _MIN_ROWS, more={"columns": {"exclude": []}})
        lines, wall, cpu = backtested(config)
        stored = ran(config)
    told = [line for line in lines if line["kind"] == "window"]
    (summary,) = lines[-1]["models"]
    features = sum(column["role"] == "feature" for column in told[-1]["columns"])
    different = differing(told, stored)
    for each in different[:5]:
        print(f"differs: {each}", file=sys.stderr)
    return [
        {
            "measured": f"{summary['records']} records, {features} features, {len(told)} windows",
            "wall_seconds": round(wall, 1),
            "cpu_seconds": round(cpu, 1),
            "bar": f"{BAR_SECONDS:.0f} s",
            "result": "pass" if wall <= BAR_SECONDS and features >= 15 else "FAIL",  # noqa: PLR2004 - as promised
        },
        {
            "measured": f"{len(stored)} windows of run told alike",
            "bar": "identical",
            "result": "pass" if stored and not different else "FAIL",
        },
    ]


def main() -> int:
    """Measure, print and write; 1 if a bar is missed."""
    found = rows()
    report("backtest_flights", found)
    return 1 if any(row["result"] == "FAIL" for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
