"""The losses of a regression are fitted in a child process."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from monitor.performance.estimate.regression_estimator import RegressionEstimator, fit_regression
from monitor.performance.estimate.unfit import Unfit
from monitor.performance.pairs import NumberPairs
from monitor.pipeline.fitting import fitted_by
from monitor.workers import Failure, Limits, Task, WorkerFailed, Workers

ROWS = 600


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Lend children, and end them."""
    with Workers() as workers:
        yield workers


def drawn() -> tuple[NumberPairs, np.ndarray[tuple[int], np.dtype[np.int64]], pa.Table]:
    """Return a regression's answers, a few without a prediction, with its steps, a number and a text."""
    rng = np.random.default_rng(3)
    age = rng.uniform(0, 10, ROWS)
    predictions = rng.normal(size=ROWS)
    targets = predictions + rng.normal(size=ROWS) * (1 + age)
    predictions[::50] = np.nan
    fuel = pa.array([("gas", "diesel", None)[place] for place in rng.integers(0, 3, ROWS)])
    steps = np.arange(ROWS, dtype=np.int64) // 50
    return NumberPairs(targets, predictions), steps, pa.table({"age": age, "fuel": fuel})


def test_child_fits_what_is_fitted_in_place(workers: Workers) -> None:
    """What a child fits is the same as what this process fits, number for number."""
    told = drawn()
    here, there = fit_regression(*told), fitted_by(lambda task: workers.call("shop", task), least_rows=0)(*told)
    assert isinstance(here, RegressionEstimator)
    assert isinstance(there, RegressionEstimator)
    assert json.dumps(there.to_json()) == json.dumps(here.to_json())


def test_child_says_why_nothing_is_fitted(workers: Workers) -> None:
    """A reference without features is as unfit in a child as in place."""
    pairs, steps, features = drawn()
    fit = fitted_by(lambda task: workers.call("shop", task), least_rows=0)
    assert fit(pairs, steps, features.select([])) is Unfit.NO_FEATURES


def test_child_out_of_memory_leaves_the_reference_without_estimates(workers: Workers) -> None:
    """A child that may not have the memory it needs is a reason, not a failure of the model."""

    def poor(task: Task) -> bytes:
        return workers.call("shop", Task(task.function, task.content, task.what, Limits(memory_bytes=2**20)))

    assert fitted_by(poor, least_rows=0)(*drawn()) is Unfit.NOT_FITTED


def test_fit_that_is_stopped_is_no_answer(workers: Workers) -> None:
    """Where the process is stopping, nothing is decided: the failure is raised."""
    workers.stop()
    with pytest.raises(WorkerFailed) as raised:
        fitted_by(lambda task: workers.call_in_turn("shop", task), least_rows=0)(*drawn())
    assert raised.value.reason is Failure.STOPPED


def test_small_reference_needs_no_child() -> None:
    """A reference of few rows is fitted in place, and no child is asked."""

    def refuse(_: Task) -> bytes:
        raise AssertionError

    assert isinstance(fitted_by(refuse)(*drawn()), RegressionEstimator)
