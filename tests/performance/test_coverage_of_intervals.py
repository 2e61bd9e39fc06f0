"""How often an interval of 95 % holds the truth, on samples of rows whose own value is known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from benchmarks.answers import WORLDS
from benchmarks.performance_metrics import LEAST, MOST, SIZES, coverage
from monitor.performance.pairs import Pairs
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


@cache
def pool(task: str) -> Pairs:
    """Return many rows of a task."""
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


@pytest.mark.long
@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize(("task", "name"), CASES)
def test_every_interval_holds_the_truth(task: str, name: str, rows: int) -> None:
    """Of windows of 200 and of 2,000 rows, 95 in 100 have the true value in their interval, of every metric."""
    assert holds(task, name, samples=1000, rows=rows)
