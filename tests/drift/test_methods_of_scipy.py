"""Methods by choice against scipy and textbooks, on rows that each have a cell of their own: to 1e-12."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import chebyshev, cityblock

from monitor.comparison import Histogram
from monitor.drift import METHODS
from monitor.drift.anderson_darling import chance_of

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]
EXACT = 1e-12
DRAWN: dict[str, Callable[[np.random.Generator], Pair]] = {
    "normal": lambda rng: (rng.normal(size=90), rng.normal(0.4, 1.2, 60)),
    "uniform": lambda rng: (rng.uniform(size=200), rng.uniform(0.05, 1, 31)),
    "alike": lambda rng: (rng.gamma(3, size=50), rng.gamma(3, size=70)),
}
TIED: dict[str, Callable[[np.random.Generator], Pair]] = {
    "counts": lambda rng: (rng.poisson(4, 300).astype(float), rng.poisson(5, 200).astype(float)),
    "few": lambda rng: (rng.choice([-1.0, 0.5, 3.0], 80), rng.choice([-1.0, 0.5, 3.0], 120, p=[0.2, 0.3, 0.5])),
}


@pytest.fixture(params=[*DRAWN, *TIED])
def pair(request: pytest.FixtureRequest) -> Pair:
    """Give two samples."""
    return (DRAWN | TIED)[request.param](np.random.default_rng(21))


@pytest.fixture(params=list(DRAWN))
def untied(request: pytest.FixtureRequest) -> Pair:
    """Give two samples of a continuous column."""
    return DRAWN[request.param](np.random.default_rng(22))


def tallied(pair: Pair) -> tuple[Histogram, Histogram]:
    """Return two samples, each distinct value in a cell of its own."""
    values = np.union1d(*pair)
    old, new = (Histogram(np.array([(side == v).sum() for v in values]), np.asarray(0), values) for side in pair)
    return old, new


def distance(name: str, pair: Pair) -> float:
    """Return a method's distance of two samples."""
    return float(METHODS[name].distance(*tallied(pair)))


def p_value(name: str, pair: Pair) -> float:
    """Return a method's p-value of two samples."""
    found = METHODS[name].p_value
    assert found is not None
    return float(found(*tallied(pair)))


def worth(pair: Pair) -> float:
    """Return n m / (n + m)."""
    n, m = map(len, pair)
    return n * m / (n + m)


def test_energy_is_scipys(pair: Pair) -> None:
    """The distance is scipy's over the root of the reference's standard deviation."""
    expected = stats.energy_distance(*pair) / np.sqrt(pair[0].std())
    assert distance("energy", pair) == pytest.approx(expected, rel=EXACT)


def test_mann_whitney_is_scipys(pair: Pair) -> None:
    """Delta is 2 U / (n m) - 1, and the p-value that of the normal limit with ties."""
    theirs = stats.mannwhitneyu(*pair, use_continuity=False, method="asymptotic")
    delta = 2 * theirs.statistic / (len(pair[0]) * len(pair[1])) - 1
    assert distance("mann_whitney", pair) == pytest.approx(abs(delta), rel=EXACT, abs=EXACT)
    assert p_value("mann_whitney", pair) == pytest.approx(theirs.pvalue, rel=1e-10)


def test_welch_t_is_scipys(pair: Pair) -> None:
    """The distance is the gap of the means in the reference's standard deviations, the p-value scipy's."""
    expected = abs(pair[1].mean() - pair[0].mean()) / pair[0].std()
    assert distance("welch_t", pair) == pytest.approx(expected, rel=EXACT, abs=EXACT)
    assert p_value("welch_t", pair) == pytest.approx(stats.ttest_ind(*pair, equal_var=False).pvalue, rel=1e-9)


def test_cramer_von_mises_is_scipys(untied: Pair) -> None:
    """T is w² times the rows it is worth, and the p-value that of its limit."""
    theirs = stats.cramervonmises_2samp(*untied, method="asymptotic")
    assert distance("cramer_von_mises", untied) * worth(untied) == pytest.approx(theirs.statistic, rel=EXACT)
    assert p_value("cramer_von_mises", untied) == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-12)


def test_anderson_darling_is_the_textbooks(untied: Pair) -> None:
    """A² is Pettitt's sum over the ordered rows of both sides, (M_i N - n i)² / (i (N - i)) / (n m)."""
    n, m = map(len, untied)
    total = n + m
    old, i = np.sort(untied[0]), np.arange(1, total)
    before = np.searchsorted(old, np.sort(np.concatenate(untied))[:-1], side="right")
    expected = float(((before * total - n * i) ** 2 / (i * (total - i))).sum() / (n * m))
    assert distance("anderson_darling", untied) * worth(untied) == pytest.approx(expected, rel=EXACT)


def test_anderson_darling_has_scipys_standing(untied: Pair) -> None:
    """Standardised as Scholz and Stephens do, A² is what scipy calls the statistic."""
    theirs = stats.anderson_ksamp(list(untied), variant="right", method=stats.PermutationMethod(n_resamples=9))
    n, m = map(len, untied)
    total = n + m
    h_sum, h = 1 / n + 1 / m, (1 / np.arange(1, total)).sum()
    g = sum(1 / ((total - i) * j) for i in range(1, total - 1) for j in range(i + 1, total))
    a, b = (4 * g - 6) + (10 - 6 * g) * h_sum, (2 * g - 4) * 4 + 8 * h * 2 + (2 * g - 14 * h - 4) * h_sum - 8 * h
    b += 4 * g - 6
    c = (6 * h + 2 * g - 2) * 4 + (4 * h - 4 * g + 6) * 2 + (2 * h - 6) * h_sum + 4 * h
    d = (2 * h + 6) * 4 - 4 * h * 2
    variance = (a * total**3 + b * total**2 + c * total + d) / ((total - 1) * (total - 2) * (total - 3))
    standing = (distance("anderson_darling", untied) * worth(untied) - 1) / np.sqrt(variance)
    assert standing == pytest.approx(theirs.statistic, rel=0.02, abs=0.02)


@pytest.mark.parametrize(("statistic", "chance"), [(1.933, 0.1), (2.492, 0.05), (3.070, 0.025), (3.857, 0.01)])
def test_anderson_darlings_limit_is_the_known_one(statistic: float, chance: float) -> None:
    """The p-values of Stephens's critical points (1974, JASA 69:730) are theirs, to 3 %."""
    assert float(chance_of(np.asarray(statistic))) == pytest.approx(chance, rel=0.03)


def counts(seed: int, kinds: int = 6) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return two sides' counts of categories, none of them 0."""
    old, new = np.random.default_rng(seed).integers(3, 60, (2, kinds))
    return old, new


def of_counts(name: str, old: NDArray[np.int64], new: NDArray[np.int64]) -> tuple[float, float | None]:
    """Return distance and p-value of two sides' counts."""
    method, sides = METHODS[name], (Histogram(old, np.asarray(0)), Histogram(new, np.asarray(0)))
    return float(method.distance(*sides)), None if method.p_value is None else float(method.p_value(*sides))


@pytest.mark.parametrize("seed", range(3))
def test_distances_of_shares_are_scipys(seed: int) -> None:
    """Total variation is half the cityblock distance, L-infinity Chebyshev's, KL scipy's relative entropy."""
    old, new = counts(seed)
    p, q = old / old.sum(), new / new.sum()
    assert of_counts("total_variation", old, new)[0] == pytest.approx(cityblock(p, q) / 2, rel=EXACT)
    assert of_counts("l_infinity", old, new)[0] == pytest.approx(chebyshev(p, q), rel=EXACT)
    assert of_counts("kullback_leibler", old, new)[0] == pytest.approx(stats.entropy(q, p), rel=EXACT)


@pytest.mark.parametrize("seed", range(3))
def test_the_g_test_is_scipys(seed: int) -> None:
    """G and its p-value are those of scipy's log-likelihood ratio."""
    old, new = counts(seed)
    theirs = stats.chi2_contingency([old, new], correction=False, lambda_="log-likelihood")
    far, chance = of_counts("g_test", old, new)
    assert far**2 * old.sum() * new.sum() / (old.sum() + new.sum()) == pytest.approx(theirs.statistic, rel=EXACT)
    assert chance == pytest.approx(theirs.pvalue, rel=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_the_z_test_of_two_levels_is_the_chi_squared_test(seed: int) -> None:
    """z² is chi-squared of the table, so that the p-value is scipy's."""
    old, new = counts(seed, kinds=2)
    theirs = stats.chi2_contingency([old, new], correction=False)
    assert of_counts("two_proportion_z", old, new)[1] == pytest.approx(theirs.pvalue, rel=1e-9)


def test_cohens_h_is_that_of_his_table() -> None:
    """From .50 to .25 it is 1.571 - 1.047 (Cohen 1988, table 6.2.2)."""
    far, _ = of_counts("two_proportion_z", np.array([50, 50]), np.array([25, 75]))
    assert far == pytest.approx(0.524, abs=0.0005)


def test_more_levels_are_paid_for() -> None:
    """The p-value of the level that moved furthest counts once for each level in use."""
    old, new = np.array([50, 30, 20]), np.array([50, 45, 5])
    _, chance = of_counts("two_proportion_z", old, new)
    alone = stats.chi2_contingency([[20, 80], [5, 95]], correction=False).pvalue
    assert chance == pytest.approx(3 * alone, rel=1e-9)
