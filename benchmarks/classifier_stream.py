"""What a classifier of days finds in a stream, what it would page where nothing drifts, and what a day costs.

``python -m benchmarks.classifier_stream``; ``cost``, ``drifts`` or ``nulls`` after it runs one part. The worlds and
drifts are those of ``benchmarks.joint``. Days are compared by real children, many days a child; the alert is that of
the classifier alone: its sum of bets reaches the promise's period over its part of the budget, 30 days / (1/2 * 1/4).
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta

import numpy as np
import pyarrow as pa

from benchmarks.harness import Row, report
from benchmarks.joint import CHANGES, Change, Window, World, dependent, flights_split, quarter_days
from monitor.apart.ground import ROWS, Ground, ground_of
from monitor.apart.sample import Sample
from monitor.calibration.conformal import Conformal, bet, forget, unfit
from monitor.comparison import DriftSettings
from monitor.instant import microseconds
from monitor.joint.settings import JointSettings
from monitor.pipeline.evidence import PART
from monitor.pipeline.telling_apart import REFERENCE_LIMITS, STEP_LIMITS
from monitor.record_layout import ColumnsSettings
from monitor.reference import ReferencePlan, compile_reference
from monitor.window import WindowSettings
from monitor.workers import Limits, Task, Workers, pack, unpack

DAY = timedelta(days=1)
HOURS, ROWS_AN_HOUR = 24, 50
REFERENCE_DAYS, STREAM_DAYS, CAP = 60, 120, 20
THRESHOLD = 30 / (0.5 * PART)
DRIFT = DriftSettings(joint=JointSettings(classifier=True))
WORLDS = {"iid, d 20": World(dependent(20)), "AR(.7), d 20": World(dependent(20), 0.15, 0.7)}


def days_of(world: World, seed: int, days: int, change: Change | None = None) -> Iterator[Window]:
    """Yield days of hourly windows, of which each gives a few rows."""
    hours: list[pa.Table] = []
    for hour, rows in world.windows(seed, days * HOURS, change=change):
        hours.append(rows.slice(0, ROWS_AN_HOUR))
        if len(hours) == HOURS:
            yield hour // HOURS, pa.concat_tables(hours)
            hours = []


def flight_days(windows: Iterable[Window]) -> Iterator[Window]:
    """Yield whole days of quarter-days, numbered anew."""
    quarters: list[pa.Table] = []
    for place, rows in windows:
        quarters.append(rows)
        if place % 4 == 3:  # noqa: PLR2004 - the last of four
            yield place // 4, pa.concat_tables(quarters)
            quarters = []


def ground_from(days: Iterable[Window]) -> Ground:
    """Return what days of a reference give; the first and the last of them are left out, as of any reference."""
    numbered = list(days)
    times = np.concatenate([n * microseconds(DAY) + np.arange(rows.num_rows, dtype=np.int64) for n, rows in numbered])
    table = pa.concat_tables(rows for _, rows in numbered)
    window = WindowSettings(length=DAY, every=DAY)
    reference = compile_reference(table, times, ReferencePlan("none", ColumnsSettings(), window, DRIFT))
    ground = ground_of(reference, (table, times), DRIFT, ColumnsSettings())
    if ground is None:
        raise ValueError("a classifier is asked for")
    return ground


def skills_of(ground: Ground, sizes: Iterable[int], steps: pa.Table, limits: Limits = REFERENCE_LIMITS) -> list[float]:
    """Return the skill at each step, as a child finds it."""
    task = Task(
        "monitor.workers.classifier:tell_each", pack({"steps": list(sizes)}, [ground.known, steps]), "x", limits
    )
    with Workers() as workers:
        found: list[float] = unpack(workers.call("benchmark", task))[0]["skills"]
    return found


def stream_skills(ground: Ground, days: Iterable[Window]) -> list[float]:
    """Return the skill at each day of a stream, of the rows that would be held of it."""
    sample, rng = Sample(ground.every, ground.rows, ground.columns), np.random.default_rng(8)
    taken = []
    for number, rows in days:
        at = np.full(rows.num_rows, number * microseconds(DAY), np.int64)
        sample.take(rows, at, rng.integers(0, 2**63, rows.num_rows).astype(np.uint64))
        taken += [held for _, held in sample.finished((number + 1) * microseconds(DAY)) if held.num_rows == ground.rows]
    return skills_of(ground, [held.num_rows for held in taken], pa.concat_tables(taken))


def own_ranks(ground: Ground) -> Conformal:
    """Return what is known once the reference's own days are compared."""
    return Conformal(tuple(skills_of(ground, ground.sizes, pa.table({}) if ground.steps is None else ground.steps)))


def paged(ranks: Conformal, ground: Ground, skills: Iterable[float]) -> Iterator[bool]:
    """Yield for every day whether it pages; a page empties the evidence."""
    for skill in skills:
        ranks = bet(ranks, skill, matters=skill >= ground.least_skill)
        page = ranks.total >= THRESHOLD
        yield page
        ranks = forget(ranks) if page else ranks


def drift_row(name: str, label: str, known: tuple[Ground, Conformal], streams: Iterable[Iterable[Window]]) -> Row:
    """Return the days until a drift is found, over its streams."""
    ground, ranks = known
    delays, skills = [], []
    for days in streams:
        found = stream_skills(ground, days)
        skills += found
        pages = list(paged(ranks, ground, found))
        delays.append(pages.index(True) + 1 if any(pages) else CAP + 1)
    middle = float(np.median(delays))
    return {
        "world": name,
        "drift": label,
        "median days": middle if middle <= CAP else f"> {CAP}",
        "found": f"{sum(delay <= CAP for delay in delays)}/{len(delays)}",
        "skill": round(float(np.median(skills)), 3),
        "highest of the reference": round(max(ranks.own), 3),
        "days of its own": len(ranks.own),
        "unfit": str(unfit(ranks.own) or "-"),
    }


def drifts() -> Iterator[Row]:
    """Yield the delays of all changes in two worlds, and of planes joined wrongly in real flights."""
    for name, world in WORLDS.items():
        ground = ground_from(days_of(world, 1, REFERENCE_DAYS))
        known = ground, own_ranks(ground)
        for label, change in CHANGES.items():
            streams = (days_of(world, 200 + seed, CAP, change) for seed in range(2))
            yield drift_row(name, label, known, streams)
    rows, days = flights_split(0)
    ground = ground_from(flight_days(quarter_days(rows, days[:120])))
    stream = flight_days(quarter_days(rows, days[120 : 120 + CAP], misjoined=True))
    yield drift_row("flights, days shuffled", "planes joined wrongly", (ground, own_ranks(ground)), [stream])


def null_row(name: str, streams: Iterable[tuple[Ground, Iterable[Window]]]) -> Row:
    """Return the pages where nothing drifts, of streams whose reference is fit for bets."""
    days, pages, refused = 0, 0, 0
    for ground, stream in streams:
        ranks = own_ranks(ground)
        if unfit(ranks.own) is not None:
            refused += 1
            continue
        found = list(paged(ranks, ground, stream_skills(ground, stream)))
        days, pages = days + len(found), pages + sum(found)
    return {"null": name, "days": days, "pages": pages, "N in days": int(THRESHOLD), "references refused": refused}


def nulls() -> Iterator[Row]:
    """Yield the pages where nothing drifts, in two worlds and in real flights whose days are shuffled."""
    for name, world in WORLDS.items():
        pairs = (
            (ground_from(days_of(world, seed, REFERENCE_DAYS)), days_of(world, 100 + seed, STREAM_DAYS))
            for seed in range(2)
        )
        yield null_row(name, pairs)
    yield null_row("flights, days shuffled", map(_flights, range(2)))


def _flights(seed: int) -> tuple[Ground, Iterable[Window]]:
    rows, days = flights_split(seed)
    return ground_from(flight_days(quarter_days(rows, days[:120]))), flight_days(quarter_days(rows, days[120:]))


def cost() -> Iterator[Row]:
    """Yield what a child takes to compare one day, and all of a reference's own: seconds of CPU, and its memory."""
    for d in (20, 100):
        rng = np.random.default_rng(1)
        known, steps = (pa.table({f"x{n}": rng.normal(size=size) for n in range(d)}) for size in (2 * ROWS, 38 * ROWS))
        ground = Ground("cost", microseconds(DAY), (), ROWS, known, (), None, 0.0)
        for days in (1, 38):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            skills_of(
                ground, [ROWS] * days, steps.slice(0, ROWS * days), STEP_LIMITS if days == 1 else REFERENCE_LIMITS
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            yield {
                "columns": d,
                "days": days,
                "child, CPU s": round(seconds, 1),
                "largest child so far, MB": after.ru_maxrss // 1024,
                "limits": f"{STEP_LIMITS.seconds:g} s, {STEP_LIMITS.memory_bytes >> 20} MiB",
            }


def main() -> None:
    """Run the parts that are named, or all, and report each."""
    parts = {"cost": cost, "drifts": drifts, "nulls": nulls}
    for name in sys.argv[1:] or parts:
        report(f"classifier_stream_{name}", list(parts[name]()))


if __name__ == "__main__":
    main()
