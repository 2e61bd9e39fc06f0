"""The loss of each row, as a bet on performance reads it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.answers import WORLDS
from monitor.performance.losses import losses
from monitor.performance.pairs import ClassPairs, LabelPairs, Lists, NumberPairs, RankPairs


def same(found: np.ndarray[tuple[int], np.dtype[np.float64]], expected: list[float]) -> bool:
    """Say whether losses are as expected, NaN where NaN is."""
    return np.allclose(found, expected, rtol=0, atol=1e-12, equal_nan=True)


def test_a_wrong_prediction_loses_one() -> None:
    """A prediction is right or wrong; a row without one is not judged, whatever its score."""
    pairs = ClassPairs(("no", "yes"), np.array([0, 1, 1]), np.array([0, 0, -1]), np.array([0.1, 0.2, 0.3]))
    assert same(losses(pairs), [0, 1, np.nan])


def test_a_score_alone_loses_its_brier_score() -> None:
    """Without predictions the loss is the square of what the probability was off; what is none is not judged."""
    pairs = ClassPairs(("no", "yes"), np.array([0, 1, 1, 1]), None, np.array([0.1, 0.2, np.nan, 1.5]))
    assert same(losses(pairs), [0.01, 0.64, np.nan, np.nan])


def test_an_error_is_clipped_at_the_scale() -> None:
    """An error counts as a part of the scale, and one beyond it as the scale."""
    pairs = NumberPairs(np.array([1.0, 1, 1]), np.array([2.0, 9, np.nan]))
    assert same(losses(pairs, scale=4.0), [0.25, 1, np.nan])


def test_a_recommendation_loses_what_its_ndcg_lacks() -> None:
    """A list with its item first loses nothing, one without it all, and one with nothing to find is not judged."""
    shown, relevant = (
        Lists(np.array([1, 2, 1, 2, 1]), np.array([2, 4, 5])),
        Lists(np.array([1, 3]), np.array([1, 2, 2])),
    )
    assert same(losses(RankPairs(shown, relevant)), [0, 1, np.nan])


def test_labels_lose_the_share_that_is_wrong() -> None:
    """One wrong label of two is half a loss."""
    pairs = LabelPairs(("a", "b"), np.array([[True, False], [True, True]]), np.array([[True, True], [True, True]]))
    assert same(losses(pairs), [0.5, 0])


@pytest.mark.parametrize("task", sorted(WORLDS))
def test_losses_lie_between_0_and_1(task: str) -> None:
    """Every loss of every task is one that a bet can read."""
    found = losses(WORLDS[task](np.random.default_rng(0), 300), scale=2.0)
    known = found[~np.isnan(found)]
    assert found.shape == (300,)
    assert known.min() >= 0
    assert known.max() <= 1


def test_several_classes_lose_half_the_squares() -> None:
    """Without predictions, a model of several classes loses half the sum of squares: 1 at worst."""
    pairs = ClassPairs(("a", "b", "c"), np.array([0, 0]), None, np.array([[0, 1.0, 0], [1, 0, 0]]))
    assert same(losses(pairs), [1, 0])


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_a_scale_is_above_zero(scale: float) -> None:
    """Nothing is divided by a scale that is none."""
    with pytest.raises(ValueError, match="scale"):
        losses(NumberPairs(np.ones(1), np.ones(1)), scale=scale)


def test_a_list_has_a_first_place() -> None:
    """A recommendation of no places is none."""
    pairs = replace(WORLDS["ranking"](np.random.default_rng(0), 3))
    with pytest.raises(ValueError, match="first k places"):
        losses(pairs, k=0)
