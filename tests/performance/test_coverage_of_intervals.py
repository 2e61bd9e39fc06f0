"""How often an interval of 95 % holds the truth, on samples of rows whose own value is known."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from scipy import stats

from benchmarks.answers import WORLDS, binary, skewed
from benchmarks.performance_metrics import LEAST, MOST, RARE, SIZES, coverage
from monitor.performance.pairs import NumberPairs, Pairs
from monitor.performance.registry import METRICS

CASES = [
    (task, name)
    for name, metric in METRICS.items()
    for task in sorted(metric.tasks)
    if metric.interval and ", where popularity is given" not in metric.interval
]
QUICK = [
    ("binary", "f1"),
    ("binary", "mcc"),
    ("binary", "pr_auc"),
    ("binary", "roc_auc"),
    ("binary", "calibration_error"),
    ("multiclass", "f1"),
    ("multilabel", "f1_micro"),
    ("regression", "mae"),
    ("regression", "r2"),
]
"""One of each way to an interval."""
WIDE: dict[str, float] = {"calibration_error": 1.0, "median_error": 0.98}
"""They say so themselves: noise hides small gaps, and order statistics jump."""


HARD = [
    ("log-normal", "rmse"),
    ("log-normal", "r2"),
    ("log-normal", "mae"),
    ("rare", "roc_auc"),
    ("rare", "pr_auc"),
    ("rare", "mcc"),
]
"""Errors of which the largest few decide, and windows with four positive rows."""


@cache
def pool(task: str) -> Pairs:
    """Return many rows of a task, or of what is hard in it."""
    if task == "log-normal":
        return skewed(np.random.default_rng(3), 200_000)
    if task == "rare":
        return binary(np.random.default_rng(2), 200_000, RARE)
    return WORLDS[task](np.random.default_rng(1), 5_000 if task == "ranking" else 50_000)


def holds(task: str, name: str, samples: int, rows: int) -> bool:
    """Say whether 93 to 97 of 100 intervals hold the truth, give or take 2.5 standard errors of that share."""
    found = coverage(METRICS[name], pool(task), rows, samples)
    assert found is not None
    chance = 2.5 * (0.95 * 0.05 / samples) ** 0.5
    return bool(LEAST - chance <= found["held"] <= WIDE.get(name, MOST + chance))


@pytest.mark.parametrize(("task", "name"), QUICK)
def test_an_interval_holds_the_truth(task: str, name: str) -> None:
    """Of windows of 200 rows, 95 in 100 have the true value in their interval."""
    assert holds(task, name, samples=300, rows=200)


@pytest.mark.parametrize(("world", "name"), HARD)
def test_an_interval_holds_the_truth_where_that_is_hard(world: str, name: str) -> None:
    """Of windows in which a few rows decide, 95 in 100 have the true value in their interval all the same."""
    assert holds(world, name, samples=1000, rows=200)


def test_interval_of_a_root_does_not_forget_a_single_row_that_decides() -> None:
    """Where one error is all of it, what lies beyond is unknown: the interval reaches from nothing to twice that."""
    errors = np.zeros(20)
    errors[0] = 10.0
    found = METRICS["rmse"].compute(NumberPairs(np.zeros(20), errors), np.random.default_rng(0))
    assert found.value == pytest.approx((100 / 20) ** 0.5)
    assert found.lower == 0
    assert found.upper is not None
    assert found.upper > 2 * (100 / 20) ** 0.5


def test_jackknife_of_a_ratio_is_what_leaving_out_each_row_gives() -> None:
    """The interval of R² is that of Tukey's pseudo-values of ln(1 - R²), each computed anew without its row."""
    rng = np.random.default_rng(5)
    targets = rng.normal(size=12)
    predictions = targets + rng.normal(size=12)

    def left(kept: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
        apart = targets[kept] - targets[kept].mean()
        return math.log(float(((predictions - targets)[kept] ** 2).sum() / (apart**2).sum()))

    every = np.ones(12, dtype=bool)
    without = [left(np.arange(12) != row) for row in range(12)]
    pseudo = 12 * left(every) - 11 * np.array(without)
    squares = np.square(pseudo - pseudo.mean())
    spare = (squares**2).sum() / squares.sum() ** 2 - 1 / 12
    half = stats.t.ppf(0.975, min(max(2 / spare, 1), 11)) * pseudo.std(ddof=1) / 12**0.5
    found = METRICS["r2"].compute(NumberPairs(targets, predictions), rng)
    ends = [1 - math.exp(pseudo.mean() + half), 1 - math.exp(pseudo.mean() - half)]
    assert (found.lower, found.upper) == pytest.approx(ends)


@pytest.mark.long
@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize(("task", "name"), CASES)
def test_every_interval_holds_the_truth(task: str, name: str, rows: int) -> None:
    """Of windows of 200 and of 2,000 rows, 95 in 100 have the true value in their interval, of every metric."""
    assert holds(task, name, samples=1000, rows=rows)
