"""References and streams that are unfit: what cannot be judged is never called stable."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.window import WindowSettings
from tests.passes import Told, replayed
from tests.worlds import Json, World, plan_of, reference_table, write_log

AMOUNT, CARRIER = "inputs.amount", "inputs.carrier"
HOURS = 12


DRIFTING, CALM = World(seed=1, shift=1.0), World(seed=1)


def told_of(root: Path, table: pa.Table, world: World = DRIFTING, **changes: Any) -> Told:
    """Replay half a day against a reference."""
    pq.write_table(table, root / "reference.parquet")
    write_log(root / "log.jsonl", world.hours(0, HOURS))
    return replayed(plan_of(root, **changes))


def verdicts(told: Told) -> set[tuple[str, str, bool]]:
    """Return verdict, reason and promise of all windows."""
    return {(body["verdict"], body["why"], body["calibrated"]) for body in told.windows}


def with_column(name: str, values: pa.Array) -> pa.Table:
    """Return the reference with a column of other values."""
    table = reference_table()
    return table.set_column(table.column_names.index(name), name, values)


@pytest.mark.parametrize("rows", [1, 10])
def test_a_handful_of_rows_calls_nothing_stable(tmp_path: Path, rows: int) -> None:
    """A reference of one step knows of no difference between windows."""
    told = told_of(tmp_path, reference_table().slice(0, rows))
    assert verdicts(told) == {("insufficient_data", "reference_too_short", False)}
    assert told.alerts == []


def test_without_times_nothing_is_stable(tmp_path: Path) -> None:
    """A reference without timestamps has no steps to learn from."""
    told = told_of(tmp_path, reference_table().drop_columns(["timestamp"]))
    assert verdicts(told) == {("insufficient_data", "no_timestamps", False)}


def test_one_day_shows_and_pages_nobody(tmp_path: Path) -> None:
    """Against a day a shift of a standard deviation is shown as drift; nothing is promised, paged, or called stable."""
    told = told_of(tmp_path, reference_table(24))
    assert verdicts(told) == {
        ("insufficient_data", "reference_too_short", False),
        ("drifted", "evidence_over_threshold", False),
    }
    assert told.alerts == []


@pytest.mark.parametrize("values", [pa.nulls(3600, pa.float64()), pa.array([7.0] * 3600)], ids=["missing", "constant"])
def test_other_values_than_the_one_are_drift(tmp_path: Path, values: pa.Array) -> None:
    """Where the reference has one value or none, any other fires."""
    told = told_of(tmp_path, with_column(AMOUNT, values), CALM)
    drift = [alert for alert in told.alerts if alert["name"] == "drift"]
    assert [alert["state"] for alert in drift] == ["firing"]
    assert drift[0]["columns"] == ["amount"]


def test_a_category_that_the_reference_lacks_is_drift(tmp_path: Path) -> None:
    """Levels that the stream has and the reference lacks fire, and the column is named."""
    table = with_column(CARRIER, pa.array(["UA", "AA"] * 1800))
    told = told_of(tmp_path, table, CALM)
    drift = [alert for alert in told.alerts if alert["name"] == "drift"]
    assert [alert["state"] for alert in drift] == ["firing"]
    assert drift[0]["columns"][0] == "carrier"


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_infinite_values_are_seen(tmp_path: Path, value: float) -> None:
    """A column that turns infinite has lost its values: that is drift of this column, not calm."""
    told = _changed(tmp_path, lambda row: row["inputs"] | {"amount": 1e999 if value > 0 else -1e999})
    assert {body["verdict"] for body in told.windows[2:]} == {"drifted"}
    assert "amount" in told.alerts[0]["columns"]


def test_subnormal_values_are_numbers(tmp_path: Path) -> None:
    """Values too small for full precision are counted as what they are: here, far under all others."""
    told = _changed(tmp_path, lambda row: row["inputs"] | {"amount": 5e-324})
    assert {body["verdict"] for body in told.windows[2:]} == {"drifted"}
    assert "amount" in told.alerts[0]["columns"]


def test_a_reference_of_subnormal_and_huge_values_is_judged(tmp_path: Path) -> None:
    """Extreme spreads overflow nothing, and a stream elsewhere is drift."""
    values = np.tile([5e-324, 1e-310, 1e300, -1e300], 900)
    told = told_of(tmp_path, with_column(AMOUNT, pa.array(values)), CALM)
    assert "amount" in told.alerts[0]["columns"]


@pytest.mark.parametrize("least", [10**9, 1000])
def test_windows_that_never_fill_are_not_judged(tmp_path: Path, least: int) -> None:
    """Where a window is to have a billion rows, none is called stable, nor does the short reference promise."""
    told = told_of(tmp_path, reference_table(), window=WindowSettings(min_rows=least))
    assert {(verdict, promised) for verdict, _, promised in verdicts(told)} == {("insufficient_data", False)}


def test_windows_of_one_row_are_judged(tmp_path: Path) -> None:
    """A row at a time is little evidence, which adds up: the drift is found, and nothing raises."""
    told = told_of(tmp_path, reference_table(), World(seed=1, rows=1, shift=3.0), window=WindowSettings(min_rows=1))
    assert all(body["rows"] == 1 for body in told.windows)
    assert told.windows[-1]["evidence"] > told.windows[0]["evidence"]


def _changed(root: Path, change: Callable[[Json], Json]) -> Told:
    """Replay a calm stream whose inputs are changed."""
    pq.write_table(reference_table(), root / "reference.parquet")
    records = [row | {"inputs": change(row)} for row in World(seed=1).hours(0, HOURS)]
    lines = (json.dumps(row).replace("Infinity", "1e999") for row in records)
    (root / "log.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return replayed(plan_of(root))
