"""Runs the peers on a few streams of ours, each in an environment of its own, and judges the same steps ourselves.

``python -m benchmarks.drift.peers ENVIRONMENTS``: the folder that ``environments.sh`` filled. Reference and steps go
to a peer as Parquet, its alerts come back as JSON. A peer alerts in a step if it flags any column (or, where it says
so of the whole, the data set). It does not know of N: its alerts a step stand beside ours.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.drift.faults import Fault, inject
from benchmarks.drift.judged import PEERS as PEERS_RESULT
from benchmarks.drift.judged import read
from benchmarks.drift.real import Shuffled
from benchmarks.drift.referee import referee_of, reference_of
from benchmarks.drift.run import periods_of
from benchmarks.drift.sheet import Sheet, level_names
from benchmarks.drift.streams import N, history
from benchmarks.drift.worlds import Simulation
from benchmarks.harness import RESULTS, report

PEERS = ("evidently", "nannyml", "alibi", "river")
SCRIPT = Path(__file__).with_name("peer.py")
LIMIT_SECONDS = 300
CALM, WATCHED = 24, 8
_ROWS = 10_000  # of a reference: more of them makes a peer too slow
_FAULTS = {
    "iid": Fault("location", 0.3, "f0"),
    "AR .7, day and week": Fault("missing", 0.04, "f1"),
    "flights": Fault("unit", 1.0, "distance"),
}


def main() -> int:
    """Run every peer on every stream, print the table and write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift.peers", description=__doc__)
    parser.add_argument("environments", type=Path)
    parser.add_argument("--only", choices=PEERS, action="append")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name, folder, ours in streams(RESULTS / "drift" / "peers"):
        rows.append({"stream": name, "tool": "driftline", "setting": f"1 page per {N:g}", **ours})
        for peer in given.only or PEERS:
            rows += [{"stream": name, "tool": peer, **found} for found in ask(given.environments, peer, folder)]
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    shutil.copy(report("drift_peers", [*rows, *others(rows)]), PEERS_RESULT)
    return 0


def others(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what is known of the tools that were not asked now."""
    asked = {row["tool"] for row in rows}
    known: list[dict[str, Any]] = read(PEERS_RESULT)["rows"] if PEERS_RESULT.exists() else []
    return [row for row in known if row["tool"] not in asked]


def streams(folder: Path) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """Yield each stream's name, the folder that it was written to, and what our engine says of it."""
    for source, fault in _FAULTS.items():
        past = history(source, 5)
        reference = reference_of(past)
        calm, after = past.steps(CALM), past.steps(WATCHED)
        changed = inject(after, reference, fault, np.random.default_rng(5))
        name = f"{source}, then {fault.name}"
        place = folder / name.replace(" ", "_")
        place.mkdir(parents=True, exist_ok=True)
        write(place / "reference.parquet", reference, at_most=_ROWS)
        write(place / "calm.parquet", calm)
        write(place / "after.parquet", changed)
        yield name, place, ourselves(past, reference, calm, changed)


def ourselves(past: Simulation | Shuffled, reference: Sheet, calm: Sheet, after: Sheet) -> dict[str, Any]:
    """Judge calm steps and those after with our engine."""
    referee = referee_of(reference, N, periods_of(past))
    referee.watch(calm)
    before, begun = len(referee.pages), referee.now
    referee.watch(after)
    late = [page - begun for page in referee.pages[before:]]
    return summary([index < before for index in range(calm.steps)], [at in late for at in range(after.steps)])


def summary(calm: list[bool], after: list[bool]) -> dict[str, Any]:
    """Return the share of calm steps with an alert, and when the first came after the change.

    >>> summary([True, False], [False, True])
    {'steps': 2, 'calm alerts': 0.5, 'first after': 2, 'alerts after': 0.5}
    """
    first = after.index(True) + 1 if True in after else None
    return {
        "steps": len(calm),
        "calm alerts": round(sum(calm) / len(calm), 3),
        "first after": first,
        "alerts after": round(sum(after) / len(after), 3),
    }


def ask(environments: Path, peer: str, folder: Path) -> list[dict[str, Any]]:
    """Return a row for each setting of a peer; one that says why where it fails or takes too long."""
    command = [str(environments / peer / "bin" / "python"), str(SCRIPT), peer, str(folder)]
    environment = {
        **os.environ,
        "DO_NOT_TRACK": "1",
        "NML_DISABLE_USAGE_LOGGING": "1",
        "PYTHONPATH": "",
        "PYTHONWARNINGS": "ignore",
    }
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_SECONDS, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return [{"setting": f"over {LIMIT_SECONDS} s"}]
    if done.returncode:
        return [{"setting": f"failed: {done.stderr.strip().splitlines()[-1][:80]}"}]
    told = json.loads(done.stdout.splitlines()[-1])
    seconds = told.pop("seconds")
    return [
        {"setting": name, **summary(found["calm"], found["after"]), "seconds a step": round(seconds[name], 3)}
        for name, found in told.items()
    ]


def write(path: Path, sheet: Sheet, at_most: int | None = None) -> None:
    """Write a sheet as Parquet, with the step of each row; of a long one evenly spaced rows."""
    rows = len(sheet.step)
    kept = np.arange(rows) if at_most is None or rows <= at_most else np.linspace(0, rows - 1, at_most).astype(np.int64)
    table: dict[str, pa.Array] = {"__step": pa.array(sheet.step[kept])}
    for name, values in sheet.columns.items():
        some = values[kept]
        if name in sheet.levels:
            table[name] = pa.array(level_names(sheet.levels[name], some), pa.string())
        else:
            table[name] = pa.array(some, mask=np.isnan(some))
    pq.write_table(pa.table(table), path)


if __name__ == "__main__":
    sys.exit(main())
