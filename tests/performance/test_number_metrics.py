"""The metrics of regressions against scikit-learn's and their definitions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as oracle

from benchmarks.answers import numbers
from monitor.performance.metric import Undefined
from monitor.performance.pairs import NumberPairs
from monitor.performance.quantile_loss import quantile_loss
from monitor.performance.registry import METRICS

EXACT = 1e-12
Floats = NDArray[np.float64]
ORACLES: dict[str, Callable[[Floats, Floats], float]] = {
    "mae": oracle.mean_absolute_error,
    "rmse": oracle.root_mean_squared_error,
    "mape": oracle.mean_absolute_percentage_error,
    "smape": lambda targets, predictions: float(
        np.mean(2 * np.abs(predictions - targets) / (np.abs(predictions) + np.abs(targets)))
    ),
    "msle": oracle.mean_squared_log_error,
    "r2": oracle.r2_score,
    "median_error": oracle.median_absolute_error,
    "bias": lambda targets, predictions: float(np.mean(predictions) - np.mean(targets)),
    "quantile_loss_at_0.5": lambda targets, predictions: float(oracle.mean_pinball_loss(targets, predictions)),
}


def of(targets: list[float], predictions: list[float]) -> NumberPairs:
    """Return answers."""
    return NumberPairs(np.array(targets), np.array(predictions))


def why(name: str, pairs: NumberPairs) -> Undefined | None:
    """Return why a metric has no value."""
    reason: Undefined | None = METRICS[name].compute(pairs, np.random.default_rng(0)).why
    return reason


@pytest.mark.parametrize("rows", [7, 500])
@pytest.mark.parametrize("name", sorted(ORACLES))
def test_a_metric_is_scikit_learns(name: str, rows: int) -> None:
    """The value of a metric of numbers is that of scikit-learn, or its definition where that has none."""
    pairs = numbers(np.random.default_rng(rows), rows)
    found = METRICS[name].compute(pairs, np.random.default_rng(0)).value
    assert found == pytest.approx(ORACLES[name](pairs.targets, pairs.predictions), abs=EXACT)


@pytest.mark.parametrize("quantile", [0.1, 0.9])
def test_a_quantile_loss_is_scikit_learns_pinball(quantile: float) -> None:
    """The loss at a quantile is the mean pinball loss."""
    pairs = numbers(np.random.default_rng(0), 300)
    found = quantile_loss(quantile).compute(pairs, np.random.default_rng(0)).value
    assert found == pytest.approx(oracle.mean_pinball_loss(pairs.targets, pairs.predictions, alpha=quantile), abs=EXACT)


@pytest.mark.parametrize("quantile", [0.0, 1.0, float("nan")])
def test_a_quantile_lies_between_0_and_1(quantile: float) -> None:
    """There is no loss at the ends of a distribution."""
    with pytest.raises(ValueError, match="quantile"):
        quantile_loss(quantile)


@pytest.mark.parametrize(
    ("name", "pairs", "reason"),
    [
        ("r2", of([3, 3, 3], [1, 2, 3]), Undefined.CONSTANT_TARGET),
        ("r2", of([0.1 + 0.2, 0.3, 0.3], [1, 2, 3]), Undefined.CONSTANT_TARGET),
        ("r2", of([3], [2]), Undefined.CONSTANT_TARGET),
        ("mape", of([0, 1], [1, 1]), Undefined.ZERO_TARGETS),
        ("msle", of([-2, 1], [1, 1]), Undefined.VALUES_TOO_LOW),
        ("msle", of([2, 1], [-1, 1]), Undefined.VALUES_TOO_LOW),
        ("interval_coverage", of([2, 1], [1, 1]), Undefined.NO_BOUNDS),
        ("mae", of([2, 1], [np.nan, np.inf]), Undefined.NO_PREDICTIONS),
    ],
)
def test_a_formula_without_a_value_has_none(name: str, pairs: NumberPairs, reason: Undefined) -> None:
    """Where a formula divides by nothing or leaves its domain there is no value, and it says why."""
    assert why(name, pairs) is reason


def test_rows_without_a_prediction_do_not_enter() -> None:
    """A row without a prediction changes neither the value nor the count."""
    found = METRICS["mae"].compute(of([1, 2, 3], [2, np.nan, 5]), np.random.default_rng(0))
    assert (found.value, found.rows) == (1.5, 2)


def test_interval_coverage_counts_targets_on_the_bounds() -> None:
    """A target on a bound is within it; a row without bounds does not enter."""
    lower, upper = np.array([1, 0, np.nan, 3.0]), np.array([2, 1, 9, 4.0])
    pairs = NumberPairs(np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(4), lower, upper)
    found = METRICS["interval_coverage"].compute(pairs, np.random.default_rng(0))
    assert (found.value, found.rows) == (2 / 3, 3)


@pytest.mark.parametrize("rows", [6, 20, 101, 5000])
def test_the_median_lies_between_order_statistics(rows: int) -> None:
    """The interval of the median error is that of the binomial law: as narrow as 95 % allow."""
    pairs = NumberPairs(np.zeros(rows), np.arange(rows, dtype=np.float64))
    found = METRICS["median_error"].compute(pairs, np.random.default_rng(0))
    law = stats.binom(rows, 0.5)
    assert found.lower is not None
    assert law.cdf(found.lower) <= 0.025 < law.cdf(found.lower + 1)
    assert found.upper == rows - 1 - found.lower


def test_five_rows_say_nothing_of_the_median() -> None:
    """The largest and the smallest of five errors hold the median in less than 95 %: there is no interval."""
    found = METRICS["median_error"].compute(of([0] * 5, [1, 2, 3, 4, 5]), np.random.default_rng(0))
    assert (found.value, found.lower, found.upper) == (3, None, None)
