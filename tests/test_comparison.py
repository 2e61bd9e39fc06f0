"""What a comparison is made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from monitor.bins import numeric_bins
from monitor.comparison import (
    ColumnDriftSettings,
    DriftSettings,
    Effect,
    Histogram,
    Side,
    share_effect,
    shift_effect,
    sides_of,
)
from monitor.profile import Binning, ColumnBins, Profile, profile_rows
from monitor.record import Column, Kind, Role
from tests.worlds import reference_table

NUMBER = ColumnBins(
    Column("x", "x", Role.FEATURE, Kind.NUMERIC), numeric_bins(np.random.default_rng(0).normal(5, 2, 5000))
)


def side_of(values: Sequence[float | None]) -> Side:
    """Return the figures of a numeric column."""
    return sides_of(profiled(values), Binning((NUMBER,)))[0]


def profiled(values: Sequence[float | None]) -> Profile:
    """Return the profile of a numeric column."""
    table = pa.table({"x": pa.array(values, pa.float64())})
    return profile_rows(table, Binning((NUMBER,)), np.zeros(len(values), np.intp), 1)[0]


def test_mean_and_sd_are_those_of_the_values() -> None:
    """The mean is exact to 2**-16 of the inner range, the standard deviation to 2**-8."""
    values = np.random.default_rng(1).normal(7, 3, 10_000)
    side = side_of(values.tolist())
    assert side.mean == pytest.approx(values.mean(), abs=12 * 2**-16)
    assert side.sd == pytest.approx(values.std(), abs=12 * 2**-8)


def test_missing_values_enter_no_mean() -> None:
    """What is missing is a share of all rows, and no value."""
    side = side_of([4.0, None, 6.0, None])
    assert (side.rows, side.missing_ratio, side.unseen_ratio) == (4, 0.5, 0.0)
    assert side.mean == pytest.approx(5.0, abs=1e-3)


def test_no_rows_have_no_figures() -> None:
    """Unknown is not 0."""
    assert side_of([]) == Side(0, None, None, None, None)


def test_all_missing_has_no_mean() -> None:
    """A column without a value has a share that is missing, and no mean."""
    assert side_of([None, None]) == Side(2, 1.0, 0.0, None, None)


def test_the_shift_is_in_reference_standard_deviations() -> None:
    """A mean that moved from 10 to 13 at a standard deviation of 2 is a shift of 1.5."""
    effect = shift_effect(Side(1000, 0.0, 0.0, 10.0, 2.0), Side(100, 0.0, 0.0, 13.0, 2.0))
    assert effect is not None
    assert (effect.value, effect.unit) == (1.5, "sd")


def test_the_shift_has_welchs_interval() -> None:
    """The interval is scipy's for two samples of unlike spread, but for the normal point in place of Student's."""
    rng = np.random.default_rng(2)
    old, new = rng.normal(0, 1, 5000), rng.normal(0.3, 2, 3000)
    effect = shift_effect(
        Side(5000, 0.0, 0.0, float(old.mean()), float(old.std())),
        Side(3000, 0.0, 0.0, float(new.mean()), float(new.std())),
    )
    interval = stats.ttest_ind(new, old, equal_var=False).confidence_interval(0.95)
    assert effect is not None
    assert effect.lower * old.std() == pytest.approx(interval.low, rel=1e-3)
    assert effect.upper * old.std() == pytest.approx(interval.high, rel=1e-3)


def test_missing_values_widen_the_interval() -> None:
    """A mean of a hundred values among ten thousand rows is as uncertain as of a hundred rows."""
    reference = Side(10_000, 0.0, 0.0, 0.0, 1.0)
    sparse = shift_effect(reference, Side(10_000, 0.99, 0.0, 0.5, 1.0))
    few = shift_effect(reference, Side(100, 0.0, 0.0, 0.5, 1.0))
    assert sparse is not None
    assert few is not None
    assert sparse.lower == pytest.approx(few.lower)


@pytest.mark.parametrize("reference", [Side(10, 1.0, 0.0, None, None), Side(10, 0.0, 0.0, 5.0, 0.0)])
def test_without_spread_there_is_no_shift(reference: Side) -> None:
    """A reference without values, or with one value, measures no shift."""
    assert shift_effect(reference, Side(10, 0.0, 0.0, 5.0, 1.0)) is None


def test_the_share_that_changed_most_is_told_with_walds_interval() -> None:
    """A share from 30 % to 50 % is 20 points, with the interval of two proportions."""
    effect = share_effect(Histogram(np.array([300, 650]), np.array(50)), Histogram(np.array([50, 45]), np.array(5)))
    assert effect is not None
    error = 1.959963984540054 * np.sqrt(0.3 * 0.7 / 1000 + 0.5 * 0.5 / 100)
    assert effect == Effect(pytest.approx(0.2), pytest.approx(0.2 - error), pytest.approx(0.2 + error), effect.unit)  # type: ignore[arg-type]


def test_missing_values_are_a_share_too() -> None:
    """That values vanish is the largest change, and is told as a fall of what there was."""
    effect = share_effect(Histogram(np.array([100]), np.array(0)), Histogram(np.array([40]), np.array(60)))
    assert effect is not None
    assert abs(effect.value) == pytest.approx(0.6)


def test_an_empty_side_has_no_effect() -> None:
    """No rows, no effect."""
    empty = Histogram(np.array([0, 0]), np.array(0))
    assert share_effect(empty, Histogram(np.array([1, 2]), np.array(0))) is None


def test_folding_adds_cells_up() -> None:
    """Coarser bins hold the rows of their cells, of a stack as of one."""
    stack = Histogram(np.array([[1, 2, 3, 4], [0, 1, 0, 1]]), np.array([5, 6]))
    assert stack.folded(np.array([0, 0, 1, 2])).counts.tolist() == [[3, 3, 4], [1, 0, 1]]


def test_a_columns_own_method_goes_before_its_kinds() -> None:
    """The method is the column's, else the one of its kind; texts are compared as numbers."""
    settings = DriftSettings(
        numeric="wasserstein", categorical="hellinger", columns={"x": ColumnDriftSettings(method="kolmogorov_smirnov")}
    )
    found = [
        settings.method_of(name, kind) for name, kind in (("x", Kind.NUMERIC), ("y", Kind.TEXT), ("z", Kind.CONSTANT))
    ]
    assert found == ["kolmogorov_smirnov", "wasserstein", "hellinger"]


def test_sides_of_all_columns_are_told_at_once() -> None:
    """The sides of a table's columns are those of each column alone."""
    table = reference_table(2)
    amount = [None if v is None else float(v) for v in table["inputs.amount"].to_pylist()]
    count = [float(v) for v in table["inputs.count"].to_pylist()]
    both = Binning((NUMBER, ColumnBins(Column("y", "y", Role.FEATURE, Kind.NUMERIC), NUMBER.bins)))
    rows = pa.table({"x": pa.array(amount), "y": pa.array(count)})
    profile = profile_rows(rows, both, np.zeros(rows.num_rows, np.intp), 1)[0]
    assert sides_of(profile, both) == (side_of(amount), side_of(count))
