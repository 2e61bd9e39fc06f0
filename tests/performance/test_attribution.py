"""Attribution drift: the ranking of columns by what they weigh, and how each one's part moved."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from monitor.performance.attribution import moved, ndcg_of_ranking, weights

NAMES = ("a", "b", "c")


@pytest.mark.parametrize("seed", range(5))
def test_the_ranking_has_scikit_learns_ndcg(seed: int) -> None:
    """Without ties the NDCG is scikit-learn's, the reference's weights as relevance and the current ones as scores."""
    reference, current = np.random.default_rng(seed).gamma(1, 1, (2, 12))
    expected = ndcg_score(reference[np.newaxis], current[np.newaxis])
    assert ndcg_of_ranking(reference, current) == pytest.approx(expected, abs=1e-12)


def test_a_scale_changes_no_ranking() -> None:
    """Weights that all grow alike keep their order, and the NDCG is 1."""
    reference = np.array([0.5, 3, 1])
    assert ndcg_of_ranking(reference, 7 * reference) == 1


def test_columns_that_no_longer_differ_do_not_agree() -> None:
    """A window in which all columns weigh the same has not kept the order."""
    assert ndcg_of_ranking(np.array([3.0, 2, 1]), np.ones(3)) == pytest.approx(0.79, abs=5e-3)


@pytest.mark.parametrize(
    ("reference", "current"), [([1, 2], [1]), ([1, np.nan], [1, 2]), ([1, 2], [1, -2]), ([0, 0], [1, 2])]
)
def test_what_is_no_weight_is_refused(reference: list[float], current: list[float]) -> None:
    """Weights of other columns, missing or negative ones, and a reference without any are errors."""
    with pytest.raises(ValueError, match="weights are of the same columns"):
        ndcg_of_ranking(np.array(reference), np.array(current))


def test_a_weight_is_the_mean_size() -> None:
    """Signs do not matter, and a row that lacks an attribution does not enter."""
    assert weights(np.array([[1.0, -2], [-3, 2], [np.nan, 9]])) == pytest.approx([2, 2])


def test_the_column_that_moved_most_comes_first() -> None:
    """A column whose part of all weight rose from a quarter to a half is told with its ranks and an interval."""
    rng = np.random.default_rng(0)
    found = moved(NAMES, np.array([1.0, 1, 2]), rng.normal(size=(500, 3)) * [1, 3, 2])[0]
    assert (found.column, found.before, found.rank_before, found.rank_now) == ("b", 0.25, 3, 1)
    assert found.now.value == pytest.approx(0.5, abs=0.05)
    assert found.now.lower is not None
    assert found.now.lower > 0.25


def test_a_window_without_attributions_says_nothing() -> None:
    """Where no row has all attributions, no column has a part."""
    found = moved(NAMES, np.ones(3), np.full((4, 3), np.nan))
    assert all(one.now.value is None for one in found)
