"""How often a comparison of two live versions errs while it is looked at after every window, and how soon it decides.

``python -m benchmarks.versions [--streams 200]``. Nothing differs: simulated blocks, alone and in storms; real flights
of one model whose records are split by chance; two models on the same flights, where each day (or only each quarter of
one) a coin says which of them is called the newer. Something differs: a model of January to March beside one of April
to June on the flights of July to December, each at the same flights, at half of them, at a tenth; and simulated losses.
``naive`` is a z test of all rows so far, looked at as often; ``finest alone`` is ours without the coarser scales.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import binom, norm

from benchmarks.harness import Row, report
from monitor.calibration.difference import Contest, Side, difference, enter, rows_needed
from monitor.demo.data import load_flights
from monitor.demo.model import Model, known, predictions, train
from monitor.instant import SECOND, from_text

ALPHA = 0.05 / 4
"""Of one figure, by default."""
_DAY = 86_400 * SECOND
_ROWS, _BLOCKS = 200, 200
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stream:
    """Sums and rows of both sides in each block, (B,)."""

    new: Floats
    new_rows: Ints
    old: Floats
    old_rows: Ints

    def sides(self) -> Iterator[tuple[Side, Side]]:
        """Yield both sides of each block."""
        columns = (self.new.tolist(), self.new_rows.tolist(), self.old.tolist(), self.old_rows.tolist())
        for new, new_rows, old, old_rows in zip(*columns, strict=True):
            yield Side(new, new_rows), Side(old, old_rows)


def decided(stream: Stream, *, alone: bool = False) -> int | None:
    """Return after how many blocks it is decided, looked at after each; ``alone``: by the finest scale."""
    contest = Contest()
    for number, (new, old) in enumerate(stream.sides(), start=1):
        contest = enter(contest, new, old)
        if alone:
            contest = Contest(contest.waiting, contest.rows, contest.scales[:1])
        found = difference(contest, ALPHA)
        if found is not None and (found.lower > 0 or found.upper < 0):
            return number
    return None


def foretold(stream: Stream, blocks: int) -> int | None:
    """Return how many rows of the newer version were foretold after so many blocks, those before included."""
    contest = Contest()
    for new, old in list(stream.sides())[:blocks]:
        contest = enter(contest, new, old)
    found = difference(contest, ALPHA)
    more = None if found is None else rows_needed(contest, ALPHA, found.value)
    return None if more is None else more + contest.rows[0]


def naive(stream: Stream) -> bool:
    """Say whether a z test of all rows so far ever says that they differ, of losses that are 0 or 1."""
    new, old, m, n = (np.cumsum(each) for each in (stream.new, stream.old, stream.new_rows, stream.old_rows))
    told = (m > 0) & (n > 0)
    p, q = new[told] / m[told], old[told] / n[told]
    error = np.sqrt(p * (1 - p) / m[told] + q * (1 - q) / n[told])
    far = np.abs(p - q) > norm.ppf(1 - ALPHA / 2) * error
    return bool((far & (error > 0)).any())


def simulated(rng: np.random.Generator, more: float = 0.0, storm: float = 0.0, carry: float = 0.0) -> Stream:
    """Return losses of 0 or 1, 15 % in the older version; a storm is what the difference wanders by, from -1 to 1."""
    wander, level = np.zeros(_BLOCKS), 0.0
    for place, shock in enumerate(rng.normal(size=_BLOCKS)):
        level = carry * level + np.sqrt(1 - carry**2) * shock
        wander[place] = level
    rows = np.full(_BLOCKS, _ROWS)
    share = np.clip(0.15 + more + storm * wander, 0, 1)
    return Stream(
        rng.binomial(_ROWS, share).astype(float), rows, rng.binomial(_ROWS, 0.15, _BLOCKS).astype(float), rows
    )


@dataclass(frozen=True, slots=True)
class Flights:
    """Flights with what two models answered: wrong or not, 0 or 1, (n,); times in microseconds."""

    times: Ints
    first: Floats
    second: Floats

    def split(self, length: int, share: float, seed: int, *, alike: bool) -> Stream:
        """Return blocks of a length in which a share of the flights is the newer model's; ``alike``: both the first."""
        chosen = np.random.default_rng(seed).random(len(self.times)) < share
        newer = self.first if alike else self.second
        return self._stream(length, newer * chosen, chosen, self.first * ~chosen, ~chosen)

    def shadow(self, length: int, turn: int = 0, seed: int = 0) -> Stream:
        """Return blocks in which both answer all; with ``turn`` a coin says each such length which one is the newer."""
        all_ = np.ones(len(self.times), dtype=np.bool_)
        turned = np.zeros(len(self.times), dtype=np.bool_)
        if turn:
            _, place = np.unique(self.times // turn, return_inverse=True)
            turned = (np.random.default_rng(seed).random(int(place.max()) + 1) < 0.5)[place]  # noqa: PLR2004 - a coin
        new, old = np.where(turned, self.first, self.second), np.where(turned, self.second, self.first)
        return self._stream(length, new, all_, old, all_)

    def _stream(
        self, length: int, new: Floats, mine: NDArray[np.bool_], old: Floats, theirs: NDArray[np.bool_]
    ) -> Stream:
        _, block = np.unique(self.times // length, return_inverse=True)
        size = int(block.max()) + 1

        def summed(weights: Floats | NDArray[np.bool_]) -> Floats:
            total: Floats = np.zeros(size)
            np.add.at(total, block, weights)
            return total

        return Stream(summed(new), summed(mine).astype(np.int64), summed(old), summed(theirs).astype(np.int64))


def flights() -> Flights:
    """Return the flights of July to December under a model of January to March, and one of April to June."""
    rows = known(load_flights())
    times = np.asarray(rows["timestamp"], dtype=np.int64)
    cuts = [int(np.searchsorted(times, from_text(f"2013-{month}-01T00:00:00Z"))) for month in ("04", "07")]
    served = rows.slice(cuts[1])
    late = np.asarray(served["late"], dtype=np.int64)

    def wrong(model: Model) -> Floats:
        found: Floats = np.asarray(predictions(model.score(served)) != late, dtype=np.float64)
        return found

    parts = (rows.slice(0, cuts[0]), rows.slice(cuts[0], cuts[1] - cuts[0]))
    models = [train(pa.table(part), str(number)) for number, part in enumerate(parts, start=1)]
    return Flights(times[cuts[1] :], wrong(models[0]), wrong(models[1]))


def false_row(name: str, number: int, stream_of: Callable[[int], Stream], *, barred: bool) -> Row:
    """Return a line of the table of what is false."""
    streams = [stream_of(seed) for seed in range(number)]
    wrong = sum(decided(stream) is not None for stream in streams)
    broken = barred and bool(binom.sf(wrong - 1, number, ALPHA) < 0.01)  # noqa: PLR2004 - one false bar in a hundred
    return {
        "nothing differs": name,
        "blocks": len(streams[0].new),
        "comparisons": number,
        "wrong": wrong,
        "wrong_ratio": wrong / number,
        "allowed_ratio": ALPHA if barred else None,
        "finest_alone_wrong": sum(decided(stream, alone=True) is not None for stream in streams),
        "naive_wrong_ratio": sum(map(naive, streams)) / number,
        "broken": broken,
    }


def delay_row(name: str, streams: list[Stream]) -> Row:
    """Return a line of the table of what is found."""
    found = [decided(stream) for stream in streams]
    both = [(stream, number) for stream, number in zip(streams, found, strict=True) if number is not None]
    blocks = [number for _, number in both]
    rows = [int(stream.new_rows[:number].sum()) for stream, number in both]
    told = [each for stream, number in both if (each := foretold(stream, max(number // 2, 5))) is not None]
    alone = [number for stream in streams if (number := decided(stream, alone=True)) is not None]
    seen = [s.new.sum() / s.new_rows.sum() - s.old.sum() / s.old_rows.sum() for s in streams]
    return {
        "something differs": name,
        "difference": round(float(np.mean(seen)), 4),
        "decided": f"{len(blocks)} of {len(streams)}",
        "median_blocks": float(np.median(blocks)) if blocks else None,
        "finest_alone": f"{np.median(alone):.0f} ({len(alone)} of {len(streams)})" if alone else "--",
        "median_rows": float(np.median(rows)) if rows else None,
        "median_rows_foretold_halfway": float(np.median(told)) if told else None,
    }


def _nulls(real: Flights, number: int) -> Iterator[Row]:
    some = max(number // 4, 1)
    yield false_row("simulated", number, lambda seed: simulated(np.random.default_rng(seed)), barred=True)
    for carry, barred in ((0.5, False), (0.9, False)):
        name = f"simulated, storms of 2.5 points, {carry} carried over"
        yield false_row(
            name,
            some,
            lambda seed, carry=carry: simulated(np.random.default_rng(seed), 0.0, 0.025, carry),  # type: ignore[misc]
            barred=barred,
        )
    for name, length in (("day", _DAY), ("quarter of a day", _DAY // 4)):
        yield false_row(
            f"one model, flights split in half, {name}",
            some,
            lambda seed, length=length: real.split(length, 0.5, seed, alike=True),  # type: ignore[misc]
            barred=True,
        )
    for name, length, turn in (
        ("each day", _DAY, _DAY),
        ("each quarter of a day", _DAY // 4, _DAY // 4),
        ("each day, blocks of a quarter", _DAY // 4, _DAY),
    ):
        yield false_row(
            f"two models, a coin {name}",
            some,
            lambda seed, length=length, turn=turn: real.shadow(length, turn, seed),  # type: ignore[misc]
            barred=length == turn,
        )


def _found(real: Flights) -> Iterator[Row]:
    for more in (0.1, 0.05, 0.02):
        streams = [simulated(np.random.default_rng((seed, round(1000 * more))), more) for seed in range(20)]
        yield delay_row(f"simulated, {100 * more:.0f} points", streams)
    for name, length in (("day", _DAY), ("quarter of a day", _DAY // 4)):
        yield delay_row(f"flights, the same, {name}", [real.shadow(length)])
        for share in (0.5, 0.1):
            streams = [real.split(length, share, seed, alike=False) for seed in range(10)]
            yield delay_row(f"flights, {share:.0%} the newer's, {name}", streams)


def main() -> int:
    """Measure, print and write; 1 if what is promised is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=200)
    number = parser.parse_args().streams
    real = flights()
    found = list(_found(real))
    false = list(_nulls(real, number))
    report("versions_false", false)
    report("versions_found", found)
    return int(any(row["broken"] for row in false))


if __name__ == "__main__":
    sys.exit(main())
