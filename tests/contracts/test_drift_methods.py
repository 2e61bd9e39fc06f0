"""What every way to compare a column with its reference must hold to, and against whom it is checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon

from monitor.bins import numeric_bins
from monitor.comparison import Histogram
from monitor.drift import METHODS, Method
from monitor.record import Kind

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator], Floats]
SYMMETRIC = frozenset(METHODS) - {"wasserstein", "energy", "welch_t", "kullback_leibler"}
"""The first three are in standard deviations of the reference, the last is of the window from it."""
POOLED = frozenset({"anderson_darling", "chi_squared", "cramer_von_mises", "g_test"})
"""They are over the rows of both sides together."""
BOUNDED = (
    "hellinger",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "l_infinity",
    "mann_whitney",
    "total_variation",
)
WITH_P_VALUE = [name for name, method in METHODS.items() if method.p_value is not None]
EXACT = 1e-12


@pytest.fixture(params=sorted(METHODS))
def method(request: pytest.FixtureRequest) -> Method:
    """Give each method."""
    return METHODS[request.param]


def rng_of(*seed: int) -> np.random.Generator:
    """Return a stream of its own."""
    return np.random.default_rng(seed)


def histogram(values: Floats, reference: Floats, missing: int = 0, *, bins: int | None = None) -> Histogram:
    """Return values in the cells of a reference, or in so many bins of equal mass."""
    cut = numeric_bins(reference)
    if bins is None:
        return Histogram(np.bincount(cut.cells(values), minlength=cut.size), np.asarray(missing), cut.centres)
    edges = np.quantile(reference, np.arange(1, bins) / bins)
    return Histogram(np.bincount(np.searchsorted(edges, values), minlength=bins), np.asarray(missing))


def bins_of(method: Method) -> int | None:
    """Return how many bins a method reads: none where it reads cells, and two where it is for categories alone."""
    if method.grain == "cells":
        return None
    return 45 if Kind.NUMERIC in method.kinds else 2


def normal_pair(method: Method, shift: float = 0.0, rows: int = 200_000) -> tuple[Histogram, Histogram]:
    """Return a normal reference and a normal window that is shifted, as the method reads them."""
    reference = stats.norm.ppf((np.arange(rows) + 0.5) / rows)
    bins = bins_of(method)
    return histogram(reference, reference, bins=bins), histogram(reference + shift, reference, bins=bins)


def random_pair(method: Method, seed: int, kinds: int = 12) -> tuple[Histogram, Histogram]:
    """Return two histograms without an empty cell, with missing values."""
    rng = rng_of(seed)
    centres = np.sort(rng.normal(size=kinds)) if method.grain == "cells" else None
    old, new = rng.integers(1, 90, (2, kinds))
    return Histogram(old, np.asarray(7), centres), Histogram(new, np.asarray(31), centres)


# --- what a distance is


@pytest.mark.parametrize("seed", range(3))
def test_a_distance_is_zero_on_itself(method: Method, seed: int) -> None:
    """A reference is not different from itself, nor from any multiple of itself."""
    old, _ = random_pair(method, seed)
    assert method.distance(old, old) == pytest.approx(0, abs=1e-7)
    assert method.distance(old, Histogram(old.counts * 3, old.missing * 3, old.centres)) == pytest.approx(0, abs=1e-7)


def test_a_distance_grows_with_the_shift(method: Method) -> None:
    """The further a normal column is shifted, the larger the distance."""
    far = [float(method.distance(*normal_pair(method, shift))) for shift in (0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)]
    assert far == sorted(far)
    assert len(set(far)) == len(far)


@pytest.mark.parametrize("shift", [0.05, 0.1, -0.1])
def test_a_small_shift_is_as_far_as_described(method: Method, shift: float) -> None:
    """``per_sd`` is what a small shift of a normal column yields, by theory: to 5 %."""
    found = float(method.distance(*normal_pair(method, shift))) ** (method.shrink / 2)
    assert found == pytest.approx(method.per_sd * abs(shift), rel=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_a_distance_sees_shares_alone(method: Method, seed: int) -> None:
    """A hundred times the rows on both sides, with the same shares, are as far away."""
    old, new = random_pair(method, seed)
    many = [Histogram(side.counts * 100, side.missing * 100, side.centres) for side in (old, new)]
    assert float(method.distance(*many)) == pytest.approx(float(method.distance(old, new)), rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_rows_of_a_window_change_no_distance(method: Method, seed: int) -> None:
    """A hundred times the rows in the window alone are as far away, where it is not over shares pooled by rows."""
    old, new = random_pair(method, seed)
    many = Histogram(new.counts * 100, new.missing * 100, new.centres)
    same = float(method.distance(old, many)) == pytest.approx(float(method.distance(old, new)), rel=1e-9)
    assert same == (method.name not in POOLED)


@pytest.mark.parametrize("seed", range(3))
def test_a_distance_is_symmetric_where_it_says_so(method: Method, seed: int) -> None:
    """Which side is the reference matters only where the distance is told by the reference."""
    old, new = random_pair(method, seed)
    there, back = float(method.distance(old, new)), float(method.distance(new, old))
    assert (there == pytest.approx(back)) == (method.name in SYMMETRIC)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_kinds_matters_to_numbers_alone(method: Method, seed: int) -> None:
    """Methods for categories see no order; those for numbers do, by their centres or by their place."""
    old, new = random_pair(method, seed)
    order = rng_of(seed).permutation(len(old.counts))
    mixed = [Histogram(h.counts[order], h.missing, None) for h in (old, new)]
    same = float(method.distance(*mixed)) == pytest.approx(float(method.distance(old, new)))
    assert same == (Kind.CATEGORICAL in method.kinds)


@pytest.mark.parametrize("name", BOUNDED)
def test_a_bounded_distance_is_one_where_nothing_meets(name: str) -> None:
    """Two columns without a value in common are at distance 1, the largest there is."""
    apart = Histogram(np.array([5, 0]), np.asarray(0)), Histogram(np.array([0, 9]), np.asarray(0))
    assert METHODS[name].distance(*apart) == pytest.approx(1.0, rel=EXACT, abs=EXACT)


def test_missing_values_are_seen_or_left_out(method: Method) -> None:
    """A method says whether missing values are a bin of their own, and does so."""
    old, _ = random_pair(method, 0)
    lost = Histogram(old.counts, old.missing + 500, old.centres)
    assert (float(method.distance(old, lost)) > 0.1) == method.missing
    assert method.rows(lost) - method.rows(old) == (500 if method.missing else 0)


def test_a_stack_is_compared_one_by_one(method: Method) -> None:
    """Many windows at once give the bits of each alone."""
    old, new = random_pair(method, 0)
    counts = np.stack([new.counts, old.counts, new.counts[::-1]])
    missing = np.array([3, 0, 50])
    stack = Histogram(counts, missing, new.centres)
    for measure in filter(None, (method.distance, method.p_value)):
        alone = [float(measure(old, Histogram(c, m, new.centres))) for c, m in zip(counts, missing, strict=True)]
        assert measure(old, stack).tolist() == alone


def test_panes_add_up_to_the_window(method: Method) -> None:
    """The distance of a window is that of the sum of its panes, to the bit, however it was cut."""
    rng = rng_of(1)
    reference, values = rng.normal(size=5000), rng.normal(0.1, 1, 3000)
    bins = None if method.grain == "cells" else 20
    parts = [histogram(part, reference, bins=bins) for part in np.split(values, [10, 10, 1500])]
    whole = histogram(values, reference, bins=bins)
    old = histogram(reference, reference, bins=bins)
    summed = Histogram(sum((part.counts for part in parts), start=whole.counts * 0), whole.missing, whole.centres)
    assert float(method.distance(old, summed)) == float(method.distance(old, whole))


def test_one_outlier_in_the_reference_hides_nothing(method: Method) -> None:
    """With one reference row at 1e9 a shift is as far away as without it, to 1 %."""
    rng = rng_of(2)
    reference, values = rng.normal(10, 3, 100_000), rng.normal(10.9, 3, 100_000)
    spoiled = reference.copy()
    spoiled[0] = 1e9
    bins = bins_of(method)
    plain, odd = (
        float(method.distance(histogram(r, r, bins=bins), histogram(values, r, bins=bins)))
        for r in (reference, spoiled)
    )
    assert plain ** (method.shrink / 2) > 0.2 * method.per_sd
    assert odd == pytest.approx(plain, rel=0.01)


def test_a_sentinel_among_whole_numbers_hides_nothing(method: Method) -> None:
    """Of a column of few values, one row at 1e9 in the reference changes no distance by more than 1 %."""
    rng = rng_of(3)
    reference, values = rng.poisson(5, 50_000).astype(float), rng.poisson(6, 5000).astype(float)
    spoiled = np.append(reference, 1e9)
    plain, odd = (float(method.distance(histogram(r, r), histogram(values, r))) for r in (reference, spoiled))
    assert odd == pytest.approx(plain, rel=0.01)


def test_wasserstein_does_not_saturate() -> None:
    """A window a thousand standard deviations away is further than one a hundred away, each to a quarter."""
    rng = rng_of(13)
    reference = rng.normal(10, 3, 50_000)
    for shift in (10, 100, 1000):
        found = compared("wasserstein", (reference, rng.normal(10 + 3 * shift, 3, 1000)))
        assert found == pytest.approx(shift, rel=0.25)


@pytest.mark.parametrize("scale", [1e-305, 1e-12, 1e12, 1e305])
def test_the_unit_of_a_column_changes_nothing(method: Method, scale: float) -> None:
    """Metres or miles: the distance has no unit, and overflows nowhere."""
    rng = rng_of(4)
    reference, values = rng.normal(size=3000), rng.normal(0.3, 1, 3000)
    bins = None if method.grain == "cells" else 20
    found = [
        float(
            method.distance(
                histogram(reference * s, reference * s, bins=bins), histogram(values * s, reference * s, bins=bins)
            )
        )
        for s in (1.0, scale)
    ]
    assert found[1] == pytest.approx(found[0], rel=0.01)


def test_a_side_without_rows_raises_nothing(method: Method) -> None:
    """Nothing to compare gives a number; whether it is told is the caller's to judge by ``least_rows``."""
    old, _ = random_pair(method, 0)
    empty = Histogram(old.counts * 0, old.missing * 0, old.centres)
    for pair in ((old, empty), (empty, old), (empty, empty)):
        assert np.isfinite(method.distance(*pair))
        if method.p_value is not None:
            assert 0 <= float(method.p_value(*pair)) <= 1


# --- how it is described


def test_a_method_is_documented(method: Method) -> None:
    """The module of a method states its rule, cites its source and shows an example that is run."""
    module = sys.modules[method.distance.__module__]
    text = module.__doc__ or ""
    assert "\nRule: " in text
    assert "Source:" in text
    assert "\n>>> " in text
    assert module.__name__.rpartition(".")[2] == method.name


def test_a_method_describes_itself(method: Method) -> None:
    """Kinds, least rows and the rest are there for those who choose among methods."""
    assert METHODS[method.name] is method
    assert method.kinds
    assert method.least_rows >= 2
    assert method.grain == "bins" or method.kinds <= {Kind.NUMERIC, Kind.TEXT}


# --- p-values


@pytest.mark.parametrize("name", WITH_P_VALUE)
@pytest.mark.parametrize(("n", "m"), [(400, 400), (20_000, 300)])
def test_p_values_are_uniform_where_nothing_drifts(name: str, n: int, m: int) -> None:
    """Of 2,000 pairs of one distribution a share p has a p-value under p, to four standard errors.

    Small samples have few possible D: Kolmogorov and Smirnov's may be too cautious there, by a fifth.
    """
    method, rng = METHODS[name], rng_of(5, n)
    few = [0.3, 0.7] if name == "two_proportion_z" else [0.3, 0.25, 0.2, 0.15, 0.1]
    shares = np.full(1000, 1e-3) if method.grain == "cells" else np.array(few)
    old, new = rng.multinomial(n, shares, 2000), rng.multinomial(m, shares, 2000)
    assert method.p_value is not None
    p = np.array(
        [
            float(method.p_value(Histogram(a, np.asarray(0)), Histogram(b, np.asarray(0))))
            for a, b in zip(old, new, strict=True)
        ]
    )
    caution = 0.2 if method.grain == "cells" else 0.0
    for level in (0.01, 0.05, 0.2, 0.5):
        noise = 4 * np.sqrt(level * (1 - level) / 2000)
        assert level * (1 - caution) - noise <= (p <= level).mean() <= level + noise


@pytest.mark.parametrize("name", WITH_P_VALUE)
def test_p_values_see_a_drift(name: str) -> None:
    """A shift of half a standard deviation in 1,000 rows has no chance to be chance."""
    method, rng = METHODS[name], rng_of(6)
    reference, values = rng.normal(size=1000), rng.normal(0.5, 1, 1000)
    bins = None if method.grain == "cells" else 10
    assert method.p_value is not None
    assert (
        float(method.p_value(histogram(reference, reference, bins=bins), histogram(values, reference, bins=bins)))
        < 1e-12
    )


# --- against scipy, where each value has its own cell

PAIRS: dict[str, Callable[[np.random.Generator], tuple[Floats, Floats]]] = {
    "whole numbers": lambda rng: (rng.poisson(6, 2000).astype(float), rng.poisson(7, 900).astype(float)),
    "few values": lambda rng: (rng.choice([0.1, 0.7, 3.3, -2.0], 500), rng.choice([0.1, 0.7, 3.3, -2.0], 800)),
    "all different": lambda rng: (rng.uniform(size=700), rng.uniform(0.1, 1.0, 300)),
}


@pytest.fixture(params=list(PAIRS))
def pair(request: pytest.FixtureRequest) -> tuple[Floats, Floats]:
    """Give two samples whose values all have a cell of their own."""
    old, new = PAIRS[request.param](rng_of(7))
    return old, (new if request.param != "all different" else rng_of(8).choice(old, 300))


def compared(name: str, pair: tuple[Floats, Floats]) -> float:
    """Return the distance of two samples."""
    old, new = pair
    return float(METHODS[name].distance(histogram(old, old), histogram(new, old)))


def test_kolmogorov_smirnov_is_scipys(pair: tuple[Floats, Floats]) -> None:
    """D is scipy's, exactly, as long as every value of the window is one of the reference's."""
    old, new = pair
    known = new[np.isin(new, old)]
    assert compared("kolmogorov_smirnov", (old, known)) == pytest.approx(
        stats.ks_2samp(old, known).statistic, rel=EXACT, abs=EXACT
    )


def test_wasserstein_is_scipys(pair: tuple[Floats, Floats]) -> None:
    """W is scipy's over the reference's standard deviation."""
    old, new = pair
    known = new[np.isin(new, old)]
    expected = stats.wasserstein_distance(old, known) / old.std()
    assert compared("wasserstein", (old, known)) == pytest.approx(expected, rel=EXACT, abs=EXACT)


def tallied(pair: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Return how often each value of either sample is in each, counted by itself."""
    values = np.union1d(*pair)
    old, new = (np.array([(side == value).sum() for value in values], float) for side in pair)
    return old, new


def test_jensen_shannon_is_scipys(pair: tuple[Floats, Floats]) -> None:
    """The distance is scipy's with base 2."""
    known = (pair[0], pair[1][np.isin(pair[1], pair[0])])
    expected = jensenshannon(*tallied(known), base=2)
    assert compared("jensen_shannon", known) == pytest.approx(float(expected), rel=EXACT, abs=EXACT)


def test_hellinger_is_the_formulas(pair: tuple[Floats, Floats]) -> None:
    """The distance is the square root of one less the sum of geometric means."""
    known = (pair[0], pair[1][np.isin(pair[1], pair[0])])
    p, q = (side / side.sum() for side in tallied(known))
    assert compared("hellinger", known) == pytest.approx(np.sqrt(1 - np.sqrt(p * q).sum()), rel=1e-9)


def test_population_stability_is_the_formulas() -> None:
    """The index is the sum of both Kullback-Leibler divergences."""
    old, new = np.array([40, 30, 20, 10]), np.array([20, 30, 25, 25])
    p, q = old / 100, new / 100
    expected = stats.entropy(p, q) + stats.entropy(q, p)
    found = METHODS["population_stability"].distance(Histogram(old, np.asarray(0)), Histogram(new, np.asarray(0)))
    assert float(found) == pytest.approx(expected, rel=EXACT, abs=EXACT)


def test_an_empty_bin_leaves_the_index_finite() -> None:
    """A bin that is empty on one side counts as half a row there: half of the step to one row is made by then."""
    method = METHODS["population_stability"]
    old = Histogram(np.array([50, 50]), np.asarray(0))
    none, one, two = (float(method.distance(old, Histogram(np.array([100, n]), np.asarray(0)))) for n in (0, 1, 2))
    assert none > one > two
    assert none - one < 3 * (one - two)


def test_chi_squared_is_scipys() -> None:
    """Statistic and p-value are those of the contingency table, without a correction for continuity."""
    old, new = np.array([40, 30, 20, 10]), np.array([200, 310, 250, 240])
    table = stats.chi2_contingency(np.stack([old, new]), correction=False)
    method = METHODS["chi_squared"]
    sides = Histogram(old, np.asarray(0)), Histogram(new, np.asarray(0))
    rows = 100 * 1000 / 1100
    assert float(method.distance(*sides)) ** 2 * rows == pytest.approx(table.statistic, rel=EXACT, abs=EXACT)
    assert method.p_value is not None
    assert float(method.p_value(*sides)) == pytest.approx(table.pvalue, rel=EXACT, abs=EXACT)


def test_chi_squared_counts_missing_values_as_a_kind() -> None:
    """A column of the table of counts is for what is missing."""
    table = stats.chi2_contingency(np.array([[40, 60], [70, 30]]), correction=False)
    sides = Histogram(np.array([40]), np.asarray(60)), Histogram(np.array([70]), np.asarray(30))
    method = METHODS["chi_squared"]
    assert method.p_value is not None
    assert float(method.p_value(*sides)) == pytest.approx(table.pvalue, rel=EXACT, abs=EXACT)


@pytest.mark.parametrize(("n", "m"), [(300, 300), (1000, 400), (5000, 60)])
@pytest.mark.parametrize("shift", [0.0, 0.05, 0.1, 0.2])
def test_the_p_value_of_kolmogorov_smirnov_is_near_scipys(n: int, m: int, shift: float) -> None:
    """It is within 0.02, or a fifth, of scipy's exact one."""
    rng = rng_of(9, n)
    old = rng.normal(size=n).round(2)
    known = rng.choice(old, m) + 0.0
    known[: int(shift * m)] = old.max()
    method = METHODS["kolmogorov_smirnov"]
    exact = stats.ks_2samp(old, known, method="exact").pvalue
    assert method.p_value is not None
    found = float(method.p_value(histogram(old, old), histogram(known, old)))
    assert found == pytest.approx(exact, abs=0.02, rel=0.2)


# --- against scipy, for continuous columns

CONTINUOUS: dict[str, tuple[Draw, Draw]] = {
    "normal": (lambda rng: rng.normal(10, 3, 100_000), lambda rng: rng.normal(10.3, 3.3, 20_000)),
    "uniform": (lambda rng: rng.uniform(size=50_000), lambda rng: rng.beta(1.1, 1, 5000)),
    "skewed": (lambda rng: rng.lognormal(0, 1, 100_000), lambda rng: rng.lognormal(0.1, 1, 20_000)),
    "half zero": (
        lambda rng: np.where(rng.random(50_000) < 0.5, 0, rng.gamma(2, 1, 50_000)),
        lambda rng: np.where(rng.random(5000) < 0.4, 0, rng.gamma(2, 1, 5000)),
    ),
}


@pytest.fixture(params=list(CONTINUOUS))
def continuous(request: pytest.FixtureRequest) -> tuple[Floats, Floats]:
    """Give two samples of a continuous column."""
    old, new = CONTINUOUS[request.param]
    return old(rng_of(10)), new(rng_of(11))


def test_kolmogorov_smirnov_is_short_by_a_cell_at_most(continuous: tuple[Floats, Floats]) -> None:
    """D is never over scipy's, and under it by no more than the heaviest cell's share."""
    old, new = continuous
    exact = stats.ks_2samp(old, new, method="asymp").statistic
    heaviest = max(
        (h.counts / h.counts.sum())[(h.counts / h.counts.sum()) < 0.1].max()
        for h in (histogram(old, old), histogram(new, old))
    )
    assert exact - heaviest - 1e-12 <= compared("kolmogorov_smirnov", continuous) <= exact + 1e-12


def test_wasserstein_is_off_by_the_width_of_cells_at_most(continuous: tuple[Floats, Floats]) -> None:
    """W is scipy's, to how far rows stand from where they were, and to what the reference has more of far out."""
    old, new = continuous
    low, high = np.quantile(old, [0.001, 0.999])
    inside = [np.clip(side, 2 * low - high, 2 * high - low) for side in (old, new)]
    bins = numeric_bins(old)
    moved = sum(float(np.abs(side - bins.centres[bins.cells(side)]).mean()) for side in inside) / inside[0].std()
    exact = stats.wasserstein_distance(*inside) / inside[0].std()
    assert moved < 0.01
    assert compared("wasserstein", continuous) == pytest.approx(exact, abs=moved + 1e-3 * exact)


# --- against Evidently, where it is right

EVIDENTLY = """
import json, sys
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift
given = json.load(sys.stdin)
names = {"x": given["numbers"], "c": given["categories"]}
sides = [pd.DataFrame({"x": given["x"][i], "c": given["c"][i]}) for i in (0, 1)]
definition = DataDefinition(numerical_columns=["x"], categorical_columns=["c"])
reference, current = (Dataset.from_pandas(side, data_definition=definition) for side in sides)
drifts = [ValueDrift(column=column, method=method) for column, methods in names.items() for method in methods]
found = Report(drifts).run(current, reference).dict()["metrics"]
order = [(column, method) for column, methods in names.items() for method in methods]
print(json.dumps({f"{column} {method}": float(each["value"]) for (column, method), each in zip(order, found)}))
"""


@pytest.fixture(scope="session")
def evidently() -> dict[str, Any]:
    """Give samples of two columns, and what Evidently makes of them in a process of its own."""
    rng = rng_of(12)
    samples: dict[str, Any] = {
        "x": [rng.integers(0, 100, 3000).tolist(), rng.integers(5, 105, 2000).tolist()],
        "c": [rng.choice(list("abcd"), 3000).tolist(), rng.choice(list("abcd"), 2000, p=[0.4, 0.3, 0.2, 0.1]).tolist()],
        "numbers": ["wasserstein", "ks"],
        "categories": ["jensenshannon", "hellinger", "psi"],
    }
    environment = os.environ | {"DO_NOT_TRACK": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", EVIDENTLY],
        input=json.dumps(samples),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=110,
    )
    return samples | {"found": json.loads(done.stdout.splitlines()[-1])}


def of_categories(sample: dict[str, Any], name: str) -> float:
    """Return our distance of the categories."""
    old, new = (Histogram(np.array([side.count(k) for k in "abcd"]), np.asarray(0)) for side in sample["c"])
    return float(METHODS[name].distance(old, new))


def test_jensen_shannon_is_evidentlys_but_for_the_base(evidently: dict[str, Any]) -> None:
    """Evidently takes base e: its distance is ours times the root of ln 2."""
    expected = evidently["found"]["c jensenshannon"] / np.sqrt(np.log(2))
    assert of_categories(evidently, "jensen_shannon") == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("ours", "theirs"), [("hellinger", "hellinger"), ("population_stability", "psi")])
def test_distances_of_categories_are_evidentlys(evidently: dict[str, Any], ours: str, theirs: str) -> None:
    """On categories that both sides have, the distance is Evidently's."""
    assert of_categories(evidently, ours) == pytest.approx(evidently["found"][f"c {theirs}"], rel=1e-9)


def test_wasserstein_is_evidentlys(evidently: dict[str, Any]) -> None:
    """On whole numbers the distance is Evidently's; a twentieth of the values, new ones, share cells: to 3 %."""
    old, new = (np.array(side, float) for side in evidently["x"])
    assert compared("wasserstein", (old, new)) == pytest.approx(evidently["found"]["x wasserstein"], rel=0.03)


def test_the_p_value_of_kolmogorov_smirnov_is_evidentlys(evidently: dict[str, Any]) -> None:
    """On whole numbers the p-value is Evidently's, to a tenth."""
    old, new = (np.array(side, float) for side in evidently["x"])
    method = METHODS["kolmogorov_smirnov"]
    assert method.p_value is not None
    found = float(method.p_value(histogram(old, old), histogram(new, old)))
    assert found == pytest.approx(evidently["found"]["x ks"], rel=0.1)
