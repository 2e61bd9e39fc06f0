"""What watching joint scores finds, what it pages where nothing drifts, and what it costs; with them and without.

``python -m benchmarks.joint`` runs all; ``nulls``, ``drifts`` or ``cost`` after it runs one part. Streams go the way
they go in production: rows, frozen bins, counts, engine; a page empties the evidence, and the stream goes on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import chi2

from benchmarks.harness import Row, interleave, report
from monitor.alert import AlertSettings
from monitor.comparison import DriftSettings
from monitor.demo.data import FEATURES, load_flights
from monitor.instant import microseconds
from monitor.joint.settings import JointSettings
from monitor.judge import FINE_METHODS, Judge, compile_judge, first_memory, forget, gather, judge_step
from monitor.profile import Profile, profile_rows
from monitor.record_layout import ColumnsSettings
from monitor.reference import ReferencePlan, compile_reference
from monitor.window import WindowSettings

ROWS, BLOCKS = 1000, 336
"""Rows of a window, and windows of a simulated reference."""
QUARTER = timedelta(hours=6)
REFERENCE_DAYS, MIN_ROWS = 120, 100
CAP = 100
"""A drift that is not found within so many windows is not found."""
ON, OFF = JointSettings(columns=24), JointSettings(columns=0)
Floats = NDArray[np.float64]
Window = tuple[int, pa.Table]
"""The number of its stretch of time, and its rows."""
Change = Callable[[Floats, np.random.Generator], Floats]


@dataclass(frozen=True, slots=True)
class World:
    """Columns that depend on a few hidden factors, in windows whose level and dependence may wander.

    Attributes
    ----------
    correlation: of the columns, (d, d).
    wander: deviation of a window's shift of each column, and of the log of the strength of what all share.
    memory: correlation of the wander of two windows that follow.
    """

    correlation: Floats
    wander: float = 0.0
    memory: float = 0.0

    def windows(self, seed: int, number: int, first: int = 0, change: Change | None = None) -> Iterator[Window]:
        """Yield windows; ``change`` is made to the rows of each."""
        rng = np.random.default_rng(seed)
        d = len(self.correlation)
        root = np.linalg.cholesky(self.correlation)
        state = rng.normal(size=d + 1)
        for index in range(number):
            state = self.memory * state + np.sqrt(1 - self.memory**2) * rng.normal(size=d + 1)
            factor = rng.normal(size=(ROWS, 1)) * np.exp(self.wander * state[d])
            rows = rng.normal(size=(ROWS, d)) @ root.T + self.wander * state[:d]
            rows[:, 2 : 2 + d // 4] += self.wander * 3 * factor
            yield first + index, table_of(rows if change is None else change(rows, rng))


def table_of(rows: Floats) -> pa.Table:
    """Return rows as a table."""
    return pa.table({f"x{place}": column for place, column in enumerate(rows.T)})


def dependent(d: int, seed: int = 0) -> Floats:
    """Return a correlation matrix: the first two columns by 0.8, the others by three hidden factors."""
    loads = np.random.default_rng(seed).normal(size=(d - 2, 3)) * 0.6
    found = np.eye(d)
    found[2:, 2:] += loads @ loads.T
    scale = np.sqrt(np.diag(found))
    found /= np.outer(scale, scale)
    found[0, 1] = found[1, 0] = 0.8
    return found


def judge_of(windows: Iterable[Window], joint: JointSettings, every: timedelta = timedelta(hours=1)) -> Judge:
    """Compile a judge from the windows of a reference."""
    numbered = list(windows)
    length = microseconds(every)
    times = np.concatenate([n * length + np.arange(rows.num_rows, dtype=np.int64) for n, rows in numbered])
    drift, window = DriftSettings(joint=joint), WindowSettings(length=every, every=every, min_rows=MIN_ROWS)
    plan = ReferencePlan("none", ColumnsSettings(), window, drift, FINE_METHODS)
    reference = compile_reference(pa.concat_tables(rows for _, rows in numbered), times, plan)
    return compile_judge(reference, drift, AlertSettings(), window)


def counted(judge: Judge, rows: pa.Table) -> Profile:
    """Return the counts of rows, joint scores among them."""
    wide = judge.reference.widened(rows)
    return profile_rows(wide, judge.reference.binning, np.zeros(rows.num_rows, np.intp), 1)[0]


def pages(judge: Judge, windows: Iterable[Window]) -> Iterator[tuple[bool, str]]:
    """Yield for every step whether it pages, and the column that carries most of the evidence."""
    memory = first_memory(judge)
    for number, rows in windows:
        memory = gather(judge, memory, counted(judge, rows))
        if memory.rows < MIN_ROWS:
            continue
        memory, finding = judge_step(judge, memory, number, frozen=False, sharing=1)
        paged = finding.evidence >= finding.threshold
        yield paged, finding.culprits[0]
        memory = forget(judge, memory) if paged else memory


def quarter_days(rows: pa.Table, days: NDArray[np.int64], *, misjoined: bool = False) -> Iterator[Window]:
    """Yield quarter-days of real days in a given order; misjoined: each flight with another flight's plane."""
    times = np.asarray(rows["timestamp"])
    quarter = times // microseconds(QUARTER)
    features, rng = rows.select(FEATURES), np.random.default_rng(9)
    for place, day in enumerate(days.tolist()):
        for part in range(4):
            first, end = np.searchsorted(quarter, [4 * day + part, 4 * day + part + 1])
            window = features.slice(first, end - first)
            if misjoined:
                order = pa.array(rng.permutation(window.num_rows))
                for name in ("seats", "engines", "age"):
                    at = window.column_names.index(name)
                    window = window.set_column(at, name, window[name].take(order))
            yield 4 * place + part, window


def flights_split(seed: int) -> tuple[pa.Table, NDArray[np.int64]]:
    """Return the flights of 2013 and their days, shuffled."""
    rows = load_flights()
    days = np.unique(np.asarray(rows["timestamp"]) // microseconds(timedelta(days=1)))
    return rows, np.random.default_rng(seed).permutation(days)


def null_row(name: str, joint: JointSettings, streams: Iterable[tuple[Judge, Iterable[Window]]]) -> Row:
    """Return pages where nothing drifts, over all streams, with Poisson's exact interval."""
    steps, paged, by_joint, budget, calibrated = 0, 0, 0, 0.0, True
    for judge, windows in streams:
        budget = judge.engine.threshold if judge.engine else np.inf
        calibrated = calibrated and judge.calibrated
        for page, culprit in pages(judge, windows):
            steps, paged, by_joint = steps + 1, paged + page, by_joint + (page and culprit.startswith("joint."))
    lower = chi2.ppf(0.025, 2 * paged) / 2 if paged else 0.0
    scale = budget / max(steps, 1)
    upper = float(chi2.ppf(0.975, 2 * paged + 2)) / 2
    return {
        "null": name,
        "joint": bool(joint.columns),
        "steps": steps,
        "pages": paged,
        "led by joint": by_joint,
        "N": int(budget),
        "pages per N": round(paged * scale, 2),
        "95 %": f"{lower * scale:.2f}-{upper * scale:.2f}",
        "calibrated": calibrated,
    }


def nulls() -> Iterator[Row]:
    """Yield pages where nothing drifts: simulated worlds, and real flights whose days are shuffled."""
    worlds = {
        "iid, d 20": World(dependent(20)),
        "AR(.7) level and dependence, d 20": World(dependent(20), 0.15, 0.7),
    }
    for joint in (ON, OFF):
        for name, world in worlds.items():
            pairs = (
                (judge_of(world.windows(seed, BLOCKS), joint), world.windows(100 + seed, 750, BLOCKS))
                for seed in range(2)
            )
            yield null_row(name, joint, pairs)
        yield null_row("flights, quarter-days, days shuffled", joint, map(partial(_flights, joint), range(2)))


def _flights(joint: JointSettings, seed: int, *, misjoined: bool = False) -> tuple[Judge, Iterable[Window]]:
    rows, days = flights_split(seed)
    judge = judge_of(quarter_days(rows, days[:REFERENCE_DAYS]), joint, QUARTER)
    stream = quarter_days(rows, days[REFERENCE_DAYS:], misjoined=misjoined)
    return judge, ((4 * REFERENCE_DAYS + number, window) for number, window in stream)


def loosened(rows: Floats, rng: np.random.Generator) -> Floats:
    """Take all dependence from the first column, and leave its values."""
    return _shuffled(rows, rng, 0)


def _shuffled(rows: Floats, rng: np.random.Generator, place: int) -> Floats:
    found = rows.copy()
    found[:, place] = rng.permutation(rows[:, place])
    return found


def joined_wrongly(rows: Floats, rng: np.random.Generator) -> Floats:
    """Shuffle one column that depends on hidden factors against the others."""
    return _shuffled(rows, rng, 4)


def turned(rows: Floats, rng: np.random.Generator) -> Floats:
    """Turn ten columns by a fixed rotation, each then scaled to variance 1 again: normal margins stay as they were."""
    del rng
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(10, 10)))[0]
    found = rows.copy()
    found[:, :10] = rows[:, :10] @ turn
    found[:, :10] /= np.sqrt(np.diag(turn.T @ dependent(rows.shape[1])[:10, :10] @ turn))
    return found


def tied(rows: Floats, rng: np.random.Generator) -> Floats:
    """Make two columns depend by 0.5 that did not: a tie that no watched pair need hold."""
    del rng
    found = rows.copy()
    found[:, 4] = 0.5 * rows[:, 0] + np.sqrt(0.75) * rows[:, 4]
    return found


CHANGES: dict[str, Change] = {
    "correlation .8 to 0": loosened,
    "one column shuffled": joined_wrongly,
    "rotation of 10": turned,
    "new correlation .5": tied,
    "one mean by 0.1 sd": lambda rows, _: rows + 0.1 * (np.arange(rows.shape[1]) == 0),
}
"""Drift that leaves every column's own distribution as it was, and one that does not."""


def drift_rows(world: World, name: str, changes: Mapping[str, Change]) -> Iterator[Row]:
    """Yield the windows until each change is found, with joint scores and without, over five streams."""
    for joint in (ON, OFF):
        judge = judge_of(world.windows(1, BLOCKS), joint)
        for label, change in changes.items():
            delays, culprits = [], []
            for seed in range(5):
                found = enumerate(pages(judge, world.windows(200 + seed, CAP, BLOCKS, change)), 1)
                delay, culprit = next(((k, who) for k, (page, who) in found if page), (CAP + 1, "-"))
                delays.append(delay)
                culprits.append(culprit)
            middle = float(np.median(delays))
            yield {
                "world": name,
                "drift": label,
                "joint": bool(joint.columns),
                "median windows": middle if middle <= CAP else f"> {CAP}",
                "found": f"{sum(delay <= CAP for delay in delays)}/5",
                "led by": max(culprits, key=culprits.count),
            }


def drifts() -> Iterator[Row]:
    """Yield the delays of all changes, in three worlds and on real flights."""
    yield from drift_rows(World(dependent(10)), "iid, d 10", CHANGES)
    yield from drift_rows(World(dependent(20)), "iid, d 20", CHANGES)
    yield from drift_rows(World(dependent(20), 0.15, 0.7), "AR(.7), d 20", CHANGES)
    for joint in (ON, OFF):
        found = enumerate(pages(*_flights(joint, 0, misjoined=True)), 1)
        delay, who = next(((k, who) for k, (page, who) in found if page), (None, "-"))
        what: Row = {"world": "flights, quarter-days", "drift": "planes joined wrongly", "joint": bool(joint.columns)}
        yield {**what, "median windows": delay or "not in 980", "found": f"{int(delay is not None)}/1", "led by": who}


def cost() -> Iterator[Row]:
    """Yield what a record, a step and a reference cost, in microseconds, milliseconds and seconds of CPU time."""
    for d in (20, 100):
        reference, batch = list(World(dependent(d)).windows(3, 100)), World(dependent(d)).windows(4, 10)
        rows = pa.concat_tables(window for _, window in batch).combine_chunks()
        for joint in (OFF, ON):
            begun = time.process_time()
            judge = judge_of(reference, joint)
            seconds = time.process_time() - begun
            memory = gather(judge, first_memory(judge), counted(judge, rows))
            stepped = partial(judge_step, judge, memory, 100, frozen=False, sharing=1)
            intake, step = interleave({"intake": partial(counted, judge, rows), "step": stepped}, rounds=9)
            yield {
                "columns": d,
                "joint": bool(joint.columns),
                "watched": len(judge.watched),
                "count, us a record": round(float(np.median(intake.cpu_seconds)) / rows.num_rows * 1e6, 2),
                "step, ms": round(float(np.median(step.cpu_seconds)) * 1e3, 2),
                "compile 100,000 rows, s": round(seconds, 1),
            }


def main() -> None:
    """Run the parts that are named, or all, and report each."""
    parts = {"cost": cost, "drifts": drifts, "nulls": nulls}
    for name in sys.argv[1:] or parts:
        report(f"joint_{name}", list(parts[name]()))


if __name__ == "__main__":
    main()
