"""Measures calls and commands: wall time, CPU time, peak memory; prints a table and writes it as JSON.

A benchmark is a script beside this file, run as ``python -m benchmarks.NAME``::

    from benchmarks.harness import interleave, report, run

    if __name__ == "__main__":
        measures = interleave({"ours": ours, "theirs": theirs})
        report("profile", [measure.row() for measure in measures])

Linux only: peak memory is read from ``/proc``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeAlias

RESULTS = Path(__file__).parent / "results"
Scalar: TypeAlias = str | int | float | bool | None
Row: TypeAlias = Mapping[str, Scalar]

_POLL_SECONDS = 0.005
_KIB = 1024
_MB = 1e6
_LIBRARIES = ("driftline", "numpy", "pyarrow", "scipy", "sqlalchemy", "litestar")


@dataclass(frozen=True, slots=True)
class Measure:
    """What one contender took.

    Attributes
    ----------
    wall_seconds, cpu_seconds: one value a round; CPU is user and system time, of children too.
    peak_rss_bytes: the most memory held; for a call it is the whole process's, since it started.
    """

    name: str
    wall_seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    peak_rss_bytes: int

    def row(self, **more: Scalar) -> Row:
        """Return the measure as a row of a table: medians, and the slowest and fastest round."""
        return {
            "name": self.name,
            "rounds": len(self.wall_seconds),
            "wall_seconds": round(statistics.median(self.wall_seconds), 6),
            "fastest_seconds": round(min(self.wall_seconds), 6),
            "slowest_seconds": round(max(self.wall_seconds), 6),
            "cpu_seconds": round(statistics.median(self.cpu_seconds), 6),
            "peak_rss_mb": round(self.peak_rss_bytes / _MB, 1),
            **more,
        }


def interleave(calls: Mapping[str, Callable[[], object]], *, rounds: int = 5) -> list[Measure]:
    """Time calls in turn, round by round, so that a busy machine is unjust to all alike; a first round warms up."""
    wall: dict[str, list[float]] = {name: [] for name in calls}
    cpu: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(rounds + 1):
        for name, call in calls.items():
            began, spent = time.perf_counter(), time.process_time()
            call()
            if round_:
                wall[name].append(time.perf_counter() - began)
                cpu[name].append(time.process_time() - spent)
    peak = _peak_rss_bytes(os.getpid())
    return [Measure(name, tuple(wall[name]), tuple(cpu[name]), peak) for name in calls]


def run(name: str, command: Sequence[str], *, rounds: int = 1, cwd: Path | None = None) -> Measure:
    """Time a command from its start to its end; its output goes to standard error.

    Raises
    ------
    subprocess.CalledProcessError: the command failed: a failure is not a result.
    """
    results = [_run_once(command, cwd) for _ in range(rounds)]
    wall, cpu, peaks = zip(*results, strict=True)
    return Measure(name, wall, cpu, max(peaks))


def _run_once(command: Sequence[str], cwd: Path | None) -> tuple[float, float, int]:
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    peak = 0
    while True:
        # Not ru_maxrss: Linux carries into it what the parent held when it started the child.
        peak = max(peak, _peak_rss_bytes(process.pid))
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        time.sleep(_POLL_SECONDS)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return wall, usage.ru_utime + usage.ru_stime, peak


def _peak_rss_bytes(pid: int) -> int:
    """Read the most memory that a process has held; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found[0]) * _KIB if found else 0


def report(name: str, rows: Sequence[Row], directory: Path = RESULTS) -> Path:
    """Print the rows as a table and write them, with the machine, to ``directory/name.json``."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.json"
    body = {"benchmark": name, "at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
    path.write_text(json.dumps({**body, "rows": [dict(row) for row in rows]}, indent=1) + "\n", "utf-8")
    print(f"\n{name}\n{table(rows)}", flush=True)
    return path


def table(rows: Sequence[Row]) -> str:
    """Lay rows out in plain text; a row may lack keys of another.

    >>> print(table([{"name": "ours", "wall_seconds": 0.25}, {"name": "theirs", "wall_seconds": 12.5}]))
    name   | wall_seconds
    -------+-------------
    ours   |         0.25
    theirs |         12.5
    """
    keys = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_cell(row.get(key)) for key in keys] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(keys, *cells, strict=True)]
    numeric = [all(not isinstance(row.get(key), str) for row in rows) for key in keys]

    def line(texts: Sequence[str]) -> str:
        placed = zip(texts, widths, numeric, strict=True)
        return " | ".join(text.rjust(width) if right else text.ljust(width) for text, width, right in placed).rstrip()

    return "\n".join([line(keys), "-+-".join("-" * width for width in widths), *map(line, cells)])


def _cell(value: Scalar) -> str:
    return "" if value is None else str(value)


def machine() -> dict[str, Scalar]:
    """Say what the figures were measured on."""
    facts: dict[str, Scalar] = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)),
    }
    for library in _LIBRARIES:
        try:
            facts[library] = version(library)
        except PackageNotFoundError:
            facts[library] = None
    return facts


def main() -> int:
    """Measure any command: ``python -m benchmarks.harness NAME COMMAND…``."""
    parser = argparse.ArgumentParser(description="Measure a command: wall time, CPU time, peak memory.")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("name", help="what the figures are called: results/NAME.json")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    report(given.name, [run(given.name, given.command, rounds=given.rounds).row()])
    return 0


if __name__ == "__main__":
    sys.exit(main())
