"""The cells of a column."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.bins import MANY, CategoryBins, NumericBins, category_bins, numeric_bins

TINY, HUGE = 5e-324, 1.7976931348623157e308
EXTREMES = [0.0, -0.0, TINY, -TINY, 2.3e-308, -2.3e-308, HUGE, -HUGE, 1e300, -1e300, -1e-20, 1e-20, 1e17, 0.1, 1 / 3]
Floats = NDArray[np.float64]
FINITE = st.floats(allow_nan=False, allow_infinity=False)
REFERENCES: dict[str, Callable[[np.random.Generator], Floats]] = {
    "normal": lambda rng: rng.normal(10, 3, 20_000),
    "uniform": lambda rng: rng.uniform(-1, 1, 20_000),
    "skewed": lambda rng: rng.lognormal(0, 2, 20_000),
    "whole": lambda rng: rng.integers(-3, 300, 20_000).astype(np.float64),
    "money": lambda rng: np.round(rng.lognormal(3, 1, 20_000), 2),
    "half zero": lambda rng: np.where(rng.random(20_000) < 0.5, 0.0, rng.lognormal(0, 1, 20_000)),
    "nearly all zero": lambda rng: np.where(rng.random(2_000_000) < 0.9993, 0.0, rng.random(2_000_000)),
    "wide from zero": lambda rng: np.where(rng.random(20_000) < 0.01, 0.0, rng.uniform(0, 1e9, 20_000)),
    "few": lambda rng: rng.normal(0, 1, 10),
    "one value": lambda rng: np.full(50, 7.0),
    "far away": lambda rng: rng.normal(1e17, 1000, 20_000),
    "tiny": lambda rng: rng.normal(0, 1e-310, 5000),
    "as wide as floats are": lambda rng: rng.uniform(-1, 1, 5000) * HUGE,
}


@pytest.fixture(scope="module", params=list(REFERENCES))
def reference(request: pytest.FixtureRequest) -> Floats:
    """Give reference values of every shape."""
    return REFERENCES[request.param](np.random.default_rng(5))


def near(bins: NumericBins) -> Floats:
    """Return what lies next to the edges and to the lines of the grid, to the last bit, and the extremes."""
    points = [bins.edges, bins.centres, np.array(EXTREMES)]
    if bins.grid is not None:
        points.append(bins.grid.origin + np.arange(len(bins.grid.cells) + 2) / bins.grid.scale)
    at = np.concatenate(points)
    with np.errstate(over="ignore"):
        around = np.concatenate([at, np.nextafter(at, np.inf), np.nextafter(at, -np.inf)])
    finite: Floats = around[np.isfinite(around)]
    return finite


def searched(bins: NumericBins, values: Floats) -> NDArray[np.intp]:
    """Return the cells that a binary search finds."""
    return np.searchsorted(bins.edges, values, side="right")


def repeated(values: Floats) -> Floats:
    """Return the values, often enough to be looked up in the grid."""
    return np.resize(values, max(MANY, len(values)))


def test_the_grid_finds_the_cells_of_a_binary_search(reference: Floats) -> None:
    """Every value finds the same cell by grid and by search, even one bit beside an edge or a line."""
    bins = numeric_bins(reference)
    values = repeated(np.concatenate([near(bins), reference[:5000]]))
    np.testing.assert_array_equal(bins.cells(values), searched(bins, values))


@given(st.lists(FINITE, min_size=1, max_size=200), st.sampled_from(list(REFERENCES)[:8]))
@example([TINY, -TINY, HUGE, -HUGE], "whole")
def test_no_value_is_in_another_cell_by_grid(drawn: list[float], name: str) -> None:
    """Whatever the value, the grid agrees with the search."""
    bins = BINS[name]
    values = repeated(np.array(drawn))
    np.testing.assert_array_equal(bins.cells(values), searched(bins, values))


BINS = {name: numeric_bins(REFERENCES[name](np.random.default_rng(6))) for name in list(REFERENCES)[:8]}


@given(st.lists(FINITE | st.sampled_from(EXTREMES), min_size=1, max_size=60), FINITE)
def test_any_reference_can_be_cut(drawn: list[float], value: float) -> None:
    """Whatever the reference, edges rise and figures are finite; grid and search agree."""
    bins = numeric_bins(np.array(drawn))
    assert (np.diff(bins.edges) > 0).all()
    assert np.isfinite(bins.centres).all()
    assert len(bins.centres) == bins.size
    assert bins.quantum > 0
    values = repeated(np.append(near(bins), value))
    np.testing.assert_array_equal(bins.cells(values), searched(bins, values))


@given(st.integers(-(10**6), 10**6), st.integers(2, 8000), FINITE)
def test_whole_numbers_have_a_grid(least: int, width: int, value: float) -> None:
    """A short range of whole numbers is looked up in a table, wherever it begins."""
    bins = numeric_bins(np.linspace(least, least + width, 900).round())
    assert bins.grid is not None
    values = repeated(np.append(near(bins), value))
    np.testing.assert_array_equal(bins.cells(values), searched(bins, values))


def test_few_distinct_values_have_a_cell_each() -> None:
    """Up to a thousand distinct values are told apart, and each counts as itself."""
    values = np.unique(np.random.default_rng(0).normal(size=1000))
    bins = numeric_bins(np.repeat(values, 3))
    cells = bins.cells(values)
    assert len(set(cells.tolist())) == 1000
    np.testing.assert_array_equal(bins.centres[cells], np.clip(values, *np.sort(bins.centres)[[0, -1]]))


def test_many_distinct_values_share_cells_of_equal_mass() -> None:
    """No cell of a continuous column holds much more than a thousandth of it."""
    values = np.random.default_rng(0).normal(size=100_000)
    bins = numeric_bins(values)
    assert np.bincount(bins.cells(values)).max() < 200
    assert 900 < bins.size < 1100


def test_a_heavy_value_has_a_cell_of_its_own() -> None:
    """Half of the values are zero: no other value of the reference is in their cell."""
    bins, values = BINS["half zero"], REFERENCES["half zero"](np.random.default_rng(6))
    assert set(values[bins.cells(values) == bins.cells(np.zeros(1))]) == {0.0}


def test_a_rare_part_is_told_from_the_rest() -> None:
    """Where 99.93 % of the values are zero, the others are not in the cell of zero, nor in that of much more."""
    zero, one, thousand = BINS["nearly all zero"].cells(np.array([0.0, 0.5, 1000.0]))
    assert zero < one < thousand


@pytest.mark.parametrize("name", ["money", "whole"])
def test_float32_changes_no_cell(name: str) -> None:
    """A value that was logged as float32 is in the cell of the value itself."""
    values = np.unique(REFERENCES[name](np.random.default_rng(0)))[:900]
    bins = numeric_bins(values)
    logged = values.astype(np.float32).astype(np.float64)
    np.testing.assert_array_equal(bins.cells(logged), bins.cells(values))


def test_what_is_beyond_the_reference_has_cells_of_its_own(reference: Floats) -> None:
    """The outermost cells hold no value of the reference."""
    bins = numeric_bins(reference)
    cells = bins.cells(reference)
    assert cells.min() > 0
    assert cells.max() < bins.size - 1


def test_one_outlier_moves_no_inner_edge() -> None:
    """With one value of 1e9 the edges between the 1 % and the 99 % point stay, to a hundredth of their distance."""
    values = np.random.default_rng(0).normal(10, 3, 100_000)
    spoiled = values.copy()
    spoiled[0] = 1e9
    plain, odd = numeric_bins(values), numeric_bins(spoiled)
    low, high = np.quantile(values, [0.01, 0.99])
    inner = [bins.edges[(bins.edges > low) & (bins.edges < high)] for bins in (plain, odd)]
    assert abs(len(inner[0]) - len(inner[1])) <= 5
    points = np.linspace(low, high, 1000)
    ranks = [np.cumsum(np.bincount(b.cells(values), minlength=b.size))[b.cells(points)] for b in (plain, odd)]
    assert np.abs(ranks[0] - ranks[1]).max() < 300  # of 100,000


def test_a_mean_survives_an_outlier_among_few_values() -> None:
    """A sentinel of 1e9 among whole numbers does not coarsen the quantum in which means are kept."""
    values = np.append(np.tile(np.arange(20.0), 100), 1e9)
    assert numeric_bins(values).quantum < 1e-3


def test_no_value_at_all_has_one_cell() -> None:
    """A column without a value is cut into nothing."""
    bins = numeric_bins(np.empty(0))
    assert (bins.size, bins.cells(np.array([1.0, -5.0])).tolist()) == (1, [0, 0])


def test_levels_are_kept_by_frequency_then_by_name() -> None:
    """The most frequent level comes first; of equals the first by name."""
    assert category_bins(["b", "a", "c"], np.array([5, 5, 9])).levels == ("c", "a", "b")


def test_rare_levels_are_known_but_share_a_cell() -> None:
    """From the thousand-and-first level on the reference's levels are "others", which are not unseen."""
    names = [f"{i:04}" for i in range(1200)]
    bins = category_bins(names, np.arange(1200, 0, -1))
    assert len(bins.levels) == 1000
    assert bins.cells(["0000", "0999", "1000", "1199", "never"]).tolist() == [0, 999, 1000, 1000, 1001]
    assert (bins.other, bins.unseen, bins.size) == (1000, 1001, 1002)


def test_a_category_without_levels_calls_all_unseen() -> None:
    """A column that was all missing in the reference knows no value."""
    assert CategoryBins(()).cells(["a"]).tolist() == [1]


@pytest.mark.parametrize("value", [0.0, 7.0, 1e-9, -1e300])
def test_a_lone_value_has_a_cell_of_its_own(value: float) -> None:
    """Where the reference has one value, another one is in another cell, but for what float32 makes of it."""
    bins = numeric_bins(np.full(50, value))
    alone, beside, below = bins.cells(np.array([value, value + max(abs(value), 1e-12) / 10, value - 1]))
    assert beside > alone
    assert below < alone or value == -1e300
    assert bins.cells(np.array([value * (1 + 2**-24)]))[0] == alone
