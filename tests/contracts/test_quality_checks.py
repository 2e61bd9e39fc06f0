"""What every quality check keeps; each that is registered is tested here, and has its fault."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from monitor.alert import AlertSettings
from monitor.budget import quality_level
from monitor.comparison import DriftSettings
from monitor.profile import Profile, profile_rows
from monitor.quality import CHECKS, Expectations, expectations, violations
from monitor.quality.settings import QualitySettings
from monitor.record_layout import ColumnsSettings
from monitor.reference import Reference, ReferencePlan, compile_reference
from monitor.repeats import IDS
from monitor.tally import MISMATCH
from monitor.window import WindowSettings
from tests.worlds import HOUR

ROWS, STEPS, HOLES = 500, 60, 0.02
LEVEL = quality_level(AlertSettings(), WindowSettings())
SETTINGS = QualitySettings(pairs=(("low", "<=", "high"),))
Fault = Callable[[pa.Table], pa.Table]


def drawn(seed: int, rows: int = ROWS) -> pa.Table:
    """Return calm rows of every kind that is looked at."""
    rng = np.random.default_rng(seed)
    low = rng.normal(20, 4, rows)
    words = [" ".join(["word"] * int(n)) + f" {place}" for place, n in enumerate(rng.integers(5, 15, rows))]
    holed = pa.array(rng.normal(size=rows), mask=rng.random(rows) < HOLES)
    return pa.table(
        {
            "low": low,
            "high": low + rng.exponential(3, rows),
            "holed": holed,
            "level": rng.choice(list("abcdefgh"), rows),
            "words": words,
            IDS: np.arange(rows, dtype=np.uint64),
        }
    )


@pytest.fixture(scope="module")
def reference() -> Reference:
    """Give sixty calm hours."""
    times = np.arange(STEPS * ROWS, dtype=np.int64) * (HOUR // ROWS)
    return compiled(times)


def compiled(times: np.ndarray | None, settings: QualitySettings = SETTINGS) -> Reference:
    """Compile the reference."""
    window = WindowSettings(min_rows=100)
    plan = ReferencePlan("none", ColumnsSettings(), window, DriftSettings(facets=False), tallies=settings.tallies)
    return compile_reference(drawn(1, STEPS * ROWS).drop_columns([IDS]), times, plan)


@pytest.fixture(scope="module")
def expected(reference: Reference) -> Expectations:
    """Give what is expected of the calm world."""
    return expectations(reference, SETTINGS)


def profiled(reference: Reference, table: pa.Table) -> Profile:
    """Return the profile of rows."""
    return profile_rows(table, reference.binning, np.zeros(len(table), np.intp), 1)[0]


def put(table: pa.Table, name: str, values: Any) -> pa.Table:
    """Return rows with another column under a name."""
    return table.set_column(table.column_names.index(name), name, values)


def some(table: pa.Table, name: str, value: object, every: int = 20) -> pa.Table:
    """Put a value into every so many-th row."""
    there = pa.array(np.arange(len(table)) % every == 0)
    return put(table, name, pc.if_else(there, pa.scalar(value, table[name].type), table[name]))


def mismatched(table: pa.Table) -> pa.Table:
    """Let every twentieth value of a column be of another type."""
    return some(table, "low", None).append_column("low" + MISMATCH, pa.array(np.arange(len(table)) % 20 == 0))


FAULTS: dict[str, tuple[str | None, Fault]] = {
    "schema": ("low", lambda table: put(table, "low", pa.nulls(len(table), pa.float64()))),
    "type": ("low", mismatched),
    "missing": ("holed", lambda table: some(table, "holed", None, 8)),
    "non_finite": ("high", lambda table: some(table, "high", float("inf"))),
    "range": ("low", lambda table: some(table, "low", -999.0)),
    "length": ("words", lambda table: some(table, "words", "word " * 200)),
    "unseen": ("level", lambda table: some(table, "level", "new")),
    "constant": ("holed", lambda table: put(table, "holed", pa.array(np.full(len(table), 0.5)))),
    "cardinality": ("level", lambda table: put(table, "level", pa.array(np.resize(["a", "b"], len(table))))),
    "duplicates": (None, lambda table: put(table, IDS, pa.array(np.arange(len(table)) // 2, pa.uint64()))),
    "low <= high": (None, lambda table: some(table, "high", -50.0)),
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_is_described(name: str) -> None:
    """Its name is its entry's, it says what it looks at, and its file says why."""
    check = CHECKS[name]
    module = sys.modules[check.expect.__module__]
    assert (check.name, bool(check.about), bool(check.kinds)) == (name, True, True)
    assert inspect.getdoc(module)
    assert inspect.getdoc(check.expect)


@pytest.mark.parametrize("name", [*CHECKS, "duplicates", "low <= high"])
def test_a_check_finds_its_fault(reference: Reference, expected: Expectations, name: str) -> None:
    """A twentieth of a window, or all of it, that is as it must not be is told, with a value beyond its bounds."""
    column, fault = FAULTS[name]
    found = violations(expected.held, profiled(reference, fault(drawn(2))), LEVEL)
    mine = [each for each in found if (each["column"], each["check"]) == (column, name)]
    assert len(mine) == 1, found
    assert not mine[0]["lower"] <= mine[0]["value"] <= mine[0]["upper"]


def test_a_calm_window_violates_nothing(reference: Reference, expected: Expectations) -> None:
    """Of forty calm windows none is told of."""
    assert [violations(expected.held, profiled(reference, drawn(seed)), LEVEL) for seed in range(10, 50)] == [[]] * 40


@pytest.mark.parametrize("name", FAULTS)
def test_panes_add_up_to_the_window(reference: Reference, expected: Expectations, name: str) -> None:
    """A window cut into panes violates what it violates whole, to the bit."""
    table = FAULTS[name][1](drawn(3))
    parts = profiled(reference, table.slice(0, 123)) + profiled(reference, table.slice(123))
    whole = profiled(reference, table)
    assert violations(expected.held, parts, LEVEL) == violations(expected.held, whole, LEVEL)


def test_a_column_that_is_gone_is_told_once(reference: Reference, expected: Expectations) -> None:
    """Where no record has a value, it is no news that values are missing."""
    found = violations(expected.held, profiled(reference, FAULTS["schema"][1](drawn(2))), LEVEL)
    assert [each["check"] for each in found if each["column"] == "low"] == ["schema"]


def test_without_timestamps_nothing_is_inferred() -> None:
    """How much a share varies is not known without time: each check says so, and expects nothing."""
    found = expectations(compiled(None), SETTINGS)
    assert (found.held, {each.why for each in found.skipped}) == ((), {"no_timestamps"})


def test_a_short_reference_tells_no_share() -> None:
    """With fewer than twenty steps it is not known how much a share varies; the two plain rules remain."""
    settings = SETTINGS
    window = WindowSettings(min_rows=100)
    plan = ReferencePlan("none", ColumnsSettings(), window, DriftSettings(facets=False), tallies=settings.tallies)
    times = np.arange(10 * ROWS, dtype=np.int64) * (HOUR // ROWS)
    found = expectations(compile_reference(drawn(1, 10 * ROWS).drop_columns([IDS]), times, plan), settings)
    assert {each.check for each in found.held} == {"schema", "constant"}
    assert {each.why for each in found.skipped} == {"reference_too_short"}


@pytest.mark.parametrize(
    ("own", "told"),
    [({"missing": {"at_most": 0.2}}, False), ({"missing": {"at_most": 0.05}}, True), ({"checks": "off"}, False)],
)
def test_what_the_config_expects_goes_before_the_reference(own: dict[str, Any], told: bool) -> None:
    """An eighth of the values missing is as the config allows it, or is not; off, nobody looks."""
    settings = QualitySettings.model_validate({"columns": {"holed": own}})
    times = np.arange(STEPS * ROWS, dtype=np.int64) * (HOUR // ROWS)
    made = compiled(times, settings)
    found = violations(expectations(made, settings).held, profiled(made, some(drawn(2), "holed", None, 8)), LEVEL)
    assert bool(found) is told


def test_the_budget_is_shared_by_all_that_is_expected(reference: Reference, expected: Expectations) -> None:
    """A longer window leaves fewer of them, so that each may be false more often: bounds are no wider."""
    longer = quality_level(AlertSettings(), WindowSettings(length=timedelta(days=1), every=timedelta(days=1)))
    each = [one for one in expected.held if one.check == "missing"]
    uppers = [[one.allowed.bounds(ROWS, level / 40).upper for one in each] for level in (LEVEL, longer)]
    assert all(wide >= tight for wide, tight in zip(*uppers, strict=True))
