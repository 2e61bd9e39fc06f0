"""Metrics of classifiers that scikit-learn does not have, by their definitions, and what leaves one undefined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.answers import binary, several
from monitor.performance.answers import Scored, confusion, improper_share, scored
from monitor.performance.business_value import business_value
from monitor.performance.metric import Metric, Undefined
from monitor.performance.one_class import per_class
from monitor.performance.pairs import ClassPairs
from monitor.performance.registry import METRICS, named
from monitor.performance.reliability import reliability


def of(targets: list[int], predictions: list[int] | None, scores: list[float] | None = None) -> ClassPairs:
    """Return answers of a model of two classes."""
    return ClassPairs(
        ("no", "yes"),
        np.array(targets, np.intp),
        None if predictions is None else np.array(predictions, np.intp),
        None if scores is None else np.array(scores),
    )


def rng_of(seed: int = 0) -> np.random.Generator:
    """Return a stream of its own."""
    return np.random.default_rng(seed)


def found(name: str) -> Metric:
    """Return a metric that is there."""
    metric = named(name)
    assert metric is not None
    return metric


@pytest.mark.parametrize("share", [0.1, 0.35, 1.0])
def test_gain_is_the_part_of_positives_at_the_top(share: float) -> None:
    """Without ties the gain is the share of the positives that are among the rows scored highest; lift is per share."""
    pairs = binary(rng_of(), 200)
    assert pairs.scores is not None
    top = np.argsort(-pairs.scores)[: round(200 * share)]
    gain = pairs.targets[top].sum() / pairs.targets.sum()
    assert found(f"gain_at_{share:g}").compute(pairs, rng_of()).value == pytest.approx(gain, abs=1e-12)
    assert found(f"lift_at_{share:g}").compute(pairs, rng_of()).value == pytest.approx(gain / share, abs=1e-12)


def test_tied_rows_are_at_the_top_in_part() -> None:
    """A model with one score for all has the gain of chance."""
    assert found("gain_at_0.3").compute(of([0, 1, 1, 0], None, [0.5] * 4), rng_of()).value == pytest.approx(0.3)


def test_calibration_error_is_the_mean_gap_of_ten_bins() -> None:
    """Two bins of three and one rows, off by 0.25 - 1/3 and 1 - 0.9, weigh by their rows."""
    pairs = of([0, 0, 1, 1], None, [0.2, 0.25, 0.29, 0.9])
    expected = 0.75 * abs(1 / 3 - (0.2 + 0.25 + 0.29) / 3) + 0.25 * 0.1
    assert found("calibration_error").compute(pairs, rng_of()).value == pytest.approx(expected)


def test_a_reliability_table_says_what_came_true() -> None:
    """A bin has its rows, their mean probability, and the share of them that was positive, with bounds."""
    rows = scored(of([0, 1, 1], None, [0.21, 0.29, 1.0]))
    assert isinstance(rows, Scored)
    low, high = reliability(rows)
    assert (low.rows, low.promised, low.share) == (2, 0.25, 0.5)
    assert (high.start, high.end, high.rows) == (0.9, 1.0, 1)
    assert low.bounds[0] < 0.5 < low.bounds[1]


def test_a_confusion_matrix_counts_targets_by_rows() -> None:
    """Rows are targets and columns predictions; a row without a prediction is in none."""
    counts = confusion(of([0, 0, 1, 1, 1], [0, 1, 1, 1, -1]))
    assert np.array_equal(counts, [[1, 1], [0, 2]])


def test_business_value_is_the_mean_of_what_rows_bring() -> None:
    """One row of each pair of target and prediction brings the mean of the matrix."""
    metric = business_value([[1, -2], [-10, 5]])
    value = metric.compute(of([0, 0, 1, 1], [0, 1, 0, 1]), rng_of())
    assert value.value == -1.5
    assert value.lower is not None
    assert value.lower < -1.5


def test_rows_that_all_bring_the_same_do_not_rule_out_the_rest() -> None:
    """Three rows that are right leave the interval wide, towards what a row could have brought."""
    value = business_value([[0, -2], [-10, 5]]).compute(of([1, 1, 1], [1, 1, 1]), rng_of())
    assert value.lower is not None
    assert value.lower < -2


@pytest.mark.parametrize(
    "matrix",
    [[], [[1]], [[1, 2]], [[1, 2], [3]], [[1, 2, 3], [4, 5, 6]], [[1, float("nan")], [0, 0]], [["a", 1], [2, 3]]],
)
def test_a_matrix_of_another_shape_is_refused(matrix: list[list[float]]) -> None:
    """A cost matrix that is not square, too small, or of what is no number is an error that says what it should be."""
    with pytest.raises(ValueError, match="a row for each class"):
        business_value(matrix)


def test_a_matrix_of_other_classes_is_refused() -> None:
    """A cost matrix of three classes says nothing of a model of two."""
    with pytest.raises(ValueError, match="each of the 2 classes"):
        business_value(np.eye(3).tolist()).compute(of([0, 1], [0, 1]), rng_of())


@pytest.mark.parametrize(
    ("name", "pairs", "why"),
    [
        ("precision", of([0, 1], [0, 0]), Undefined.NO_POSITIVE_PREDICTIONS),
        ("recall", of([0, 0], [0, 1]), Undefined.NO_POSITIVES),
        ("specificity", of([1, 1], [0, 1]), Undefined.NO_NEGATIVES),
        ("f1", of([0, 0], [0, 0]), Undefined.NO_POSITIVES),
        ("mcc", of([0, 1], [1, 1]), Undefined.ONE_CLASS_PREDICTED),
        ("mcc", of([1, 1], [0, 1]), Undefined.ONE_CLASS),
        ("roc_auc", of([1, 1], None, [0.1, 0.2]), Undefined.ONE_CLASS),
        ("roc_auc", of([0, 1], None, [np.nan, np.nan]), Undefined.NO_SCORES),
        ("accuracy", of([0, 1], [-1, -1]), Undefined.NO_PREDICTIONS),
        ("brier", of([0, 1], None, [0.1, 1.2]), Undefined.NOT_PROBABILITIES),
    ],
)
def test_no_value_says_why(name: str, pairs: ClassPairs, why: Undefined) -> None:
    """What a formula divides by is missing: no value, and the reason."""
    assert METRICS[name].compute(pairs, rng_of()).why is why


def test_a_stray_score_is_left_out_of_metrics_of_probabilities() -> None:
    """Of 40 rows two scores outside [0, 1] leave the value that the 38 others have; of 39 rows they are too many."""
    scores = np.tile([0.2, 0.7, 0.4, 0.9], 10)
    strays, targets = np.where(np.arange(40) < 2, 7.0, scores), np.tile([0, 1, 1, 0], 10).tolist()
    whole, rest = of(targets, None, strays.tolist()), of(targets[2:], None, scores[2:].tolist())
    for name in ("brier", "log_loss", "calibration_error"):
        assert METRICS[name].compute(whole, rng_of()) == METRICS[name].compute(rest, rng_of())
        short = of(targets[:39], None, strays[:39].tolist())
        assert METRICS[name].compute(short, rng_of()).why is Undefined.NOT_PROBABILITIES
    assert improper_share(whole) == pytest.approx(2 / 40)


def test_scores_of_all_classes_sum_to_one() -> None:
    """Scores that sum to something else are no probabilities; ROC AUC, which needs order alone, reads them."""
    pairs = several(rng_of(), 50)
    assert pairs.scores is not None
    doubled = replace(pairs, scores=np.minimum(2 * pairs.scores, 1))
    assert METRICS["log_loss"].compute(doubled, rng_of()).why is Undefined.NOT_PROBABILITIES
    assert METRICS["roc_auc"].compute(doubled, rng_of()).why is None


def test_a_class_that_a_window_lacks_does_not_enter() -> None:
    """The mean over classes is that over the ones that are there."""
    pairs = several(rng_of(), 200)
    there = pairs.targets != 3
    assert pairs.scores is not None
    some = ClassPairs(pairs.classes, pairs.targets[there], None, pairs.scores[there])
    parts = [part.value for part in per_class(METRICS["roc_auc"], some, rng_of()).values()]
    assert parts[3] is None
    assert METRICS["roc_auc"].compute(some, rng_of()).value == pytest.approx(np.mean([one for one in parts if one]))


def test_a_class_has_its_own_precision() -> None:
    """A class against the rest has the precision of its own predictions."""
    pairs = ClassPairs(("a", "b", "c"), np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1]), None)
    parts = per_class(METRICS["precision"], pairs, rng_of())
    assert parts["a"].value == 1
    assert parts["b"].value == pytest.approx(1 / 3)
    assert parts["c"].why is Undefined.NO_POSITIVE_PREDICTIONS


def test_a_metric_of_numbers_has_no_classes() -> None:
    """Only metrics of two classes are taken against the rest."""
    with pytest.raises(ValueError, match="no metric of two classes"):
        per_class(METRICS["mae"], several(rng_of(), 9), rng_of())
