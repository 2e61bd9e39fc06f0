"""Fixed rules on a distance or a p-value."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from monitor.comparison import Histogram
from monitor.drift import METHODS
from monitor.drift.rule import FURTHEST, Rule, least_distance

WITH_P_VALUE = sorted(name for name, method in METHODS.items() if method.tail is not None)
LEVEL = 0.01


def drawn(seed: int, shift: float, rows: int) -> tuple[Histogram, Histogram]:
    """Return a reference and a window of counts by ten ordered kinds."""
    rng = np.random.default_rng((31, seed))
    old = rng.poisson(4, 2000).clip(0, 9)
    new = rng.poisson(4 + shift, rows).clip(0, 9)
    centres = np.arange(10.0)
    return tuple(Histogram(np.bincount(side, minlength=10), np.asarray(0), centres) for side in (old, new))  # type: ignore[return-value]


def test_a_rule_on_a_distance_is_that_distance() -> None:
    """Rows change nothing: the threshold is the number that was given."""
    rule = Rule(0.2, None)
    assert {rule.threshold(METHODS["population_stability"], *drawn(0, 0, rows)) for rows in (50, 5000)} == {0.2}


@pytest.mark.parametrize("name", WITH_P_VALUE)
@pytest.mark.parametrize("rows", [60, 600])
def test_a_rule_on_a_p_value_is_a_distance_for_these_rows(name: str, rows: int) -> None:
    """In windows with and without drift, the p-value is under the level exactly where the distance is at or over it."""
    method, told = METHODS[name], set()
    for seed in range(60):
        pair = drawn(seed, 0.1 * (seed % 12), rows)
        assert method.p_value is not None
        under = float(method.p_value(*pair)) < LEVEL
        assert (float(method.distance(*pair)) >= Rule(None, LEVEL).threshold(method, *pair)) == under
        told.add(under)
    assert told == {False, True}


def test_the_distance_of_a_p_value_is_the_tables() -> None:
    """Smirnov's table: for two large samples the distance at 5 % is 1.358 over the root of the rows they are worth."""
    old, new = (Histogram(np.array([n // 2, n // 2]), np.asarray(0)) for n in (10**8, 10**6))
    found = Rule(None, 0.05).threshold(METHODS["kolmogorov_smirnov"], old, new)
    assert found * np.sqrt(1e14 / 1.01e8) == pytest.approx(stats.kstwobign.isf(0.05), rel=2e-4)


def test_the_least_distance_is_the_least() -> None:
    """The distance is under the level, and the number before it is not."""
    found = least_distance(lambda d: np.asarray(np.exp(-d)), LEVEL)
    assert np.exp(-found) < LEVEL <= np.exp(-np.nextafter(found, 0))


def test_a_p_value_that_no_distance_has_is_out_of_reach() -> None:
    """Where the chance is 1 whatever the distance, the threshold is a number that none reaches."""
    assert least_distance(lambda d: np.asarray(1.0 + 0 * d), LEVEL) == FURTHEST


def test_a_rule_on_a_p_value_needs_one() -> None:
    """A method without a p-value cannot be asked for one."""
    with pytest.raises(ValueError, match="wasserstein has no p-value"):
        Rule(None, LEVEL).threshold(METHODS["wasserstein"], *drawn(0, 0, 60))


@pytest.mark.parametrize("name", WITH_P_VALUE)
def test_a_tail_never_rises(name: str) -> None:
    """For the same two samples, a larger distance is never more likely."""
    tail = METHODS[name].tail
    assert tail is not None
    chance = tail(*drawn(0, 0.5, 600))(np.linspace(0, 2, 400))
    assert chance[0] == 1.0
    assert np.all(np.diff(chance) <= 1e-12)
    assert chance[-1] < 1e-12


def test_a_tail_is_exact_however_small() -> None:
    """One less a distribution function would be noise there: far out the law is that of its largest weight."""
    tail = METHODS["cramer_von_mises"].tail
    assert tail is not None
    many = Histogram(np.array([10**8, 10**8]), np.asarray(0))
    x = 20.0
    factor = np.prod([1 / np.sqrt(1 - 1 / j**2) for j in range(2, 4000)])
    expected = factor * stats.chi2.sf(x * np.pi**2, 1)
    assert float(tail(many, many)(np.asarray(x / 1e8))) == pytest.approx(expected, rel=0.01)
