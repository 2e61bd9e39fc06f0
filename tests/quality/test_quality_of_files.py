from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from monitor.frame import Taken, compare_tables
from monitor.quality.settings import QualitySettings
from monitor.quality.usual import usual_of_rows

Columns = dict[str, Any]
QUALITY = QualitySettings(pairs=(("low", "<=", "high"),))
LEVELS = np.array(list("abcdefgh"))


def drawn(seed: int, rows: int = 2_000) -> Columns:
    """Return calm rows of every kind that is looked at."""
    rng = np.random.default_rng(seed)
    low = rng.normal(20, 4, rows)
    return {
        "timestamp": np.datetime64("2013-07-01T00:00:00") + np.arange(rows).astype("timedelta64[s]"),
        "request_id": [f"{seed}-{number}" for number in range(rows)],
        "low": low,
        "high": low + rng.exponential(3, rows),
        "holed": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.02),
        "level": rng.choice(LEVELS, rows),
        "words": [" ".join(["word"] * n) + f" {place}" for place, n in enumerate(rng.integers(6, 15, rows).tolist())],
    }


def violated(current: Columns, quality: QualitySettings = QUALITY, alpha: float = 0.01) -> list[dict[str, Any]]:
    """Return what a file violates, held against another calm one."""
    found = compare_tables(pa.table(drawn(1)), pa.table(current), Taken(alpha, quality=quality))["quality_violations"]
    assert isinstance(found, list)
    return found


def put(columns: Columns, name: str, values: Any) -> Columns:
    """Return columns with other values under a name."""
    return columns | {name: values}


def some(columns: Columns, name: str, value: Any) -> Columns:
    """Put a value into every twentieth row."""
    values = pa.array(columns[name]).to_pylist()
    return put(columns, name, [value if place % 20 == 0 else each for place, each in enumerate(values)])


def texts(columns: Columns, name: str) -> Columns:
    """Write a column as texts, of which every twentieth is no number."""
    return put(columns, name, ["oops" if place % 20 == 0 else str(each) for place, each in enumerate(columns[name])])


FAULTS: dict[str, tuple[str | None, Callable[[Columns], Columns]]] = {
    "schema": ("low", lambda columns: put(columns, "low", pa.nulls(2_000, pa.float64()))),
    "type": ("low", lambda columns: texts(columns, "low")),
    "missing": ("holed", lambda columns: some(columns, "holed", None)),
    "non_finite": ("high", lambda columns: some(columns, "high", float("inf"))),
    "range": ("low", lambda columns: some(columns, "low", -999.0)),
    "length": ("words", lambda columns: some(columns, "words", "word " * 200)),
    "unseen": ("level", lambda columns: some(columns, "level", "new")),
    "constant": ("holed", lambda columns: put(columns, "holed", np.full(2_000, 0.5))),
    "duplicates": (None, lambda columns: some(columns, "request_id", "same")),
    "timestamp": (None, lambda columns: some(columns, "timestamp", np.datetime64(0, "s").item())),
    "low <= high": (None, lambda columns: some(columns, "high", 0.0)),
}


@pytest.mark.parametrize("check", FAULTS)
def test_a_file_with_a_fault_violates_its_check(check: str) -> None:
    """A twentieth of a file, or all of it, that is as it must not be is told, with a value beyond its bounds."""
    column, fault = FAULTS[check]
    found = [each for each in violated(fault(drawn(2))) if (each["column"], each["check"]) == (column, check)]
    assert len(found) == 1
    assert not found[0]["lower"] <= found[0]["value"] <= found[0]["upper"]


def test_a_column_that_one_file_lacks_violates_the_schema() -> None:
    """A column of the reference that the file does not have is gone, and nothing else is wrong."""
    current = drawn(2)
    del current["level"]
    assert violated(current) == [{"column": "level", "check": "schema", "value": 1.0, "lower": 0.0, "upper": 0.0}]


def test_calm_files_violate_nothing() -> None:
    """Of forty calm files at a chance of one in a thousand each none violates anything."""
    assert [violated(drawn(seed, 500), alpha=0.001) for seed in range(10, 50)] == [[]] * 40


def test_rows_that_vary_by_sampling_alone_are_beta_binomial() -> None:
    """The most that are usual are scipy's quantile of the beta-binomial law, and the next more are not."""
    most = usual_of_rows(20, 1_000).most(1_000, 1e-6)
    law = stats.betabinom(1_000, 20.5, 980.5)
    assert law.sf(most) <= 1e-6 < law.sf(most - 1)


@pytest.mark.parametrize("settings", [{"checks": "off"}, {"columns": {"level": {"checks": "off"}}}])
def test_what_is_switched_off_is_not_looked_at(settings: dict[str, Any]) -> None:
    """Off for the table or for its column, a category that is new is told of no more."""
    quality = QualitySettings.model_validate(settings)
    assert violated(some(drawn(2), "level", "new"), quality) == []


def test_a_renamed_column_is_told_by_its_values() -> None:
    """Of two new columns the one whose values are spread as those of the gone one is probably that."""
    current = drawn(2)
    current["grade"] = current.pop("level")
    current["other"] = np.repeat(["a", "b"], 1_000)
    found = compare_tables(pa.table(drawn(1)), pa.table(current))["columns_renamed"]
    assert [(each["from"], each["to"]) for each in found] == [("level", "grade")]
    assert 0 <= found[0]["distance"] < 0.05


def test_a_new_column_of_other_values_is_no_renamed_one() -> None:
    """Numbers in another unit are not what is gone under another name."""
    current = drawn(2)
    current["low_f"] = current.pop("low") * 1.8 + 32
    assert compare_tables(pa.table(drawn(1)), pa.table(current))["columns_renamed"] == []
