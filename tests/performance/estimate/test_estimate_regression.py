"""Direct loss estimation of a regression."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from monitor.performance.estimate.codes import SIZE, fit_coder, most_telling
from monitor.performance.estimate.losses import losses_of
from monitor.performance.estimate.regression_estimator import RegressionEstimator, fit_regression
from monitor.performance.estimate.trees import fit_trees
from monitor.performance.estimate.unfit import Unfit
from monitor.performance.metric import Undefined
from monitor.performance.pairs import Floats, NumberPairs


def drawn(rows: int, seed: int, *, old: float = 0.5, shift: float = 0.0) -> tuple[NumberPairs, pa.Table]:
    """Return answers of a model whose errors grow with age, thrice as large for one fuel."""
    generator = np.random.default_rng(seed)
    age = generator.beta(2 * old, 2 - 2 * old, rows) * 10 + shift
    fuel = np.where(generator.random(rows) < 0.3, "gas", "diesel")
    predictions = generator.normal(0, 5, rows)
    targets = predictions + generator.normal(0, 1, rows) * (1 + age) * np.where(fuel == "gas", 3, 1)
    return NumberPairs(targets, predictions), pa.table({"age": age, "fuel": fuel})


@pytest.fixture(scope="module")
def fitted() -> RegressionEstimator:
    """Return what a reference of 10 steps taught."""
    pairs, features = drawn(4000, 1)
    estimator = fit_regression(pairs, np.arange(4000) * 10 // 4000, features)
    assert isinstance(estimator, RegressionEstimator)
    return estimator


def test_losses_under_covariate_shift_are_foretold(fitted: RegressionEstimator) -> None:
    """Where older rows with larger errors come, every realised value is in its band, which the reference's is not."""
    pairs, features = drawn(4000, 2, old=0.8)
    said = fitted.summarise(fitted.contributions(pairs.predictions, features))
    realised = fitted.outlooks(losses_of(pairs.targets, pairs.predictions))
    first, _ = drawn(4000, 1)
    before = fitted.outlooks(losses_of(first.targets, first.predictions))
    for name, value in said.items():
        true, reference = realised[name].value, before[name].value
        assert value.lower is not None
        assert value.upper is not None
        assert true is not None
        assert reference is not None
        assert reference < value.lower < true < value.upper, name


def test_trees_come_near_the_expected_loss() -> None:
    """Of the spread of what is truly to be expected of fresh rows trees leave less than 5 % unexplained."""
    (pairs, features), (_, asked) = drawn(6000, 1), drawn(6000, 2)
    losses = losses_of(pairs.targets, pairs.predictions)["absolute_error"]
    coder = fit_coder(features, losses)
    foretold = fit_trees(coder(features), losses[:, np.newaxis])(coder(asked))[:, 0]
    age = asked["age"].to_numpy()
    fuel = np.where(np.array(asked["fuel"].to_pylist()) == "gas", 3, 1)
    truth = np.sqrt(2 / np.pi) * (1 + age) * fuel  # the mean of |z| of a normal z
    assert np.mean((foretold - truth) ** 2) < 0.05 * truth.var()


def test_trees_find_what_two_columns_say_together() -> None:
    """An exclusive or of two columns, of which neither says anything alone, is learnt."""
    generator = np.random.default_rng(0)
    codes = generator.integers(1, SIZE, (4000, 2)).astype(np.uint8)
    truth = ((codes[:, 0] > 32) ^ (codes[:, 1] > 20)).astype(np.float64)
    values = fit_trees(codes, truth[:, np.newaxis])(codes)[:, 0]
    assert np.abs(values - truth).mean() < 0.02


def test_trees_of_constant_targets_are_constant() -> None:
    """Where nothing is to be learnt every row gets the mean, whatever its codes."""
    codes = np.arange(200, dtype=np.uint8).reshape(100, 2) % SIZE
    assert fit_trees(codes, np.full((100, 1), 3.0), 5)(codes[:3]).tolist() == [[3.0]] * 3


def test_losses_of_a_record_do_not_hang_on_its_batch(fitted: RegressionEstimator) -> None:
    """A record's losses alone are those among others, bit for bit."""
    pairs, features = drawn(40, 9)
    whole = fitted.contributions(pairs.predictions, features)
    for row in range(40):
        one = fitted.contributions(pairs.predictions[row : row + 1], features.slice(row, 1))
        assert {name: each[0] for name, each in one.items()} == {name: each[row] for name, each in whole.items()}


def test_regression_estimator_survives_json_bit_for_bit(fitted: RegressionEstimator) -> None:
    """An estimator that was written and read back says the same of the same rows."""
    again = RegressionEstimator.from_json(json.loads(json.dumps(fitted.to_json())))
    pairs, features = drawn(300, 5)
    columns = fitted.contributions(pairs.predictions, features)
    assert again.summarise(again.contributions(pairs.predictions, features)) == fitted.summarise(columns)


def test_rows_without_a_prediction_are_not_estimated(fitted: RegressionEstimator) -> None:
    """A row without a prediction has no loss, and a window of such rows says why it has no value."""
    _, features = drawn(2, 3)
    columns = fitted.contributions(np.array([1.0, np.nan]), features)
    assert fitted.summarise(columns)["mae"].rows == 1
    blank = fitted.summarise({name: each[1:] for name, each in columns.items()})
    assert {each.why for each in blank.values()} == {Undefined.NO_PREDICTIONS}


def test_rows_beyond_the_reference_are_outside_and_unknown_levels_are_no_level(fitted: RegressionEstimator) -> None:
    """Old rows and unknown fuels lie outside; missing values and columns do not, and all of them have losses."""
    asked = pa.table({"age": [5.0, 50.0, None], "fuel": ["gas", "water", None]})
    columns = fitted.contributions(np.zeros(3), asked)
    assert columns["outside"].tolist() == [0, 1, 0]
    assert np.isfinite(columns["absolute_error"]).all()
    assert np.isfinite(fitted.contributions(np.zeros(3), asked.select(["age"]))["absolute_error"]).all()


def test_levels_are_coded_in_the_order_of_their_losses() -> None:
    """The level with the larger mean loss has the higher code; a missing one has none, and numbers rise."""
    features = pa.table({"c": ["low", "high", None, "low", "high"] * 40, "x": [3.0, 1.0, 2.0, None, 5.0] * 40})
    coder = fit_coder(features, np.array([1.0, 9.0, 5.0, 1.0, 9.0] * 40))
    codes = coder(features.slice(0, 5))
    assert codes[:, 0].tolist() == [1, 2, 0, 1, 2]
    assert codes[:, 1].tolist() == [3, 1, 2, 0, 4]


def test_of_many_columns_those_that_tell_of_losses_are_read() -> None:
    """Where columns are too many, those whose codes explain the losses stay, in their order."""
    generator = np.random.default_rng(0)
    losses = generator.random(500)
    features = pa.table({**{f"n{each}": generator.random(500) for each in range(5)}, "x": losses * 2, "y": -losses})
    coder = most_telling(fit_coder(features, losses), features, losses, 2)
    assert coder.names == ("x", "y")
    assert coder(features).shape == (500, 2)


@pytest.mark.parametrize(("rows", "names", "why"), [(99, ["age"], Unfit.TOO_FEW_ROWS), (200, [], Unfit.NO_FEATURES)])
def test_regression_reference_that_teaches_nothing_is_unfit(rows: int, names: list[str], why: Unfit) -> None:
    """A reference of few rows or without features yields a reason in place of an estimator."""
    pairs, features = drawn(rows, 1)
    assert fit_regression(pairs, np.zeros(rows, np.int64), features.select(names)) is why


def squares(values: Floats) -> float:
    """Return the mean of squares."""
    return float(np.mean(values**2))


def test_outlook_of_losses_that_came_true_is_the_realised_value(fitted: RegressionEstimator) -> None:
    """Mean absolute, mean squared and root mean squared error are those of the losses themselves."""
    pairs, _ = drawn(300, 5)
    seen = fitted.outlooks(losses_of(pairs.targets, pairs.predictions))
    errors = pairs.targets - pairs.predictions
    expected = [np.abs(errors).mean(), squares(errors), np.sqrt(squares(errors))]
    assert [seen[name].value for name in ("mae", "mse", "rmse")] == pytest.approx(expected)
