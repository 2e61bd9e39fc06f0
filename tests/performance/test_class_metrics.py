"""The metrics of classifiers against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as oracle

from monitor.performance.pairs import ClassPairs
from monitor.performance.registry import METRICS

EXACT = 1e-12
RNG = np.random.default_rng(0)


def answers(classes: int, seed: int, rows: int = 400) -> ClassPairs:
    """Return answers of a fair model, with scores rounded so that some are tied."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, classes, rows)
    scores = np.round(rng.dirichlet(np.ones(classes), rows) + np.eye(classes)[targets], 2)
    scores /= scores.sum(axis=1, keepdims=True)
    predictions = scores.argmax(axis=1)
    names = tuple("abcdefgh"[:classes])
    return ClassPairs(names, targets, predictions, np.round(scores[:, 1], 2) if classes == 2 else scores)


def computed(name: str, pairs: ClassPairs) -> float | None:
    """Return a metric's value."""
    return METRICS[name].compute(pairs, RNG).value


def expected(name: str, pairs: ClassPairs) -> float:
    """Return what scikit-learn says."""
    targets, predictions, scores = pairs.targets, pairs.predictions, pairs.scores
    average = "binary" if len(pairs.classes) == 2 else "macro"
    labels = np.arange(len(pairs.classes))
    told = {
        "accuracy": lambda: oracle.accuracy_score(targets, predictions),
        "balanced_accuracy": lambda: oracle.balanced_accuracy_score(targets, predictions),
        "precision": lambda: oracle.precision_score(targets, predictions, average=average, zero_division=np.nan),
        "recall": lambda: oracle.recall_score(targets, predictions, average=average, zero_division=np.nan),
        "f1": lambda: oracle.f1_score(targets, predictions, average=average, zero_division=np.nan),
        "specificity": lambda: oracle.recall_score(targets, predictions, pos_label=0),
        "mcc": lambda: oracle.matthews_corrcoef(targets, predictions),
        "roc_auc": lambda: oracle.roc_auc_score(targets, scores, multi_class="ovr"),
        "pr_auc": lambda: oracle.average_precision_score(targets, scores),
        "log_loss": lambda: oracle.log_loss(targets, scores, labels=labels),
        "brier": lambda: oracle.brier_score_loss(targets, scores, labels=labels, scale_by_half=True),
    }
    return float(told[name]())


BINARY = [
    "accuracy", "balanced_accuracy", "precision", "recall", "f1", "specificity", "mcc", "roc_auc", "pr_auc",
    "log_loss", "brier",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", BINARY)
def test_a_binary_metric_is_scikit_learns(name: str, seed: int) -> None:
    """The value of a metric of two classes is that of scikit-learn."""
    pairs = answers(2, seed)
    assert computed(name, pairs) == pytest.approx(expected(name, pairs), abs=EXACT)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", [name for name in BINARY if name != "specificity"])
def test_a_multiclass_metric_is_scikit_learns(name: str, seed: int) -> None:
    """The value of a metric of several classes is scikit-learn's over each class against the rest."""
    pairs = answers(4, seed)
    assert computed(name, pairs) == pytest.approx(expected(name, pairs), abs=EXACT)
