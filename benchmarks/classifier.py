"""What ``compare --classifier`` tells apart, in the worlds and drifts of ``benchmarks.joint``, and what it costs.

``python -m benchmarks.classifier``. The reference is 20 windows of 1,000 rows, the file compared with it one window or
five. Joint scores find the same drifts in a stream: their delays in windows are those of ``benchmarks.joint``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from benchmarks.harness import Row, report
from benchmarks.joint import CHANGES, Change, World, dependent
from monitor.frame import Taken, compare_tables
from monitor.frame.by_classifier import NAME
from monitor.verdict import Verdict

REFERENCE_WINDOWS, STREAMS = 20, 3
WORLDS = {"iid, d 10": World(dependent(10)), "AR(.7), d 10": World(dependent(10), 0.15, 0.7)}


def rows_of(world: World, seed: int, windows: int, change: Change | None = None) -> pa.Table:
    """Return the rows of so many windows."""
    return pa.concat_tables(rows for _, rows in world.windows(seed, windows, change=change))


def told(name: str, label: str, change: Change | None, windows: int) -> Row:
    """Return in how many streams the classifier finds a change, and what of that the columns find by themselves."""
    world, skills, found, others, carried, seconds = WORLDS[name], [], 0, 0, "", []
    for seed in range(STREAMS):
        reference, current = rows_of(world, seed, REFERENCE_WINDOWS), rows_of(world, 200 + seed, windows, change)
        begun = time.perf_counter()
        body = compare_tables(reference, current, Taken(classifier=True))
        seconds.append(time.perf_counter() - begun)
        verdicts = {column["name"]: column for column in body["columns"]}
        own = verdicts.pop(NAME)
        skills.append(own["distance"])
        found += own["verdict"] == Verdict.DRIFTED.value
        others += any(column["verdict"] == Verdict.DRIFTED.value for column in verdicts.values())
        carried = ", ".join(each["column"] for each in body["classifier"]["carried_by"][:2])
    return {
        "world": name,
        "drift": label,
        "rows": windows * 1_000,
        "found": f"{found}/{STREAMS}",
        "by a column alone": f"{others}/{STREAMS}",
        "skill": round(float(np.median(skills)), 3),
        "carried by": carried,
        "seconds": round(float(np.median(seconds)), 1),
    }


def rows() -> Iterator[Row]:
    """Yield every change in the world that stands still, and nothing at all in both."""
    changes: dict[str, Change | None] = {"nothing": None, **CHANGES}
    for windows in (1, 5):
        yield from (told("iid, d 10", label, change, windows) for label, change in changes.items())
        yield told("AR(.7), d 10", "nothing", None, windows)


if __name__ == "__main__":
    report("classifier", list(rows()))
