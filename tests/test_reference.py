"""A reference, compiled."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from monitor.comparison import ColumnDriftSettings, DriftSettings
from monitor.errors import ReferenceUnusable
from monitor.instant import SECOND
from monitor.packing import profile_bytes
from monitor.record import Kind
from monitor.record_layout import ColumnRepeated, ColumnsSettings, ColumnUnknown
from monitor.reference import Reference, ReferencePlan, compile_reference
from monitor.window import WindowSettings
from tests.worlds import BEGIN, HOUR, LEVELS, REFERENCE_HOURS, ROWS, World, reference_table

WINDOW = WindowSettings(min_rows=30)
PLAN = ReferencePlan("binary", ColumnsSettings(), WINDOW, DriftSettings(), frozenset({"wasserstein"}))
HOURS = 20


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Give a day of rows."""
    return reference_table(HOURS)


def times_of(table: pa.Table) -> np.ndarray:
    """Return the event times of a table."""
    return np.asarray(table["timestamp"].combine_chunks().cast(pa.int64()).to_numpy(), dtype=np.int64)


def compiled(table: pa.Table, plan: ReferencePlan = PLAN, *, timed: bool = True) -> Reference:
    """Compile a table."""
    return compile_reference(table, times_of(table) if timed else None, plan)


def test_every_column_has_its_kind_and_role(table: pa.Table) -> None:
    """Features in the order of the file, then what the model answered."""
    layout = compiled(table).layout
    assert [(c.name, c.path, c.role.value, c.kind) for c in layout.columns] == [
        ("amount", "inputs.amount", "feature", Kind.NUMERIC),
        ("count", "inputs.count", "feature", Kind.NUMERIC),
        ("carrier", "inputs.carrier", "feature", Kind.CATEGORICAL),
        ("flag", "inputs.flag", "feature", Kind.BOOLEAN),
        ("prediction", "prediction", "prediction", Kind.CATEGORICAL),
        ("score", "score", "score", Kind.NUMERIC),
    ]


def test_steps_add_up_to_the_whole(table: pa.Table) -> None:
    """The steps hold every row once, in their coarse bins, by their hour."""
    reference = compiled(table)
    assert reference.steps is not None
    assert reference.steps.rows.tolist() == [ROWS] * HOURS
    assert reference.steps.times.tolist() == [BEGIN // HOUR - HOURS + i for i in range(HOURS)]
    for place, (counts, fold) in enumerate(zip(reference.steps.counts, reference.folds, strict=True)):
        span = slice(reference.binning.offsets[place], reference.binning.offsets[place + 1])
        assert fold is not None
        whole = np.bincount(fold, weights=reference.profile.counts[span]).astype(int)
        assert counts.sum(axis=0).tolist() == whole.tolist()
    assert reference.steps.missing.sum(axis=0).tolist() == reference.profile.missing.tolist()


def test_cells_are_kept_for_methods_that_read_them(table: pa.Table) -> None:
    """Only columns compared cell by cell keep their cells by step."""
    drift = DriftSettings(numeric="hellinger", columns={"amount": ColumnDriftSettings(method="wasserstein")})
    reference = compiled(table, replace(PLAN, drift=drift))
    assert list(reference.fine) == ["amount"]
    span = slice(reference.binning.offsets[0], reference.binning.offsets[1])
    assert reference.fine["amount"].sum(axis=0).tolist() == reference.profile.counts[span].tolist()


def test_numeric_columns_fold_into_bins_of_equal_mass() -> None:
    """Coarse bins hold a fortieth each but in the tails, and lie beside each other."""
    table = pa.table({"x": np.random.default_rng(0).normal(size=50_000)})
    reference = compiled(table, timed=False)
    fold = reference.folds[0]
    assert fold is not None
    assert (np.diff(fold) >= 0).all()
    mass = np.bincount(fold, weights=reference.profile.counts) / 50_000
    assert mass[0] == mass[-1] == 0  # what is beyond the reference
    assert mass[5:-5] == pytest.approx(1 / 40, abs=0.002)
    assert mass.max() < 0.03


def test_small_steps_are_joined(table: pa.Table) -> None:
    """An hour with too few rows joins the next, as in the stream."""
    plan = replace(PLAN, window=WindowSettings(min_rows=ROWS + 1))
    steps = compiled(table, plan).steps
    assert steps is not None
    assert steps.rows.tolist() == [2 * ROWS] * (HOURS // 2)
    assert steps.times.tolist() == [BEGIN // HOUR - HOURS + 1 + 2 * i for i in range(HOURS // 2)]


def test_the_order_of_rows_changes_nothing(table: pa.Table) -> None:
    """A reference is sorted by time before all else."""
    order = list(range(table.num_rows))
    random.Random(0).shuffle(order)
    plain, mixed = compiled(table), compiled(table.take(pa.array(order)))
    assert profile_bytes(plain.profile) == profile_bytes(mixed.profile)
    assert plain.steps is not None
    assert mixed.steps is not None
    assert [a.tolist() for a in plain.steps.counts] == [a.tolist() for a in mixed.steps.counts]


def test_chunks_do_not_change_the_fingerprint(table: pa.Table) -> None:
    """A file in other row groups, or with something else under its nulls, is the same reference."""
    cut = pa.concat_tables([table.slice(0, 17), table.slice(17, 1), table.slice(18)])
    amount = np.nan_to_num(table["inputs.amount"].to_numpy(), nan=123.0)
    odd = pa.array(amount, mask=table["inputs.amount"].is_null().to_numpy())
    hidden = table.set_column(table.column_names.index("inputs.amount"), "inputs.amount", odd)
    assert compiled(table).id == compiled(cut).id == compiled(hidden).id
    assert compiled(table, timed=False).id == compiled(cut, timed=False).id == compiled(hidden, timed=False).id


@pytest.mark.parametrize(
    "changed",
    [
        lambda table: table.slice(1),
        lambda table: table.set_column(
            1, "inputs.amount", pa.array([*table["inputs.amount"].to_pylist()[:-1], 11.0], pa.float64())
        ),
        lambda table: table.rename_columns(
            ["timestamp", "inputs.sum", "inputs.count", "inputs.carrier", "inputs.flag", "prediction", "score"]
        ),
        lambda table: table.drop_columns(["score"]),
        lambda table: table.set_column(0, "timestamp", pa.array(times_of(table) + SECOND)),
    ],
)
def test_data_change_the_fingerprint(table: pa.Table, changed: object) -> None:
    """Other rows, another value, another name or other times make another reference."""
    assert callable(changed)
    assert compiled(changed(table)).id != compiled(table).id


@pytest.mark.parametrize(
    "plan",
    [
        replace(PLAN, task="regression"),
        replace(PLAN, window=WindowSettings(min_rows=31)),
        replace(PLAN, window=WindowSettings(min_rows=30, every=timedelta(minutes=30))),
        replace(PLAN, drift=DriftSettings(tolerance=0.05)),
        replace(PLAN, drift=DriftSettings(columns={"amount": ColumnDriftSettings(importance=2)})),
        replace(PLAN, columns=ColumnsSettings(exclude=["flag"])),
    ],
)
def test_settings_change_the_fingerprint(table: pa.Table, plan: ReferencePlan) -> None:
    """A verdict names the settings that it was reached with."""
    assert compiled(table, plan).id != compiled(table).id


def test_a_flat_file_has_the_same_columns(table: pa.Table) -> None:
    """Without inputs. before their names, features are found as well."""
    flat = table.rename_columns([name.removeprefix("inputs.") for name in table.column_names])
    assert [column.name for column in compiled(flat).layout.columns] == [
        column.name for column in compiled(table).layout.columns
    ]


def test_ten_rows_are_a_reference() -> None:
    """A handful of rows is compiled, into one step."""
    reference = compiled(reference_table(1).slice(0, 10))
    assert reference.rows == 10
    assert reference.steps is not None
    assert reference.steps.rows.tolist() == [10]


def test_one_instant_is_enough(table: pa.Table) -> None:
    """Rows of one instant are one step."""
    steps = compile_reference(table, np.zeros(table.num_rows, np.int64), PLAN).steps
    assert steps is not None
    assert len(steps.times) == 1


def test_without_times_there_are_no_steps(table: pa.Table) -> None:
    """A reference without timestamps has bins, and nothing by time."""
    reference = compiled(table, timed=False)
    assert (reference.steps, reference.first, reference.last, dict(reference.fine)) == (None, None, None, {})


@pytest.mark.parametrize(
    "values",
    [
        pa.array([7.0] * 60),
        pa.array(["x"] * 60),
        pa.nulls(60, pa.float64()),
        pa.nulls(60),
        pa.array([float("nan")] * 60),
        pa.array([float("inf"), 1.0, 2.0] * 20),
        pa.array([[1.0]] * 60),
        pa.array([b"\xff"] * 60),
        pa.array([1e308, -1e308] * 30),
        pa.array([2**62 + 1, 5] * 30),
        pa.array([True, None] * 30),
    ],
)
def test_odd_columns_are_compiled(values: pa.Array) -> None:
    """Constant, empty, infinite, nested and huge columns neither raise nor warn, and every row is accounted for."""
    reference = compile_reference(pa.table({"odd": values}), np.arange(60) * HOUR // 6, PLAN)
    profile = reference.profile
    if reference.binning.columns[0].bins is not None:
        assert int(profile.counts.sum() + profile.missing[0] + profile.nonfinite[0]) == 60


@pytest.mark.parametrize(("name", "role"), [("inputs.prediction", "prediction"), ("inputs.score", "score")])
def test_a_feature_must_not_be_called_as_an_output(table: pa.Table, name: str, role: str) -> None:
    """Two columns with one name are a fault."""
    with pytest.raises(ColumnRepeated, match=f'"{role}"'):
        compiled(table.append_column(name, table["inputs.amount"]))


@pytest.mark.parametrize("name", ["timestamp", "id", "version", "latency"])
def test_a_feature_may_be_called_as_what_is_no_column(table: pa.Table, name: str) -> None:
    """inputs.version is the column version; the model's version stands apart."""
    reference = compiled(table.append_column(f"inputs.{name}", table["inputs.amount"]))
    assert name in reference.names
    assert reference.profile.latency.sum() == 0


def test_an_output_twice_is_refused(table: pa.Table) -> None:
    """A file with two columns "score" cannot be watched."""
    with pytest.raises(ColumnRepeated, match='"score"'):
        compiled(table.append_column("score", table["score"]), timed=False)


def test_an_unknown_feature_is_refused(table: pa.Table) -> None:
    """A column that the config names and the reference lacks is told of."""
    with pytest.raises(ColumnUnknown, match='did you mean "carrier"'):
        compiled(table, replace(PLAN, columns=ColumnsSettings(exclude=["carier"])))


def test_no_row_is_no_reference(table: pa.Table) -> None:
    """A reference needs rows."""
    with pytest.raises(ReferenceUnusable, match="no rows"):
        compiled(table.slice(0, 0))


def test_no_column_is_no_reference(table: pa.Table) -> None:
    """A reference of timestamps alone has nothing to watch."""
    with pytest.raises(ReferenceUnusable, match="no column to watch"):
        compiled(table.select(["timestamp"]))


def test_levels_are_those_of_the_reference(table: pa.Table) -> None:
    """A category's cells are its levels, the most frequent first; numbers written as classes lose their point."""
    bins = dict(zip(compiled(table).names, compiled(table).binning.columns, strict=True))
    assert bins["carrier"].bins is not None
    assert getattr(bins["carrier"].bins, "levels", None) == LEVELS
    assert getattr(bins["prediction"].bins, "levels", None) == ("0", "1")


def test_the_world_is_as_long_as_it_says() -> None:
    """The tests' own reference has its hours."""
    assert len(list(World().hours(-REFERENCE_HOURS, 2))) == 2 * ROWS
