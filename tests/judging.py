"""A judge fed with windows drawn by a function: how much evidence a calm stream gathers, and when a drift is found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from monitor.alert import AlertSettings
from monitor.comparison import DriftSettings
from monitor.judge import FINE_METHODS, Judge, compile_judge, first_memory, gather, judge_step
from monitor.profile import profile_rows
from monitor.record_layout import ColumnsSettings
from monitor.reference import ReferencePlan, compile_reference
from monitor.window import WindowSettings
from tests.worlds import HOUR

HOURS, PER_HOUR = 200, 60
NO_SETTINGS = DriftSettings()
Draw = Callable[[np.random.Generator, np.ndarray], pa.Table]
"""From a generator and event times, rising, to rows with a column ``timestamp``."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a stream gave: its largest evidence, and by window what paged."""

    highest: float
    pages: dict[int, tuple[str, ...]]

    @property
    def first(self) -> int:
        """Return how many windows it took until the first page."""
        return min(self.pages) + 1


def stamped(times: np.ndarray, **columns: object) -> pa.Table:
    """Return rows with event times and these columns."""
    return pa.table({"timestamp": pa.array(times)} | columns)


def judge_of(draw: Draw, drift: DriftSettings = NO_SETTINGS, *, hours: int = HOURS, rows: int = PER_HOUR) -> Judge:
    """Return the judge of a reference drawn from hours of so many rows."""
    times = np.sort(np.random.default_rng(1).integers(0, hours * HOUR, hours * rows))
    table, window = draw(np.random.default_rng(2), times), WindowSettings(min_rows=30)
    plan = ReferencePlan("none", ColumnsSettings(), window, drift, FINE_METHODS)
    return compile_judge(compile_reference(table, times, plan), drift, AlertSettings(), window)


def listen(judge: Judge, draw: Draw, windows: Iterable[int], rows: int = PER_HOUR) -> Heard:
    """Return what hours after the reference give, each drawn from a seed of its own; a page starts anew."""
    memory, highest, pages = first_memory(judge), 0.0, {}
    for window in windows:
        rng = np.random.default_rng((3, window))
        begin = (HOURS + window) * HOUR
        table = judge.reference.widened(draw(rng, begin + np.sort(rng.integers(0, HOUR, rows))))
        profile = profile_rows(table, judge.reference.binning, np.zeros(rows, np.intp), 1)[0]
        memory, found = judge_step(judge, gather(judge, memory, profile), HOURS + window, frozen=False, sharing=1)
        highest = max(highest, found.evidence)
        if found.evidence >= found.threshold:
            pages[window] = found.culprits
            memory = first_memory(judge)
    return Heard(highest, pages)


def cut_alike(judge: Judge, table: pa.Table) -> bool:
    """Say whether every derived value is the same, bit for bit, in whatever piece of the rows its row comes."""
    whole = judge.reference.widened(table)
    for size in (1, 7, 64):
        pieces = [judge.reference.widened(table.slice(at, size)) for at in range(0, table.num_rows, size)]
        if not _alike(whole, pa.concat_tables(pieces)):
            return False
    return True


def _alike(one: pa.Table, other: pa.Table) -> bool:
    return all(repr(a.to_pylist()) == repr(b.to_pylist()) for a, b in zip(one.columns, other.columns, strict=True))
