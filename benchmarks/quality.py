"""What the quality alert pages where nothing is wrong, and how soon it finds what is.

``python -m benchmarks.quality`` runs both; ``nulls`` or ``faults`` after it runs one. Streams go the way they go in
production: rows, frozen bins, counts, expectations, and an alert after ``for`` violated windows in a row.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.stats import chi2

from benchmarks.false_alarms import whole_days
from benchmarks.harness import Row, report
from monitor.alert import AlertSettings
from monitor.budget import quality_level
from monitor.comparison import DriftSettings
from monitor.demo.data import load_flights
from monitor.instant import microseconds
from monitor.profile import profile_rows
from monitor.quality import Expectations, expectations, violations
from monitor.quality.settings import QualitySettings
from monitor.record_layout import ColumnsSettings
from monitor.reference import Reference, ReferencePlan, compile_reference
from monitor.tally import MISMATCH
from monitor.window import WindowSettings

REFERENCE_DAYS, STREAMS, CAP = 120, 8, 60
ROWS, BLOCKS, WINDOWS = 1000, 480, 2000
RARE = 0.01
LEFT_OUT = ["timestamp", "request_id", "late", "dest"]
FLIGHTS = QualitySettings(pairs=(("dewp", "<=", "temp"),))
PLAIN = QualitySettings(pairs=(("low", "<=", "high"),))
Fault = Callable[[pa.Table, np.random.Generator], pa.Table]


@dataclass(frozen=True, slots=True)
class Stream:
    """A reference as it was compiled, and what follows it, in windows of one length."""

    reference: Reference
    held: Expectations
    windows: Iterable[pa.Table]
    every: timedelta
    least: int

    @property
    def level(self) -> float:
        """Return the chance of a false violation in a window that the budget leaves."""
        return quality_level(AlertSettings(), WindowSettings(length=self.every, every=self.every))


def compiled(
    table: pa.Table, times: NDArray[np.int64], every: timedelta, least: int, how: QualitySettings
) -> Reference:
    """Return a reference, compiled without facets, which no check reads."""
    window = WindowSettings(length=every, every=every, min_rows=least)
    plan = ReferencePlan("none", ColumnsSettings(), window, DriftSettings(facets=False), tallies=how.tallies)
    return compile_reference(table, times, plan)


def flights(seed: int, every: timedelta, least: int) -> Stream:
    """Return the flights of 2013, their days shuffled; a third of them is the reference."""
    rows = whole_days(load_flights())
    length, day = microseconds(every), microseconds(timedelta(days=1))
    times = np.asarray(rows["timestamp"])
    days = np.random.default_rng(seed).permutation(np.unique(times // day))
    rows = rows.drop_columns(LEFT_OUT)
    place = np.empty(int(days.max()) + 1, np.int64)
    place[days] = np.arange(len(days))
    moved = place[times // day] * day + times % day
    order = np.argsort(moved, kind="stable")
    rows, moved = rows.take(pa.array(order)), moved[order]
    end = int(np.searchsorted(moved, REFERENCE_DAYS * day))
    reference = compiled(rows.slice(0, end), moved[:end], every, least, FLIGHTS)
    cuts = np.searchsorted(moved, np.arange(REFERENCE_DAYS * day, len(days) * day + 1, length))
    windows = (rows.slice(a, b - a) for a, b in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))
    return Stream(reference, expectations(reference, FLIGHTS), windows, every, least)


def plain(seed: int) -> Stream:
    """Return independent rows: no window differs from another but by luck."""
    rng, every = np.random.default_rng(seed), timedelta(hours=1)
    table = pa.concat_tables([drawn(rng) for _ in range(BLOCKS)])
    times = np.arange(len(table), dtype=np.int64) * (microseconds(every) // ROWS)
    reference = compiled(table, times, every, ROWS, PLAIN)
    return Stream(reference, expectations(reference, PLAIN), (drawn(rng) for _ in range(WINDOWS)), every, ROWS)


def drawn(rng: np.random.Generator) -> pa.Table:
    """Return a window of independent rows: numbers light and heavy in their tails, categories many and few."""
    low = rng.normal(10, 3, ROWS)
    columns: dict[str, object] = {
        "low": low,
        "high": low + rng.exponential(2, ROWS),
        "heavy": rng.standard_t(2, ROWS),
        "whole": rng.poisson(4, ROWS),
        "few": rng.choice(list("abcde"), ROWS, p=(0.5, 0.3, 0.15, 0.04, 0.01)),
        "many": [str(x) for x in rng.zipf(1.6, ROWS).tolist()],
        "flag": rng.random(ROWS) < RARE,
    }
    for number in range(10):
        columns[f"x{number}"] = rng.normal(size=ROWS)
    found = pa.table(columns)
    return without(found, "x0", 0.02, rng)


def without(table: pa.Table, name: str, ratio: float, rng: np.random.Generator) -> pa.Table:
    """Take a column's value from a share of the rows."""
    gone = pa.array(rng.random(len(table)) < ratio)
    nothing = pa.scalar(None, table[name].type)
    return table.set_column(table.column_names.index(name), name, pc.if_else(gone, nothing, table[name]))


def some(table: pa.Table, name: str, value: object, ratio: float, rng: np.random.Generator) -> pa.Table:
    """Put a value into a share of the rows."""
    there = pa.array(rng.random(len(table)) < ratio)
    new = pc.if_else(there, pa.scalar(value, table[name].type), table[name])
    return table.set_column(table.column_names.index(name), name, new)


def scaled(table: pa.Table, name: str, factor: float) -> pa.Table:
    """Multiply a column."""
    return table.set_column(table.column_names.index(name), name, pc.multiply(table[name].cast(pa.float64()), factor))


def mismatched(table: pa.Table, name: str, ratio: float, rng: np.random.Generator) -> pa.Table:
    """Let a share of a column's values be of another type."""
    bad = pa.array(rng.random(len(table)) < ratio)
    nothing = pc.if_else(bad, pa.scalar(None, table[name].type), table[name])
    gone = table.set_column(table.column_names.index(name), name, nothing)
    return gone.append_column(name + MISMATCH, bad)


def swapped(table: pa.Table, pair: tuple[str, str], ratio: float, rng: np.random.Generator) -> pa.Table:
    """Swap two columns in a share of the rows."""
    there = pa.array(rng.random(len(table)) < ratio)
    a, b = (table[name].cast(pa.float64()) for name in pair)
    for name, mine, other in zip(pair, (a, b), (b, a), strict=True):
        table = table.set_column(table.column_names.index(name), name, pc.if_else(there, other, mine))
    return table


def seen(stream: Stream, fault: Fault | None = None, cap: int | None = None) -> Iterator[list[tuple[str | None, str]]]:
    """Yield what each window with enough rows violates, as (column, check)."""
    rng, looked = np.random.default_rng(7), 0
    binning = stream.reference.binning
    for rows in stream.windows:
        if len(rows) < stream.least:
            continue
        looked += 1
        if cap is not None and looked > cap:
            return
        table = rows if fault is None else fault(rows, rng)
        profile = profile_rows(table, binning, np.zeros(len(table), np.intp), 1)[0]
        yield [(each["column"], each["check"]) for each in violations(stream.held.held, profile, stream.level)]


def episodes(violated: Iterable[bool]) -> int:
    """Count how often an alert fires over windows that are violated or not."""
    settings = AlertSettings()
    fired, streak, calm, firing = 0, 0, 0, False
    for each in violated:
        streak, calm = (streak + 1, 0) if each else (0, calm + 1)
        if not firing and streak >= settings.for_:
            fired, firing = fired + 1, True
        elif firing and calm >= settings.resolve_after:
            firing = False
    return fired


def null_row(name: str, streams: Iterable[Stream]) -> Row:
    """Return violations and alerts where nothing is wrong, against what the budget leaves them."""
    windows, violated, fired, expected, checks = 0, 0, 0, 0.0, 0
    culprits: dict[tuple[str | None, str], int] = {}
    for stream in streams:
        found = list(seen(stream))
        for each in found:
            for culprit in each:
                culprits[culprit] = culprits.get(culprit, 0) + 1
        windows, violated = windows + len(found), violated + sum(map(bool, found))
        fired, expected = fired + episodes(map(bool, found)), expected + len(found) * stream.level
        checks = len(stream.held.held)
    upper = float(chi2.ppf(0.975, 2 * fired + 2)) / 2
    most = sorted(culprits.items(), key=lambda item: -item[1])[:3]
    return {
        "null": name,
        "expectations": checks,
        "windows": windows,
        "violated": violated,
        "alerts": fired,
        "budget": round(expected, 2),
        "result": "pass" if fired <= expected else "FAIL",
        "95 % of alerts": f"{chi2.ppf(0.025, 2 * fired) / 2 if fired else 0.0:.2f}-{upper:.2f}",
        "most often": ", ".join(f"{column or 'table'} {check} {number}" for (column, check), number in most),
    }


def nulls() -> Iterator[Row]:
    """Yield what is paged where nothing is wrong."""
    yield null_row("independent rows, 1,000 an hour", map(plain, range(4)))
    for name, every, least in (
        ("flights, days shuffled, quarter-days", timedelta(hours=6), 100),
        ("flights, days shuffled, hours", timedelta(hours=1), 30),
        ("flights, days shuffled, days", timedelta(days=1), 300),
    ):
        yield null_row(name, (flights(seed, every, least) for seed in range(STREAMS)))


FAULTS: tuple[tuple[str, str, Fault, str], ...] = (
    ("2 % missing becomes 6 %", "plain", lambda t, r: without(t, "x0", 0.041, r), "missing"),
    ("0 % missing becomes 1 %", "plain", lambda t, r: without(t, "x1", 0.01, r), "missing"),
    ("NaN in 1 %", "plain", lambda t, r: some(t, "x1", np.nan, 0.01, r), "non_finite"),
    ("another type in 1 %", "plain", lambda t, r: mismatched(t, "x1", 0.01, r), "type"),
    ("a category that is new, 1 %", "plain", lambda t, r: some(t, "few", "zz", 0.01, r), "unseen"),
    ("low <= high broken in 1 %", "plain", lambda t, r: swapped(t, ("low", "high"), 0.01, r), "low <= high"),
    ("a column stuck", "plain", lambda t, _: scaled(t, "x1", 0.0), "constant"),
    ("temp missing in 4 % more", "flights", lambda t, r: without(t, "temp", 0.04, r), "missing"),
    ("carrier missing in 1 %", "flights", lambda t, r: without(t, "carrier", 0.01, r), "missing"),
    ("distance in metres", "flights", lambda t, _: scaled(t, "distance", 1609.0), "range"),
    ("distance in kilometres", "flights", lambda t, _: scaled(t, "distance", 1.609), "range"),
    ("temp stuck", "flights", lambda t, _: scaled(t, "temp", 0.0), "constant"),
    ("a carrier that is new, 2 %", "flights", lambda t, r: some(t, "carrier", "ZZ", 0.02, r), "unseen"),
    ("dewp <= temp broken in 2 %", "flights", lambda t, r: swapped(t, ("dewp", "temp"), 0.02, r), "dewp <= temp"),
    ("one origin left", "flights", lambda t, r: some(t, "origin", "JFK", 1.0, r), "constant"),
)


def fault_row(name: str, world: str, fault: Fault, check: str) -> Row:
    """Return how many windows it takes until the alert fires, over some streams."""
    quarter = timedelta(hours=6)
    delays = []
    for seed in range(STREAMS // 2):
        stream = plain(seed) if world == "plain" else flights(seed, quarter, 100)
        found = [any(each[1] == check for each in violated) for violated in seen(stream, fault, CAP)]
        pairs = [place for place in range(1, len(found)) if found[place] and found[place - 1]]
        delays.append((found.index(True) + 1 if any(found) else None, pairs[0] + 1 if pairs else None))
    first, fired = (sorted(x for x in each if x is not None) for each in zip(*delays, strict=True))
    return {
        "fault": name,
        "rows": world,
        "check": check,
        "found": f"{len(first)}/{len(delays)}",
        "first violated window, median": first[len(first) // 2] if first else None,
        "alert fires in window, median": fired[len(fired) // 2] if fired else None,
        "fired": f"{len(fired)}/{len(delays)}",
    }


def main() -> int:
    """Run what is asked for; 1 if there were more alerts than the budget allows where nothing is wrong."""
    wanted = sys.argv[1:] or ["nulls", "faults"]
    found = list(nulls()) if "nulls" in wanted else []
    if found:
        report("quality_nulls", found)
    if "faults" in wanted:
        report("quality_faults", [fault_row(*each) for each in FAULTS])
    return int(any(row["result"] == "FAIL" for row in found))


if __name__ == "__main__":
    sys.exit(main())
