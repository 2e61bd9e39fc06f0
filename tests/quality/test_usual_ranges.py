"""How many records are usual, against SciPy's distributions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom, binom
from scipy.stats import t as student

from monitor.quality.usual import Usual, usual

LEVEL = 1e-5


@pytest.mark.parametrize(("mean", "size", "rows"), [(0.02, 50.0, 1e5), (0.3, 8.0, 1e4), (1e-4, 200.0, 1e6)])
def test_the_most_is_the_beta_binomial_quantile(mean: float, size: float, rows: float) -> None:
    """Where no step is worse than the mean, more than the most have at most the chance that SciPy says."""
    known = Usual(mean, size, rows, 0.0, 100)
    joined = 1 / (1 / size + 1 / rows)
    chance = betabinom(1000, mean * joined, (1 - mean) * joined)
    most = known.most(1000, LEVEL)
    assert chance.sf(most) <= LEVEL < chance.sf(most - 1)


def test_the_worst_step_may_come_again() -> None:
    """A window may be as the worst step, as seldom as the reference shows one, and by a binomial's luck worse."""
    most = Usual(0.001, 1e9, 1e9, 0.4, 100).most(500, LEVEL)
    assert binom(500, 0.4).sf(most) <= LEVEL * 100 < binom(500, 0.4).sf(most - 1)


def test_independent_rows_have_nearly_no_spread() -> None:
    """Where steps vary by luck alone, hardly more is usual than luck makes."""
    rng = np.random.default_rng(5)
    found = usual(rng.binomial(1000, 0.02, 2000), np.full(2000, 1000))
    assert binom(1000, 0.02).isf(LEVEL) <= found.most(1000, LEVEL) <= 1.1 * binom(1000, 0.02).isf(LEVEL)


@pytest.mark.parametrize("block", [1, 8])
def test_a_spread_is_found_at_its_own_timescale(block: int) -> None:
    """Of shares that vary from step to step, or from block to block, the spread is found, or a third more."""
    rng = np.random.default_rng(6)
    shares = np.repeat(rng.beta(2, 38, 1600 // block), block)
    size = usual(rng.binomial(400, shares), np.full(1600, 400)).size
    assert 40 / 1.35 < size <= 40 * 1.05


def test_a_few_of_what_the_reference_never_shows_are_usual() -> None:
    """Of what 100,000 rows do not show, no window of 1,000 is expected to hold more than two."""
    assert usual(np.zeros(100, np.int64), np.full(100, 1000)).most(1000, LEVEL) == 2


def test_a_large_window_is_allowed_its_share() -> None:
    """A window beyond a size counts as one of that size: the share that is usual stays."""
    known = usual(np.full(200, 20), np.full(200, 1000))
    assert known.most(1_000_000, LEVEL) / 1_000_000 == pytest.approx(known.most(50_000, LEVEL) / 50_000)


def test_steps_that_storm_may_be_worse_than_any_before() -> None:
    """Where large steps vary for sure, shares are usual as far as Student's t with four degrees of freedom reaches."""
    known = Usual(0.2, 400.0, 1e9, 0.21, 400, storms=True)
    ends = 0.2 + student(4).isf(LEVEL) * np.sqrt(0.2 * 0.8 / 400)
    assert known.most(50_000, LEVEL) / 50_000 == pytest.approx(ends, rel=0.01)


def test_only_what_varies_for_sure_storms() -> None:
    """Of 50 references that vary by luck alone few are taken to storm, and of those that vary all are."""
    rng = np.random.default_rng(8)
    of = np.full(400, 300)
    by_luck = [usual(rng.binomial(300, 0.1, 400), of).storms for _ in range(50)]
    varying = [usual(rng.binomial(300, rng.beta(20, 180, 400)), of).storms for _ in range(50)]
    assert np.mean(by_luck) <= 0.02
    assert all(varying)
