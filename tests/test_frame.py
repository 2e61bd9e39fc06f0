from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.errors import PermanentError, ReferenceUnusable
from monitor.frame import Taken, compare, compare_tables, contingency, kolmogorov
from monitor.frame.comparing import holm_level
from tests.contracts import schemas

Floats = NDArray[np.float64]
SIZES = [(5, 5), (7, 13), (10, 1000), (30, 50), (100, 100), (400, 500), (50_000, 300)]


def column(body: dict[str, Any], name: str = "x") -> dict[str, Any]:
    """Return one column of a comparison."""
    return next(each for each in body["columns"] if each["name"] == name)


def samples(n: int, m: int, *, shift: float = 0.0, seed: int = 1) -> tuple[Floats, Floats]:
    """Return two normal samples, the second moved by so many standard deviations."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=n), rng.normal(shift, size=m)


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("decimals", [None, 0])
def test_ks_is_scipys(n: int, m: int, decimals: int | None) -> None:
    """The distance is that of scipy's two-sample test to the last bits, with and without ties."""
    old, new = samples(n, m, shift=0.3)
    if decimals is not None:
        old, new = old.round(decimals), new.round(decimals)
    expected = stats.ks_2samp(old, new, method="asymp").statistic
    assert kolmogorov.distance(np.sort(old), np.sort(new)) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(("n", "m"), [size for size in SIZES if math.prod(size) <= kolmogorov.EXACT_ROWS])
def test_ks_of_few_rows_has_its_exact_law(n: int, m: int) -> None:
    """The p-value of small samples is scipy's exact one."""
    old, new = samples(n, m, shift=0.8)
    gap = kolmogorov.distance(np.sort(old), np.sort(new))
    assert kolmogorov.p_value(gap, n, m) == pytest.approx(stats.ks_2samp(old, new, method="exact").pvalue, rel=1e-9)


@pytest.mark.parametrize(("n", "m"), [(101, 101), (110, 130), (150, 1000)])
@pytest.mark.parametrize("level", [0.05, 0.001])
def test_ks_of_many_rows_is_near_the_exact_law(n: int, m: int, level: float) -> None:
    """Beyond the exact law the p-value at a critical distance is within a quarter of scipy's exact one."""
    gap = kolmogorov.critical(level, n, m)
    steps = math.ceil(gap * math.lcm(n, m) - 1e-9)
    law = kolmogorov.exact_tail(steps, n, m)
    assert 0.75 < law / level < 1.25


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("level", [0.05, 0.01])
def test_ks_over_its_critical_distance_is_significant(n: int, m: int, level: float) -> None:
    """The critical distance parts the distances whose p-value is at most the level from the others."""
    gap = kolmogorov.critical(level, n, m)
    step = 1 / math.lcm(n, m)
    assert kolmogorov.p_value(math.ceil(gap / step - 1e-6) * step, n, m) <= level * (1 + 1e-9)
    assert kolmogorov.p_value(math.floor(gap / step - 1e-6) * step, n, m) > level * (1 - 1e-2)


def test_ks_needs_more_rows_than_there_are() -> None:
    """Where no distance of so few rows can be significant, the critical one is larger than any."""
    assert kolmogorov.critical(1e-4, 5, 5) > 1


@pytest.mark.parametrize(
    "counts", [((10, 20), (20, 10)), ((50, 49_950), (2, 48)), ((1000, 3), (40, 0)), ((5, 0), (1, 4))]
)
def test_two_bins_have_their_exact_law(counts: tuple[tuple[int, int], tuple[int, int]]) -> None:
    """The p-value of a share is that of an exact sum over all tables with both margins."""
    (a, b), (c, d) = counts
    n, m, rows = a + b, c + d, a + c
    law = stats.hypergeom(n + m, rows, m)
    support = np.arange(max(0, rows - n), min(m, rows) + 1)
    gaps = np.abs(support / m - (rows - support) / n)
    expected = law.pmf(support[gaps >= gaps[support == c] - 1e-12]).sum()
    assert contingency.tested(np.array(counts[0]), np.array(counts[1])).p_value == pytest.approx(expected, rel=1e-8)


def test_chi_squared_of_thick_bins_is_pearsons() -> None:
    """With many rows in every bin the statistic and its p-value are those of Pearson's test."""
    old, new = np.array([3_000, 2_000, 1_000, 500]), np.array([1_510, 1_020, 520, 200])
    tested = contingency.tested(old, new)
    statistic, p_value, _, _ = stats.chi2_contingency([old, new])
    worth = old.sum() * new.sum() / (old.sum() + new.sum())
    assert tested.distance**2 * worth == pytest.approx(statistic, rel=1e-12)
    assert tested.p_value == pytest.approx(p_value, rel=0.01)


def test_the_variance_of_chi_squared_is_that_of_all_tables() -> None:
    """Dawson's variance is that over all orders of the rows, here every one of them."""
    levels, n = np.array([0, 0, 0, 1, 1, 2, 2, 2]), 3
    both = np.bincount(levels).astype(np.float64)
    expected = both[:, np.newaxis] * np.array([len(levels) - n, n]) / len(levels)
    found = []
    for chosen in itertools.combinations(range(len(levels)), n):
        new = np.bincount(levels[list(chosen)], minlength=3)
        found.append((((np.stack([both - new, new], axis=1) - expected) ** 2) / expected).sum())
    variance = contingency.variance_of(8.0, both, np.array([5.0, 3.0]))
    assert variance == pytest.approx(np.var(found), rel=1e-12)


@pytest.mark.parametrize(("n", "m", "levels"), [(5_000, 200, 30), (50_000, 500, 300), (500, 500, 8), (1_000, 50, 3)])
def test_thin_bins_are_not_called_drift(n: int, m: int, levels: int) -> None:
    """Of samples without drift at most about the level's share is significant, however thin the bins are."""
    rng = np.random.default_rng(3)
    share = 1 / np.arange(1, levels + 1) ** 1.5
    share /= share.sum()
    tables = zip(rng.multinomial(n, share, 2_000), rng.multinomial(m, share, 2_000), strict=True)
    significant = sum(contingency.tested(old, new).p_value <= 0.01 for old, new in tables)
    assert significant <= 2_000 * 0.01 + 4 * math.sqrt(2_000 * 0.01) + 5


@pytest.mark.parametrize("level", [0.05, 0.001])
@pytest.mark.parametrize("counts", [((400, 300, 200), (90, 110, 40)), ((500, 500), (90, 110))])
def test_counts_over_their_critical_distance_are_significant(
    counts: tuple[tuple[int, ...], tuple[int, ...]], level: float
) -> None:
    """A table is significant exactly when its distance reaches the critical one."""
    tested = contingency.tested(np.array(counts[0]), np.array(counts[1]))
    assert (tested.distance >= tested.critical(level)) == (tested.p_value <= level)


def test_holm_rejects_as_the_procedure_does() -> None:
    """The level is that of Holm's step-down procedure, on his own kind of example."""
    p_values = [0.01, 0.04, 0.03, 0.005]
    level = holm_level(p_values, 0.05)
    assert [p <= level for p in p_values] == [True, False, False, True]


def mixed(rng: np.random.Generator, rows: int) -> pa.Table:
    """Return 15 numeric and 5 categorical columns of independent rows, one of them with missing values."""
    numbers = {f"n{place}": rng.normal(size=rows) for place in range(15)}
    numbers["n0"][rng.uniform(size=rows) < 0.05] = np.nan
    return pa.table(
        {name: pa.array(values, from_pandas=True) for name, values in numbers.items()}
        | {f"c{place}": rng.choice(list("abcdefgh"), rows).tolist() for place in range(5)}
    )


@pytest.mark.parametrize(("n", "m"), [(1_000, 1_000), (1_001, 20), (5_000, 200)])
def test_twenty_columns_hold_alpha_together(n: int, m: int) -> None:
    """Of comparisons of 20 columns without drift at most about alpha call any drifted, at every size."""
    rng = np.random.default_rng(5)
    runs = 80
    found = sum(
        compare_tables(mixed(rng, n), mixed(rng, m), Taken(alpha=0.05))["verdict"] == "drifted" for _ in range(runs)
    )
    assert found <= runs * 0.05 + 3 * math.sqrt(runs * 0.05)


def test_one_unseen_value_is_no_drift() -> None:
    """A single row with a level that the reference does not have is no drift, and is told as unseen."""
    body = compare({"x": ["a", "b"] * 500}, {"x": ["a", "b"] * 499 + ["a", "new"]})
    assert column(body)["verdict"] == "stable"
    assert column(body)["current"]["unseen_ratio"] == 0.001


def test_a_new_level_of_some_size_is_drift() -> None:
    """A level that a twentieth of the rows has and the reference has not is drift."""
    body = compare({"x": ["a", "b"] * 500}, {"x": ["a", "b"] * 475 + ["new"] * 50})
    assert (column(body)["verdict"], column(body)["effect"]["value"]) == ("drifted", pytest.approx(0.05))


@pytest.mark.parametrize("gone", [None, math.nan])
def test_missing_values_count(gone: float | None) -> None:
    """A numeric column a tenth of which went missing is drifted, though its values are alike."""
    old, new = samples(2_000, 2_000)
    values = [gone if place % 10 == 0 else value for place, value in enumerate(new.tolist())]
    found = column(compare({"x": old}, {"x": values}))
    assert (found["why"], found["effect"]["value"]) == ("missing_over_threshold", pytest.approx(0.1))


def test_half_of_a_category_missing_is_drift() -> None:
    """A categorical column half of which went missing is drifted."""
    body = compare({"x": ["a", "b"] * 500}, {"x": ["a", "b", None, None] * 250})
    assert (column(body)["verdict"], column(body)["effect"]["value"]) == ("drifted", pytest.approx(0.5))


def test_infinities_are_values() -> None:
    """Infinite values stand at the end of the order: many of them are drift, and the mean leaves them out."""
    old, new = samples(2_000, 2_000)
    new[:400] = np.inf
    found = column(compare({"x": old}, {"x": new}))
    assert found["distance"] == pytest.approx(0.2, abs=0.05)
    assert found["current"]["mean"] == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_units_do_not_matter(scale: float) -> None:
    """A shift is found in whatever unit, with the same distance and the same effect."""
    old, new = samples(1_000, 1_000, shift=1.0)
    found, same = column(compare({"x": old * scale}, {"x": new * scale})), column(compare({"x": old}, {"x": new}))
    assert found["distance"] == same["distance"]
    assert found["effect"]["value"] == pytest.approx(same["effect"]["value"])


def test_one_outlier_hides_nothing() -> None:
    """One wild row in the reference hides no shift of all others."""
    old, new = samples(5_000, 1_000, shift=0.5)
    old[0] = 1e9
    assert column(compare({"x": old}, {"x": new}))["verdict"] == "drifted"


@pytest.mark.parametrize("shift", [-0.5, 0.5])
def test_both_directions_are_found(shift: float) -> None:
    """A shift is found whether it goes up or down."""
    old, new = samples(500, 500, shift=shift)
    assert column(compare({"x": old}, {"x": new}))["verdict"] == "drifted"


def test_a_wider_spread_is_found() -> None:
    """A column that varies by a tenth more is drifted, though its mean stays."""
    old, new = samples(20_000, 20_000)
    found = column(compare({"x": old}, {"x": new * 1.1}))
    assert (found["verdict"], abs(found["effect"]["value"]) < 0.03) == ("drifted", True)


def test_a_shift_that_does_not_matter_is_none() -> None:
    """With a million rows a shift of a hundredth standard deviation is sure, and still no drift."""
    old, new = samples(1_000_000, 1_000_000, shift=0.01)
    found = column(compare({"x": old}, {"x": new}))
    assert found["p_value"] < 1e-6
    assert (found["verdict"], found["distance"] < found["threshold"]) == ("stable", True)
    assert column(compare({"x": old}, {"x": new}, tolerance=0.0))["verdict"] == "drifted"


def test_a_share_that_hardly_changed_is_none() -> None:
    """With a million rows a share that changed by a thousandth is sure, and still no drift."""
    old, new = ["a"] * 500_000 + ["b"] * 500_000, ["a"] * 502_000 + ["b"] * 498_000
    assert column(compare({"x": old}, {"x": new}))["verdict"] == "stable"
    assert column(compare({"x": old}, {"x": new}, tolerance=0.001))["verdict"] == "drifted"


def test_few_numbers_are_still_numbers() -> None:
    """A count of few values keeps its order: a shift by one is found as a shift."""
    rng = np.random.default_rng(4)
    old, new = rng.poisson(3, 1_000), rng.poisson(4, 1_000)
    found = column(compare({"x": old.astype(float)}, {"x": new.astype(float)}))
    assert (found["method"], found["verdict"]) == ("kolmogorov_smirnov", "drifted")


def test_the_order_of_rows_does_not_matter() -> None:
    """The rows of a frame may come in any order."""
    old, new = samples(300, 200, shift=0.2)
    first, second = (compare({"x": old}, {"x": values}) for values in (new, new[::-1]))
    assert first["columns"] == second["columns"]


def test_nothing_is_left_to_chance() -> None:
    """A comparison neither draws from nor seeds numpy's common generator."""
    np.random.seed(1)  # noqa: NPY002 - the one that must stay as it is
    expected = np.random.RandomState(1).uniform()
    compare({"x": ["a", "b"] * 50, "y": np.linspace(0, 1, 100)}, {"x": ["a", "c"] * 50, "y": np.linspace(0, 2, 100)})
    assert np.random.uniform() == expected  # noqa: NPY002


def test_a_pandas_frame_is_taken() -> None:
    """Frames of pandas are compared by their columns, the index left out, whatever their types."""
    old = pd.DataFrame(
        {
            "x": np.linspace(0, 1, 200),
            "c": pd.Categorical(["a", "b"] * 100),
            "o": pd.Series(["u", 1] * 100, dtype=object),
            "i": pd.array([1, None] * 100, dtype="Int64"),
        }
    ).set_index(pd.RangeIndex(500, 700, name="row"))
    body = compare(old, old.sample(frac=1.0, random_state=1))
    assert {each["name"]: each["verdict"] for each in body["columns"]} == dict.fromkeys("xcoi", "stable")


def test_a_frame_that_speaks_arrow_is_taken() -> None:
    """Whatever gives an Arrow stream is taken as a table."""

    class Frame:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pa.table({"x": [0.5, 1.5] * 20}).__arrow_c_stream__(requested_schema)

    assert compare(Frame(), pa.table({"x": [0.5, 1.5] * 20}))["verdict"] == "stable"


def test_a_comparison_is_the_command_s() -> None:
    """What frames give is the command's object but for the files."""
    old, new = samples(100, 100)
    body = compare({"x": old}, {"x": new})
    faults = schemas.faults(schemas.COMPARISON, body)
    assert {fault.partition(":")[0] for fault in faults} == {"$.reference.id", "$.current.id"}


def test_what_is_no_frame_is_refused() -> None:
    """Something that has no columns is refused with a sentence."""
    with pytest.raises(PermanentError, match="int is no data frame"):
        compare(5, {"x": [1.0]})


def test_a_reference_without_features_is_refused() -> None:
    """A reference of nothing but columns of the native format has nothing to compare."""
    with pytest.raises(ReferenceUnusable, match="no column to compare"):
        compare({"timestamp": [1], "request_id": ["a"]}, {"x": [1.0]})


def test_features_can_be_chosen() -> None:
    """Named features alone are compared, and excluded ones are neither compared nor called extra."""
    frame = {name: np.linspace(0, 1, 50) for name in "abc"}
    assert [each["name"] for each in compare(frame, frame, features=["b"])["columns"]] == ["b"]
    body = compare(frame, frame, exclude=["a"])
    assert ([each["name"] for each in body["columns"]], body["columns_extra"]) == (["b", "c"], [])
