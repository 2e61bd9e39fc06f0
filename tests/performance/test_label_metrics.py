"""The metrics of several labels against scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as oracle

from benchmarks.answers import labelled
from monitor.performance.pairs import LabelPairs
from monitor.performance.registry import METRICS

ORACLES: dict[str, Callable[[LabelPairs], float]] = {
    "hamming_loss": lambda pairs: oracle.hamming_loss(pairs.targets, pairs.predictions),
    "subset_accuracy": lambda pairs: oracle.accuracy_score(pairs.targets, pairs.predictions),
    "f1_micro": lambda pairs: oracle.f1_score(pairs.targets, pairs.predictions, average="micro"),
    "f1_macro": lambda pairs: oracle.f1_score(pairs.targets, pairs.predictions, average="macro", zero_division=np.nan),
}


@pytest.mark.parametrize("rows", [5, 300])
@pytest.mark.parametrize("name", sorted(ORACLES))
def test_a_metric_is_scikit_learns(name: str, rows: int) -> None:
    """The value of a metric of several labels is that of scikit-learn."""
    pairs = labelled(np.random.default_rng(rows), rows)
    found = METRICS[name].compute(pairs, np.random.default_rng(0)).value
    assert found == pytest.approx(ORACLES[name](pairs), abs=1e-12)
