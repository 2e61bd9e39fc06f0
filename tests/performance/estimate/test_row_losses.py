from __future__ import annotations

import numpy as np
import pytest

from monitor.performance.estimate.binary import binary_outlooks
from monitor.performance.estimate.row_losses import expected_losses


def test_the_mean_expected_loss_is_what_accuracy_lacks() -> None:
    """Of a binary model the expected losses have the mean 1 - accuracy as it is estimated."""
    rng = np.random.default_rng(0)
    probability = rng.random(500)
    columns = {"probability": probability, "score": probability, "predicted": (rng.random(500) < 0.5).astype(float)}
    found = expected_losses(columns, 1.0)
    assert found is not None
    assert found.mean() == pytest.approx(1 - (binary_outlooks(columns)["accuracy"].value or 0.0))


def test_of_several_classes_the_predicted_one_counts() -> None:
    """The loss is what the probability of the predicted class lacks, and unknown without a prediction."""
    columns = {
        "probability:0": np.array([0.5, 0.25, 0.5]),
        "probability:1": np.array([0.25, 0.75, 0.5]),
        "predicted": np.array([0.0, 1.0, np.nan]),
    }
    found = expected_losses(columns, 1.0)
    assert found is not None
    assert found[:2].tolist() == [0.5, 0.25]
    assert np.isnan(found[2])


def test_a_foretold_error_is_clipped_at_the_scale() -> None:
    """An error beyond the scale is a whole loss, as a realised one is."""
    found = expected_losses({"absolute_error": np.array([1.0, 9.0])}, 4.0)
    assert found is not None
    assert found.tolist() == [0.25, 1.0]


def test_nothing_is_expected_where_nothing_was_kept() -> None:
    """Rows without an estimate have no expected loss."""
    assert expected_losses({}, 1.0) is None
