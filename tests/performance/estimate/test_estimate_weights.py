"""Importance weights of a reference whose features moved."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from monitor.performance.estimate.calibrator import fit_calibrator
from monitor.performance.estimate.weights import importance_weights, reweighted
from monitor.performance.pairs import Floats


def drawn(rows: int, seed: int, old: float) -> tuple[pa.Table, Floats, Floats]:
    """Return the features, scores and targets of rows of which a share is old; the model does not see age."""
    generator = np.random.default_rng(seed)
    is_old, x = generator.random(rows) < old, generator.normal(0, 1, rows)
    positive = (generator.random(rows) < 1 / (1 + np.exp(-x - 1.5 * is_old))).astype(np.float64)
    scores = np.asarray(1 / (1 + np.exp(-x)), np.float64)
    return pa.table({"old": np.where(is_old, "yes", "no"), "score": scores}), scores, positive


def test_weighted_calibration_follows_what_the_scores_do_not_see() -> None:
    """Where old rows become frequent, the weighted share of positives is nearer to the truth than the plain one."""
    reference, scores, positive = drawn(6000, 1, 0.2)
    current, asked, truth = drawn(3000, 2, 0.8)
    weights = importance_weights(reference, current)
    plain = fit_calibrator(scores, positive)(asked).mean()
    weighted = reweighted(scores, positive, weights, asked).mean()
    assert abs(weighted - truth.mean()) < 0.03
    assert abs(plain - truth.mean()) > 0.1


def test_rows_of_the_same_kind_weigh_about_alike() -> None:
    """Where nothing moved nearly all of the reference stays in effect."""
    weights = importance_weights(drawn(6000, 1, 0.2)[0], drawn(3000, 2, 0.2)[0])
    assert weights.effective_rows > 0.95 * 6000
    assert weights.hold


def test_weights_do_not_hold_where_the_reference_was_left() -> None:
    """Where hardly a row of the reference looks like the current ones, too few are left in effect."""
    reference, current = (pa.table({"x": np.linspace(*span)}) for span in ((0.0, 1.0, 6000), (0.98, 3.0, 3000)))
    assert not importance_weights(reference, current).hold
