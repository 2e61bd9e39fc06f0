"""Confidence-based estimation of a classifier of several classes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    log_loss,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)

from monitor.performance.estimate.multiclass import class_columns, multiclass_outlooks
from monitor.performance.estimate.multiclass_estimator import MulticlassEstimator, fit_multiclass, in_proportion
from monitor.performance.estimate.unfit import Unfit
from monitor.performance.metric import Undefined
from monitor.performance.pairs import ClassPairs, Floats

CLASSES = ("a", "b", "c")


def softmax(values: Floats) -> Floats:
    """Return probabilities in proportion to exponentials, (n, k)."""
    return in_proportion(np.exp(values))


def drawn(rows: int, seed: int, *, shift: float = 0.0) -> tuple[ClassPairs, Floats]:
    """Return answers of a model of three classes that is too sure, and the true probabilities."""
    generator = np.random.default_rng(seed)
    values = generator.normal((shift, 0.0, -0.5), 1.0, (rows, 3))
    truth = softmax(values)
    targets = (generator.random(rows)[:, np.newaxis] > np.cumsum(truth, axis=1)[:, :2]).sum(axis=1)
    scores = softmax(2 * values)
    return ClassPairs(CLASSES, targets.astype(np.intp), scores.argmax(axis=1).astype(np.intp), scores), truth


def columns_of(pairs: ClassPairs, probabilities: Floats) -> dict[str, Floats]:
    """Return what an outlook reads of rows whose targets have these probabilities."""
    assert pairs.scores is not None
    assert pairs.predictions is not None
    named = {"predicted": pairs.predictions.astype(np.float64)}
    for place in range(3):
        named |= {f"score:{place}": pairs.scores[:, place], f"probability:{place}": probabilities[:, place]}
    return named


def estimator(rows: int = 12_000) -> MulticlassEstimator:
    """Return what a reference of 20 steps taught."""
    fitted = fit_multiclass(drawn(rows, 1)[0], np.arange(rows) * 20 // rows)
    assert isinstance(fitted, MulticlassEstimator)
    return fitted


def test_with_targets_for_probabilities_an_outlook_is_the_realised_value_of_each_metric() -> None:
    """Each metric, of rows whose probabilities are 0 and 1, is scikit-learn's metric of these targets."""
    pairs, _ = drawn(600, 7)
    true, chosen, scores = pairs.targets, pairs.predictions, pairs.scores
    assert scores is not None
    seen = multiclass_outlooks(columns_of(pairs, np.eye(3)[true]))
    expected = {
        "roc_auc": roc_auc_score(true, scores, multi_class="ovr"),
        "log_loss": log_loss(true, scores),
        "brier": float(np.mean(np.sum((np.eye(3)[true] - scores) ** 2, axis=1)) / 2),
        "accuracy": accuracy_score(true, chosen),
        "balanced_accuracy": recall_score(true, chosen, average="macro"),
        "precision": precision_score(true, chosen, average="macro"),
        "recall": recall_score(true, chosen, average="macro"),
        "f1": f1_score(true, chosen, average="macro"),
        "mcc": matthews_corrcoef(true, chosen),
    }
    assert {name: seen[name].value for name in expected} == pytest.approx(expected, abs=1e-12)


def test_value_and_scatter_are_those_of_drawn_classes() -> None:
    """Over classes drawn from their probabilities each metric has the mean and the variance of its outlook."""
    generator = np.random.default_rng(3)
    pairs, truth = drawn(300, 4)
    values = ((1.0, 0.0, 0.0), (0.0, 2.0, -1.0), (-3.0, 0.0, 1.0))
    seen = multiclass_outlooks(columns_of(pairs, truth), values)
    rounds = []
    for _ in range(120):
        targets = (generator.random(300)[:, np.newaxis] > np.cumsum(truth, axis=1)[:, :2]).sum(axis=1)
        rounds.append(multiclass_outlooks(columns_of(pairs, np.eye(3)[targets]), values))
    for name, each in seen.items():
        found = np.array([one[name].value for one in rounds])
        assert abs(found.mean() - each.value) < 0.25 * found.std(), name
        assert found.var() == pytest.approx(each.variance, rel=0.35), name


def test_estimates_of_many_classes_under_covariate_shift_are_near_the_truth() -> None:
    """Where classes become more or less frequent with the features, every realised value is in its band."""
    fitted = estimator()
    pairs, _ = drawn(8000, 2, shift=0.7)
    assert pairs.scores is not None
    columns = fitted.contributions(pairs.scores, pairs.predictions, None)
    realised = multiclass_outlooks(columns_of(pairs, np.eye(3)[pairs.targets]))
    for name, value in fitted.summarise(columns).items():
        true = realised[name].value
        assert value.lower is not None
        assert value.upper is not None
        assert true is not None
        assert value.lower < true < value.upper, name


def test_multiclass_estimator_survives_json_bit_for_bit() -> None:
    """An estimator that was written and read back says the same of the same rows."""
    fitted = estimator(1500)
    again = MulticlassEstimator.from_json(json.loads(json.dumps(fitted.to_json())))
    pairs, _ = drawn(200, 5)
    assert pairs.scores is not None
    columns = fitted.contributions(pairs.scores, pairs.predictions, None)
    assert again.summarise(again.contributions(pairs.scores, pairs.predictions, None)) == fitted.summarise(columns)
    assert np.allclose(class_columns(columns, "probability").sum(axis=1), 1)


def test_rows_without_all_scores_or_a_prediction_do_not_enter() -> None:
    """A row that lacks the score of a class is not estimated, and one without prediction only where scores suffice."""
    fitted = estimator(1500)
    scores = np.array([[0.2, 0.3, 0.5], [0.2, np.nan, 0.5], [0.6, 0.3, 0.1]])
    said = fitted.summarise(fitted.contributions(scores, np.array([2, 0, -1], np.intp), None))
    assert (said["brier"].rows, said["accuracy"].rows) == (2, 1)
    blank = fitted.summarise(fitted.contributions(scores[1:2], None, None))
    assert {each.why for each in blank.values()} == {Undefined.NO_SCORES}


def test_class_that_no_row_is_expected_of_does_not_enter_a_mean() -> None:
    """The mean over classes is that of the classes that have a value."""
    probabilities = np.array([[0.9, 0.1, 0.0]] * 20 + [[0.2, 0.8, 0.0]] * 20)
    pairs = ClassPairs(CLASSES, np.zeros(40, np.intp), np.repeat([0, 1], 20).astype(np.intp), probabilities)
    seen = multiclass_outlooks(columns_of(pairs, probabilities))
    assert seen["recall"].value == pytest.approx((18 / 22 + 16 / 18) / 2)


def test_reference_of_too_many_classes_is_unfit() -> None:
    """Of a model with over fifty classes nothing is estimated, and the reason says so."""
    pairs = ClassPairs(tuple(map(str, range(51))), np.zeros(200, np.intp), None, np.full((200, 51), 1 / 51))
    assert fit_multiclass(pairs, np.zeros(200, np.int64)) is Unfit.TOO_MANY_CLASSES
