"""Intervals against published ones, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from monitor.performance.interval import delta_bounds, mean_bounds, mean_of_shares, unseen, wilson
from monitor.performance.roc_auc import auc_parts


@pytest.mark.parametrize(
    ("hits", "rows", "bounds"),
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_wilson_is_as_newcombe_printed(hits: int, rows: int, bounds: tuple[float, float]) -> None:
    """The score intervals of Newcombe (1998, Statistics in Medicine 17:857), table I."""
    assert wilson(hits, rows) == pytest.approx(bounds, abs=5e-5)


def test_wilson_is_scipys() -> None:
    """The interval is that of scipy's binomial test."""
    found = stats.binomtest(37, 90).proportion_ci(method="wilson")
    assert wilson(37, 90) == pytest.approx((found.low, found.high), abs=1e-12)


def test_what_was_never_seen_has_wilsons_bound() -> None:
    """Rows that all agree leave as much open as Wilson's interval of none among them."""
    assert unseen(0.0, 20, (0.0, 1.0)) == pytest.approx(wilson(0, 20))


def test_the_mean_of_one_share_is_its_own() -> None:
    """The interval of a mean of one share is the share's."""
    assert mean_of_shares([(7, 20)]) == pytest.approx(wilson(7, 20))


def test_without_skewness_a_mean_has_students_interval() -> None:
    """A symmetric sample has the textbook's interval of Student's t."""
    values = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    expected = stats.t.interval(0.95, 4, loc=0, scale=stats.sem(values))
    assert mean_bounds(values) == pytest.approx(expected)


def test_cells_have_the_interval_of_their_rows() -> None:
    """Rows that are counted by value have the interval of the rows one by one."""
    values, counts = np.array([0.0, 1.0, 5.0]), np.array([4.0, 3.0, 2.0])
    rows = np.repeat(values, counts.astype(int))
    assert mean_bounds(values, counts) == pytest.approx(mean_bounds(rows), abs=1e-12)
    assert delta_bounds(0.5, values - 1, counts=counts) == pytest.approx(delta_bounds(0.5, rows - 1), abs=1e-12)


def test_one_row_has_no_interval() -> None:
    """One row says nothing of how rows vary."""
    assert mean_bounds(np.ones(1)) is None
    assert delta_bounds(1.0, np.zeros(1)) is None


def test_the_variance_of_an_auc_is_delongs() -> None:
    """The influences' mean square is DeLong's variance, up to the divisors of the two sides."""
    rng = np.random.default_rng(0)
    positive = np.arange(90) < 30
    scores = np.round(rng.normal(size=90) + positive, 1)
    auc, influences = auc_parts(scores, positive)
    wins = (scores[positive][:, None] > scores[~positive]) + 0.5 * (scores[positive][:, None] == scores[~positive])
    delong = wins.mean(axis=1).var() / 30 + wins.mean(axis=0).var() / 60
    assert auc == pytest.approx(wins.mean(), abs=1e-12)
    assert float(np.square(influences).sum()) / 90**2 == pytest.approx(delong, abs=1e-12)
