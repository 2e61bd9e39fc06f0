"""What all metrics of a classifier cost with their intervals, and how often intervals hold the truth.

``python -m benchmarks.performance_metrics [--coverage] [--samples 2000]``. The first table is of 100,000 rows of a
model of two classes, which may take a second together. ``--coverage`` draws samples from a pool of rows, whose own
value is the truth: an interval of 95 % should hold it 95 times in 100.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.answers import WORLDS, binary, skewed, taken
from benchmarks.harness import Row, interleave, report
from monitor.performance.metric import Metric
from monitor.performance.pairs import Pairs, RankPairs
from monitor.performance.registry import METRICS, metrics_for

_ROWS = 100_000
_BAR_SECONDS = 1.0
_POOL = 200_000
_POOL_LISTS = 20_000
SIZES = (200, 2000)
RARE = 0.02
LEAST, MOST = 0.93, 0.97


def costs(rounds: int = 5) -> list[Row]:
    """Time each metric of two classes, and all of them together."""
    pairs, rng = binary(np.random.default_rng(0), _ROWS), np.random.default_rng(1)
    chosen = metrics_for("binary", has_prediction=True, has_score=True)
    calls = {name: _call(metric, pairs, rng) for name, metric in chosen.items()}
    calls["all of them"] = lambda: [call() for name, call in calls.items() if name in chosen]
    return [measure.row(rows=_ROWS) for measure in interleave(calls, rounds=rounds)]


def _call(metric: Metric, pairs: Pairs, rng: np.random.Generator) -> Callable[[], object]:
    return lambda: metric.compute(pairs, rng)


def pools() -> Iterator[tuple[str, str, Pairs]]:
    """Yield the task and name of each pool of rows that samples are drawn from."""
    for task, world in WORLDS.items():
        yield task, task, world(np.random.default_rng(1), _POOL_LISTS if task == "ranking" else _POOL)
    yield "binary", f"binary, {RARE:.0%} positive", binary(np.random.default_rng(2), _POOL, RARE)
    yield "regression", "regression, log-normal", skewed(np.random.default_rng(3), _POOL)


def coverage(metric: Metric, pool: Pairs, rows: int, samples: int) -> dict[str, float] | None:
    """Return how often the interval holds the pool's value, and misses it above and below; nothing without interval."""
    rng = np.random.default_rng(rows)
    truth = metric.compute(pool, rng)
    if truth.value is None or truth.lower is None:
        return None
    size = len(pool.shown.ends) if isinstance(pool, RankPairs) else len(pool.targets)
    too_high = too_low = known = 0
    for _ in range(samples):
        found = metric.compute(taken(pool, rng.integers(0, size, rows)), rng)
        if found.lower is None or found.upper is None:
            continue
        known += 1
        too_high += found.lower > truth.value
        too_low += found.upper < truth.value
    held = 1 - (too_high + too_low) / known
    return {"held": held, "too_high": too_high / known, "too_low": too_low / known, "without": 1 - known / samples}


def coverages(samples: int) -> Iterator[Row]:
    """Yield a row for each metric with an interval, pool and number of rows."""
    for task, name, pool in pools():
        for metric in METRICS.values():
            if task not in metric.tasks:
                continue
            for rows in SIZES:
                found = coverage(metric, pool, rows, samples)
                if found is not None:
                    mark = "" if LEAST <= found["held"] <= MOST else "narrow" if found["held"] < LEAST else "wide"
                    shares = {key: round(share, 3) for key, share in found.items()}
                    yield {"pool": name, "metric": metric.name, "rows": rows, **shares, "mark": mark}


def main() -> int:
    """Print what is asked for; 1 if all metrics together take longer than they may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--samples", type=int, default=2000)
    given = parser.parse_args()
    if given.coverage:
        report("performance_metrics_coverage", list(coverages(given.samples)))
        return 0
    rows = costs()
    report("performance_metrics", rows)
    return int(float(str(rows[-1]["cpu_seconds"])) > _BAR_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
