"""How often an alarm on performance by betting is false on real flights, and how soon it finds a worse model.

``python -m benchmarks.performance_alarms [--permutations 12]``. The days of 2013 are shuffled, so that nothing drifts
but all that is within a day stays: a model learns 90 of them, 120 are the reference, 155 the stream. A worse model is
one whose right answers are turned into wrong ones, so many points of them. Permutations share their days, which makes
every interval too narrow.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.stats import chi2

from benchmarks.harness import Row, report
from monitor.calibration.betting import LEAST_TARGETS, Bound, Capital, bet, bound
from monitor.calibration.collapse import has_run_over, run_lengths
from monitor.demo.data import load_flights, local_times
from monitor.demo.model import known, train
from monitor.instant import microseconds

_TRAINED, _REFERENCE = 90, 120
_WORSE = (0.03, 0.05, 0.10, 0.25)
_CUT = 0.5
_DAY = microseconds(timedelta(days=1))
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A way to alarm: the parts of a day that are blocks, and N in blocks."""

    name: str
    parts: int
    threshold: float


ALARMS = (
    Alarm("day, 1 a year", 1, 365),
    Alarm("quarter-day, 1 a year", 4, 1460),
    Alarm("quarter-day, N 8640", 4, 8640),
)


@dataclass(frozen=True, slots=True)
class Stream:
    """One permutation: whether each answer was wrong, on which day of the permutation and in which hour."""

    wrong: NDArray[np.bool_]
    day: Ints
    hour: Ints

    def blocks(self, first: int, last: int, parts: int, wrong: NDArray[np.bool_]) -> tuple[Floats, Ints]:
        """Return mean loss and targets of each block of days [first, last); small blocks join the next."""
        inside = (self.day >= first) & (self.day < last)
        number = (self.day[inside] - first) * parts + self.hour[inside] * parts // 24
        losses: Floats = np.bincount(number, weights=wrong[inside], minlength=(last - first) * parts).astype(np.float64)
        return _joined(losses, np.bincount(number, minlength=(last - first) * parts))


def _joined(losses: Floats, targets: Ints) -> tuple[Floats, Ints]:
    means, sizes, lost, held = [], [], 0.0, 0
    for loss, size in zip(losses.tolist(), targets.tolist(), strict=True):
        lost, held = lost + loss, held + size
        if held >= LEAST_TARGETS:
            means.append(lost / held)
            sizes.append(held)
            lost, held = 0.0, 0
    return np.array(means), np.array(sizes, dtype=np.int64)


def streams(permutations: int) -> Iterator[Stream]:
    """Yield each permutation, with the answers of a model that learnt its first days."""
    rows = known(load_flights())
    clock = local_times(rows["timestamp"])
    date = np.asarray(pc.cast(pc.cast(clock, pa.date32()), pa.int32()), dtype=np.int64)
    hour, late = np.asarray(pc.hour(clock), dtype=np.int64), np.asarray(rows["late"], dtype=np.int64)
    days = np.unique(date)
    for seed in range(permutations):
        place = np.empty(len(days), dtype=np.int64)
        place[np.random.default_rng(seed).permutation(len(days))] = np.arange(len(days))
        day = place[np.searchsorted(days, date)]
        model = train(rows.filter(pa.array(day < _TRAINED)), "")
        yield Stream((model.score(rows) >= _CUT).astype(np.int64) != late, day, hour)


def spoiled(stream: Stream, more: float, seed: int) -> NDArray[np.bool_]:
    """Return the answers of a model that is wrong so many points more often, from the stream's first day on."""
    rng = np.random.default_rng((seed, round(more * 100)))
    error = float(stream.wrong[stream.day >= _TRAINED].mean())
    turned = rng.random(len(stream.wrong)) < more / (1 - error)
    return np.where(stream.day >= _TRAINED + _REFERENCE, stream.wrong | turned, stream.wrong)


def alarms(allowed: Bound, losses: Floats, threshold: float) -> list[int]:
    """Return after how many blocks the alarm fires, each time from new."""
    capital, fired = Capital(), []
    for number, loss in enumerate(losses.tolist(), start=1):
        capital = bet(capital, allowed, loss)
        if capital.evidence >= threshold:
            fired.append(number)
            capital = Capital()
    return fired


def first_collapse(allowed: Bound, losses: Floats) -> int | None:
    """Return after how many blocks the level rule fires."""
    ends = range(1, len(losses) + 1)
    return next((end for end in ends if has_run_over(allowed.runs, losses[:end].tolist())), None)


def measured(found: list[Stream], alarm: Alarm) -> Row:
    """Return a line of the table."""
    false, collapsed, blocks, last = 0, 0, 0, int(max(stream.day.max() for stream in found)) + 1
    delays: dict[float, list[float]] = {more: [] for more in _WORSE}
    collapses: list[float] = []
    begin = _TRAINED + _REFERENCE
    for seed, stream in enumerate(found):
        reference, _ = stream.blocks(_TRAINED, begin, alarm.parts, stream.wrong)
        allowed = bound(reference, np.random.default_rng(seed), lengths=run_lengths(_DAY // alarm.parts))
        calm, _ = stream.blocks(begin, last, alarm.parts, stream.wrong)
        collapsed += first_collapse(allowed, calm) is not None
        false, blocks = false + len(alarms(allowed, calm, alarm.threshold)), blocks + len(calm)
        for more, told in delays.items():
            losses, _ = stream.blocks(begin, last, alarm.parts, spoiled(stream, more, seed))
            fired = alarms(allowed, losses, alarm.threshold)
            told.append(fired[0] if fired else np.inf)
            if more == _WORSE[-1]:
                collapses.append(first_collapse(allowed, losses) or np.inf)
    upper = float(chi2.ppf(0.975, 2 * (false + 1)) / 2) * alarm.threshold / blocks
    shown = {f"+{more:.0%}": _delay(told) for more, told in delays.items()}
    return {
        "alarm": alarm.name,
        "blocks": blocks,
        "false": false,
        "false_per_n": f"{false * alarm.threshold / blocks:.2f} (0 to {upper:.2f})",
        **shown,
        "level rule: false": collapsed,
        "level rule: +25%": _delay(collapses),
    }


def _delay(blocks: list[float]) -> str:
    """Return the median delay in blocks, and in how many streams it was found at all."""
    median, found = float(np.median(blocks)), int(np.isfinite(blocks).sum())
    return f"{'--' if np.isinf(median) else f'{median:.0f}'} ({found}/{len(blocks)})"


def main() -> int:
    """Measure, print and write; 1 if an alarm was false."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--permutations", type=int, default=12)
    found = list(streams(parser.parse_args().permutations))
    rows = [measured(found, alarm) for alarm in ALARMS]
    report("performance_alarms", rows)
    return 1 if any(row["false"] or row["level rule: false"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
