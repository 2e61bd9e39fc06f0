"""Rules on Evidently's tests: what they say of two tables, in a child process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from monitor.comparison import DriftSettings
from monitor.drift.by_evidently import TESTS, EvidentlyTest
from monitor.errors import PermanentError
from monitor.frame import Taken, compare_tables
from monitor.frame.by_evidently import judged_by_evidently, rule_of
from monitor.frame.pairing import shared_columns
from monitor.record import Kind
from monitor.record_layout import ColumnsSettings
from monitor.workers import Failure, Limits, WorkerFailed

ROWS = 120
PAIRS = (("moved", 2.0), ("same", 0.0))
SLOW = ("evidently:TVD", "evidently:perc_text_content_drift")
QUICK = [name for name in TESTS if name not in SLOW]
LEVEL = {"p_value": 0.05, "threshold": 0.2}
WORDS = ["the plane is late", "what a fine day", "no seat was free", "fly with me"]
Json = dict[str, Any]


def _values(test: EvidentlyTest, rng: np.random.Generator, shift: float) -> list[Any]:
    """Return values that a test is for, moved by so many standard deviations."""
    values = rng.normal(shift, 1, ROWS)
    if Kind.NUMERIC in test.kinds:
        return list(values)
    if Kind.TEXT in test.kinds:
        tail = "terrible" if shift else "pleasant"
        return [f"{rng.choice(WORDS)} {rng.integers(10**9)} {tail}" for _ in range(ROWS)]
    return ["a" if value > 0 else "b" for value in values]


def _tables(names: Iterable[str]) -> tuple[pa.Table, pa.Table]:
    """Return two tables with two columns for each test: of one distribution, and moved by two standard deviations."""
    rng, old, new = np.random.default_rng(1), {}, {}
    for name in names:
        for pair, shift in PAIRS:
            old[f"{pair} {name}"] = _values(TESTS[name], rng, 0.0)
            new[f"{pair} {name}"] = _values(TESTS[name], rng, shift)
    return pa.table(old), pa.table(new)


def _found(sides: tuple[pa.Table, pa.Table], names: Iterable[str]) -> dict[str, Json]:
    """Return what a comparison says of each column."""
    rules = {
        f"{pair} {name}": {"method": name, TESTS[name].rule: LEVEL[TESTS[name].rule]}
        for name in names
        for pair, _ in PAIRS
    }
    how = Taken(drift=DriftSettings.model_validate({"columns": rules}))
    return {column["name"]: column for column in compare_tables(*sides, how)["columns"]}


@pytest.fixture(scope="module")
def sides() -> tuple[pa.Table, pa.Table]:
    """Two tables for the tests that are quick."""
    return _tables(QUICK)


@pytest.fixture(scope="module")
def found(sides: tuple[pa.Table, pa.Table]) -> dict[str, Json]:
    """What is said of them: one child for all."""
    return _found(sides, QUICK)


@pytest.mark.parametrize("name", QUICK)
def test_every_test_sees_a_large_shift(found: dict[str, Json], name: str) -> None:
    """Each test is found by its name, and calls a shift by two standard deviations drift."""
    column = found[f"moved {name}"]
    assert (column["method"], column["verdict"], column["why"]) == (name, "drifted", "rule_broken")


@pytest.mark.long
@pytest.mark.parametrize("name", SLOW)
def test_every_slow_test_sees_a_large_shift(name: str) -> None:
    """Those that guess a thousand times are found by their names too."""
    columns = _found(_tables([name]), [name])
    assert {key: each["verdict"] for key, each in columns.items()} == {
        f"same {name}": "stable",
        f"moved {name}": "drifted",
    }


def test_a_column_is_drifted_exactly_from_its_threshold_on(found: dict[str, Json]) -> None:
    """Whatever way Evidently's score goes, drifted means a distance at or over the threshold."""
    assert {c["verdict"] for c in found.values()} == {"stable", "drifted"}
    assert [c["name"] for c in found.values() if (c["verdict"] == "drifted") != (c["distance"] >= c["threshold"])] == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ks", lambda x, y: stats.ks_2samp(x, y).pvalue),
        ("mannw", lambda x, y: stats.mannwhitneyu(x, y, alternative="less").pvalue),
        ("t_test", lambda x, y: stats.ttest_ind(x, y).pvalue),
        ("es", lambda x, y: stats.epps_singleton_2samp(x, y).pvalue),
    ],
)
def test_a_p_value_is_scipys(
    sides: tuple[pa.Table, pa.Table], found: dict[str, Json], name: str, expected: Callable[..., float]
) -> None:
    """The p-value is that of the test of this name, and the distance is its -log10."""
    column = f"same evidently:{name}"
    p_value = expected(*(side[column].to_numpy() for side in sides))
    assert found[column]["p_value"] == pytest.approx(p_value, rel=1e-9)
    assert found[column]["distance"] == pytest.approx(-np.log10(p_value))


def test_a_distance_is_scipys(sides: tuple[pa.Table, pa.Table], found: dict[str, Json]) -> None:
    """The Wasserstein distance is scipy's over the reference's standard deviation, and has no p-value."""
    column = found["same evidently:wasserstein"]
    old, new = (side[column["name"]].to_numpy() for side in sides)
    assert column["distance"] == pytest.approx(stats.wasserstein_distance(old, new) / np.std(old), rel=1e-9)
    assert (column["p_value"], column["threshold"]) == (None, 0.2)


def _judged(test: str, old: pa.Array, new: pa.Array, limits: Limits = Limits()) -> Json:  # noqa: B008 - frozen
    settings = DriftSettings.model_validate({"columns": {"x": {"method": test, TESTS[test].rule: 0.05}}})
    (pair,) = shared_columns(pa.table({"x": old}), pa.table({"x": new}), ColumnsSettings(), "none").pairs
    rule = rule_of(settings, pair)
    assert rule is not None
    return judged_by_evidently([pair], {"x": rule}, limits)["x"]


NUMBERS = pa.array(np.random.default_rng(1).normal(size=50))


def test_a_side_without_values_is_not_judged() -> None:
    """A side with hardly a value is insufficient data, whatever is left of the other; no child is started."""
    found = _judged("evidently:ks", NUMBERS, pa.array([1.0, None, float("inf"), 2.0, 3.0, 4.0]))
    assert (found["verdict"], found["why"], found["distance"]) == ("insufficient_data", "too_few_rows", None)


def test_a_test_that_takes_too_long_has_failed() -> None:
    """A child over its time leaves the column failed, and says why; it is never called stable."""
    found = _judged("evidently:ks", NUMBERS, NUMBERS, Limits(seconds=0.2))
    assert (found["verdict"], found["why"]) == ("failed", "time_limit")


def test_without_evidently_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Evidently is not installed, the words say which extra brings it."""
    (tmp_path / "evidently.py").write_text("raise ModuleNotFoundError(name='evidently')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(WorkerFailed, match=r'driftline\[reports\]"$') as caught:
        _judged("evidently:ks", NUMBERS, NUMBERS)
    assert caught.value.reason is Failure.NOT_INSTALLED


def test_a_test_of_numbers_takes_no_categories() -> None:
    """A test that is not for a column's kind is refused, and those that are for it are named."""
    with pytest.raises(PermanentError, match=r"not for categorical columns .*evidently:chisquare"):
        _judged("evidently:ks", pa.array(["a", "b"] * 20), pa.array(["a", "b"] * 20))
