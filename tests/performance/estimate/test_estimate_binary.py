"""Confidence-based estimation of a binary classifier."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)

from monitor.performance.estimate.assumption import Assumption
from monitor.performance.estimate.band import Misses, excess, widened
from monitor.performance.estimate.binary import binary_outlooks
from monitor.performance.estimate.binary_estimator import BinaryEstimator, fit_binary
from monitor.performance.estimate.calibrator import expected_error, time_parts
from monitor.performance.estimate.isotonic import fit_rising
from monitor.performance.estimate.label_shift import LabelShift, fit_label_shift, positive_now
from monitor.performance.estimate.trust import Distrust, distrust, is_missed
from monitor.performance.estimate.unfit import Unfit
from monitor.performance.metric import Undefined, Value
from monitor.performance.pairs import ClassPairs, Floats

CLASSES = ("no", "yes")


def drawn(rows: int, seed: int, *, shift: float = 0.0, over: float = 2.0) -> tuple[ClassPairs, Floats]:
    """Return answers of a model that is ``over`` times too sure, and the feature it has."""
    generator = np.random.default_rng(seed)
    feature = generator.normal(shift, 1.0, rows)
    targets = (generator.random(rows) < 1 / (1 + np.exp(-feature))).astype(np.intp)
    scores = np.round(1 / (1 + np.exp(-over * feature)), 3)
    return ClassPairs(CLASSES, targets, (scores >= 0.5).astype(np.intp), scores), feature


def estimator(rows: int = 20_000, seed: int = 1) -> BinaryEstimator:
    """Return what a reference of 20 steps taught."""
    pairs, feature = drawn(rows, seed)
    fitted = fit_binary(pairs, np.arange(rows) * 20 // rows, pa.table({"x": feature}))
    assert isinstance(fitted, BinaryEstimator)
    return fitted


def contributed(fitted: BinaryEstimator, pairs: ClassPairs, feature: Floats) -> dict[str, Floats]:
    """Return the columns of rows."""
    assert pairs.scores is not None
    return fitted.contributions(pairs.scores, pairs.predictions, pa.table({"x": feature}))


@pytest.mark.parametrize("seed", range(5))
def test_isotonic_regression_is_that_of_scikit_learn(seed: int) -> None:
    """A rising curve has, at knots, between them and beyond, the values of scikit-learn's, with weights and ties."""
    generator = np.random.default_rng(seed)
    points, weights = generator.integers(0, 60, 400) / 50, generator.random(400)
    targets = (generator.random(400) < points).astype(np.float64)
    oracle = IsotonicRegression(out_of_bounds="clip").fit(points, targets, weights)
    asked = np.linspace(-0.5, 2, 501)
    assert np.abs(fit_rising(points, targets, weights)(asked) - oracle.predict(asked)).max() < 1e-12


def test_with_targets_for_probabilities_an_outlook_is_the_realised_value() -> None:
    """Each metric, of rows whose probability is 0 or 1, is scikit-learn's metric of these targets."""
    pairs, _ = drawn(500, 7)
    score, chosen, true = pairs.scores, pairs.predictions, pairs.targets
    assert score is not None
    assert chosen is not None
    seen = binary_outlooks(
        {"score": score, "predicted": chosen.astype(np.float64), "probability": true.astype(np.float64)}
    )
    expected = {
        "roc_auc": roc_auc_score(true, score),
        "pr_auc": average_precision_score(true, score),
        "log_loss": log_loss(true, score),
        "brier": brier_score_loss(true, score),
        "accuracy": accuracy_score(true, chosen),
        "balanced_accuracy": balanced_accuracy_score(true, chosen),
        "precision": precision_score(true, chosen),
        "recall": recall_score(true, chosen),
        "f1": f1_score(true, chosen),
        "specificity": recall_score(true, chosen, pos_label=0),
        "mcc": matthews_corrcoef(true, chosen),
    }
    assert {name: each.value for name, each in seen.items()} == pytest.approx(expected, abs=1e-12)


def test_value_and_scatter_are_those_of_drawn_targets() -> None:
    """Over targets drawn from their probabilities each metric has the mean and the variance of its outlook."""
    generator = np.random.default_rng(3)
    pairs, feature = drawn(300, 4)
    assert pairs.scores is not None
    assert pairs.predictions is not None
    probability = np.asarray(1 / (1 + np.exp(-feature)), np.float64)
    columns = {"score": pairs.scores, "predicted": pairs.predictions.astype(np.float64), "probability": probability}
    values = ((0.0, -1.0), (-5.0, 3.0))
    seen = binary_outlooks(columns, values)
    rounds = []
    for _ in range(300):
        targets = (generator.random(300) < columns["probability"]).astype(np.float64)
        rounds.append(
            {n: each.value for n, each in binary_outlooks({**columns, "probability": targets}, values).items()}
        )
    for name, each in seen.items():
        drawn_values = np.array([one[name] for one in rounds])
        spread = drawn_values.std()
        assert abs(drawn_values.mean() - each.value) < 0.2 * spread, name
        assert spread**2 == pytest.approx(each.variance, rel=0.3), name


def test_estimate_of_overconfident_scores_under_covariate_shift_is_near_the_truth() -> None:
    """Where the features move and the targets depend on them as before, every realised value is in its band."""
    fitted = estimator()
    pairs, feature = drawn(20_000, 2, shift=-0.7)
    columns = contributed(fitted, pairs, feature)
    realised = fitted.outlooks({**columns, "probability": pairs.targets.astype(np.float64)})
    for name, value in fitted.summarise(columns).items():
        true = realised[name].value
        assert value.lower is not None
        assert value.upper is not None
        assert true is not None
        assert value.lower < true < value.upper, name


def test_scores_that_are_calibrated_are_left_alone() -> None:
    """A curve that does not come nearer to the truth than the scores themselves is not used."""
    generator = np.random.default_rng(0)
    scores = np.repeat([0.1, 0.3, 0.5, 0.7, 0.9], 200)
    positive = np.concatenate([np.arange(200) % 10 < 10 * score for score in (0.1, 0.3, 0.5, 0.7, 0.9)])
    order = generator.permutation(1000)
    fitted = fit_binary(
        ClassPairs(CLASSES, positive[order].astype(np.intp), None, scores[order]), np.zeros(1000, np.int64)
    )
    assert isinstance(fitted, BinaryEstimator)
    assert fitted.calibrator.curve is None


def test_records_contribute_the_same_alone_as_among_others() -> None:
    """What is kept of a record does not hang on the batch it came in, bit for bit."""
    fitted = estimator(2000)
    pairs, feature = drawn(50, 9)
    assert pairs.scores is not None
    whole = contributed(fitted, pairs, feature)
    for row in range(50):
        one = fitted.contributions(pairs.scores[row : row + 1], None, pa.table({"x": feature[row : row + 1]}))
        assert one["probability"][0] == whole["probability"][row]


def test_estimator_survives_json_bit_for_bit() -> None:
    """An estimator that was written and read back says the same of the same rows."""
    fitted = estimator(2000)
    again = BinaryEstimator.from_json(json.loads(json.dumps(fitted.to_json())))
    pairs, feature = drawn(400, 5)
    columns = contributed(again, pairs, feature)
    assert again.summarise(columns) == fitted.summarise(contributed(fitted, pairs, feature))
    assert columns["outside"].tolist() == contributed(fitted, pairs, feature)["outside"].tolist()


def test_rows_without_a_score_or_prediction_do_not_enter() -> None:
    """A metric counts the rows that have what it needs, and says why it has no value if none does."""
    fitted = estimator(2000)
    columns = fitted.contributions(np.array([0.2, np.nan, 0.9]), np.array([0, 1, -1], np.intp), None)
    said = fitted.summarise(columns)
    assert (said["brier"].rows, said["accuracy"].rows) == (2, 1)
    blank = fitted.summarise(fitted.contributions(np.array([np.nan]), None, None))
    assert {each.why for each in blank.values()} == {Undefined.NO_SCORES}
    unscored = fitted.summarise(fitted.contributions(np.array([0.2, 0.9]), None, None))
    assert unscored["f1"].why is Undefined.NO_PREDICTIONS


def test_metrics_that_would_divide_by_nothing_say_why() -> None:
    """Rows of which none is called positive have no precision; rows of one class have no curve."""
    columns = {"score": np.array([0.1, 0.2]), "predicted": np.zeros(2), "probability": np.zeros(2)}
    said = binary_outlooks(columns)
    assert said["precision"].why is Undefined.NO_POSITIVE_PREDICTIONS
    assert said["roc_auc"].why is Undefined.ONE_CLASS
    assert said["pr_auc"].why is Undefined.ONE_CLASS


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        (ClassPairs(CLASSES, np.zeros(200, np.intp), None, None), Unfit.NO_SCORES),
        (ClassPairs(CLASSES, np.zeros(200, np.intp), None, np.full(200, np.nan)), Unfit.TOO_FEW_ROWS),
        (ClassPairs(CLASSES, np.zeros(200, np.intp), None, np.full(200, 0.3)), Unfit.ONE_CLASS),
    ],
)
def test_reference_that_teaches_nothing_is_unfit(pairs: ClassPairs, why: Unfit) -> None:
    """A reference without scores, with few of them or of one class yields a reason in place of an estimator."""
    assert fit_binary(pairs, np.zeros(200, np.int64)) is why


def test_business_value_is_the_mean_of_what_answers_are_worth() -> None:
    """The expected value of a row weighs what both of its targets would be worth."""
    columns = {"score": np.array([0.5, 0.5]), "predicted": np.array([1.0, 0.0]), "probability": np.array([0.25, 0.5])}
    seen = binary_outlooks(columns, ((1.0, -2.0), (-8.0, 6.0)))["business_value"]
    assert seen.value == pytest.approx(((0.25 * 6 - 0.75 * 2) + (-0.5 * 8 + 0.5 * 1)) / 2)


def test_past_errors_beyond_chance_widen_a_band() -> None:
    """The band grows by what errors show beyond drawn targets, and stays if they show nothing."""
    honest = Misses(np.array([0.01, -0.01, 0.0]), np.full(3, 0.01**2))
    biased = Misses(np.full(3, 0.05), np.full(3, 0.01**2))
    assert excess(honest) == 0
    assert widened(0.5, 0.01**2, honest) == widened(0.5, 0.01**2, Misses())
    assert widened(0.5, 0.01**2, biased)[1] > 0.55


def test_later_misses_displace_the_oldest() -> None:
    """Of misses that are joined the last are kept."""
    joined = Misses(np.array([1.0, 2.0]), np.ones(2)).later(Misses(np.array([3.0]), np.ones(1)), 2)
    assert joined.errors.tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    ("outside", "missed", "past", "why"),
    [
        (0.0, [], 9, None),
        (0.0, [], 0, Distrust.UNTRIED),
        (0.5, [True] * 3, 9, Distrust.SUPPORT_LEFT),
        (0.5, [True] * 4 + [False] * 4, 9, Distrust.CONCEPT_CHANGE),
        (0.0, [True] * 4 + [False] * 5, 9, None),
    ],
)
def test_distrust_names_the_gravest_reason(outside: float, missed: list[bool], past: int, why: Distrust | None) -> None:
    """Misses in four of the last eight windows come first, then rows outside the reference, then want of a past."""
    rows = (np.arange(100) < 100 * outside).astype(np.float64)
    assert distrust(rows, 0.01, missed, Misses(np.zeros(past), np.ones(past))) is why


def test_value_is_missed_if_it_lies_outside_the_band() -> None:
    """A realised value outside the band is a miss, one inside is none, and an unknown one is neither."""
    band = Value(0.5, 0.4, 0.6, 10)
    realised = [Value(each, None, None, 10) for each in (0.39, 0.6, None)]
    assert [is_missed(band, each) for each in realised] == [True, False, None]


def test_rows_lie_outside_by_number_level_or_score() -> None:
    """A row is outside if any value is beyond the reference's range or levels; what is missing is not."""
    pairs, _ = drawn(200, 1)
    features = pa.table({"x": np.linspace(0, 1, 200), "c": ["a", "b"] * 100})
    fitted = fit_binary(pairs, np.arange(200) // 50, features)
    assert isinstance(fitted, BinaryEstimator)
    asked = pa.table({"x": [0.5, 1.5, None, 0.5, 0.5], "c": ["a", "a", None, "z", "b"]})
    columns = fitted.contributions(np.array([0.5, 0.5, np.nan, 0.5, 7.0]), None, asked)
    assert columns["outside"].tolist() == [0, 1, 0, 1, 1]


def test_parts_are_stretches_of_whole_steps() -> None:
    """No step of the reference is in two parts, and parts have about as many rows each."""
    steps = np.repeat(np.arange(20), 10)
    parts = time_parts(steps)
    assert np.bincount(parts).tolist() == [40] * 5
    assert all(len(np.unique(parts[steps == step])) == 1 for step in range(20))


def test_expected_error_is_the_mean_gap_of_bins() -> None:
    """Scores that are 0.2 too high in every bin have an expected calibration error of 0.2."""
    probabilities = np.repeat(np.arange(10) / 10 + 0.05, 100)
    positive = np.concatenate([np.arange(100) < 100 * max(each - 0.2, 0) for each in np.arange(10) / 10 + 0.05])
    assert expected_error(probabilities, positive) == pytest.approx(0.175, abs=0.01)


def test_label_shift_is_told_from_calls() -> None:
    """Where positives became more frequent and nothing else moved, what is realised lies in bands that assume so."""
    pairs, _ = drawn(20_000, 1)
    fitted = fit_binary(pairs, np.arange(20_000) // 1000, assume=Assumption.LABEL_SHIFT)
    assert isinstance(fitted, BinaryEstimator)
    many, _ = drawn(30_000, 2)
    assert many.scores is not None
    assert many.predictions is not None
    positive, negative = np.flatnonzero(many.targets == 1), np.flatnonzero(many.targets == 0)
    rows = np.concatenate((positive[:8000], negative[:2000]))
    said = fitted.summarise(fitted.contributions(many.scores[rows], many.predictions[rows], None))
    true = {
        "probability": many.targets[rows].astype(np.float64),
        "predicted": many.predictions[rows].astype(np.float64),
    }
    realised = binary_outlooks({"score": many.scores[rows], **true})
    for name, value in said.items():
        came_true = realised[name].value
        assert value.lower is not None
        assert value.upper is not None
        assert came_true is not None
        assert value.lower < came_true < value.upper, name


def test_share_of_positives_stays_that_of_the_reference_where_it_did_not_move() -> None:
    """Calls as frequent as in the reference tell its own share, and calls that tell nothing are refused."""
    positive = np.repeat([1.0, 0.0], (300, 700))
    predicted = np.concatenate((np.repeat([1.0, 0.0], (240, 60)), np.repeat([1.0, 0.0], (70, 630))))
    shift = fit_label_shift(positive, predicted)
    assert shift == LabelShift(0.3, 0.8, 0.1)
    now = positive_now(shift, predicted)
    assert now is not None
    assert now.share == pytest.approx(0.3)
    assert fit_label_shift(positive, np.ones(1000)) is Unfit.CALLS_TELL_TOO_LITTLE


def test_estimator_that_assumes_label_shift_survives_json() -> None:
    """What calls tell is kept with the estimator."""
    pairs, _ = drawn(2000, 1)
    fitted = fit_binary(pairs, np.arange(2000) // 100, assume=Assumption.LABEL_SHIFT)
    assert isinstance(fitted, BinaryEstimator)
    again = BinaryEstimator.from_json(json.loads(json.dumps(fitted.to_json())))
    assert again.shift == fitted.shift
    assert again.shift is not None
