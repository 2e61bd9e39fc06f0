"""Columns under fixed rules through the whole pipeline: what fires, what resolves, and what is left to the engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from monitor.comparison import ColumnDriftSettings, DriftSettings
from monitor.pipeline.plan import ModelPlan
from monitor.store.database import State
from tests.contracts.schemas import WINDOW as WINDOW_SCHEMA
from tests.contracts.schemas import faults
from tests.passes import Told, opened, replayed, restarted
from tests.worlds import Json, World, plan_of, reference_table, write_log, write_reference

EVERY = ("amount", "count", "carrier", "flag", "prediction", "score")
ON_AMOUNT = ColumnDriftSettings(method="wasserstein", threshold=0.8)
ON_REST = {
    "count": ColumnDriftSettings(method="kolmogorov_smirnov", p_value=1e-9),
    "carrier": ColumnDriftSettings(method="chi_squared", p_value=1e-9),
    "flag": ColumnDriftSettings(method="two_proportion_z", p_value=1e-9),
    "prediction": ColumnDriftSettings(method="population_stability", threshold=2),
    "score": ColumnDriftSettings(method="mann_whitney", p_value=1e-9),
}


def hours() -> list[Json]:
    """Return a day: four calm hours, one shifted, three calm, four shifted, eight calm."""
    shifts = [0.0] * 4 + [2.0] + [0.0] * 3 + [2.0] * 4 + [0.0] * 8
    return [record for number, shift in enumerate(shifts) for record in World(shift=shift).hours(number, 1)]


def plan(root: Path, columns: dict[str, ColumnDriftSettings], *, timed: bool = True) -> ModelPlan:
    """Lay out a day's log and a reference in a folder, and return the plan."""
    root.mkdir(exist_ok=True)
    write_log(root / "log.jsonl", hours())
    write_reference(root / "reference.parquet")
    if not timed:
        pq.write_table(reference_table().drop_columns(["timestamp"]), root / "reference.parquet")
    return plan_of(root, drift=DriftSettings(columns=columns))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelPlan, Told]:
    """Give a model with one column under a rule, and what is told of its day."""
    made = plan(tmp_path_factory.mktemp("mixed"), {"amount": ON_AMOUNT})
    return made, replayed(made)


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelPlan, Told]:
    """Give a model whose columns all have rules, over a reference without timestamps, and what is told of its day."""
    made = plan(tmp_path_factory.mktemp("ruled"), {"amount": ON_AMOUNT, **ON_REST}, timed=False)
    return made, replayed(made)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state."""
    with opened(tmp_path) as state:
        yield state


def of_amount(told: Told) -> list[Json]:
    """Return the column under a rule, of every window."""
    return [next(column for column in body["columns"] if column["name"] == "amount") for body in told.windows]


def test_a_rule_fires_after_so_many_windows_in_a_row(mixed: tuple[ModelPlan, Told]) -> None:
    """One broken window pages nobody; the second in a row does, and two kept ones resolve it."""
    alerts = [(alert["at"], alert["reason"], alert["columns"]) for alert in mixed[1].alerts]
    assert alerts == [
        ("2026-01-05T10:05:00Z", "first_time", ["amount"]),
        ("2026-01-05T14:05:00Z", "resolved", ["amount"]),
    ]


def test_a_window_with_a_broken_rule_says_so(mixed: tuple[ModelPlan, Told]) -> None:
    """The column's reason is its rule, and its threshold the rule's, whatever the window's size."""
    columns = of_amount(mixed[1])
    assert [column["why"] for column in columns[:6]] == [*["rule_kept"] * 4, "rule_broken", "rule_kept"]
    assert {column["threshold"] for column in columns} == {0.8}


def test_the_alert_names_the_rule(mixed: tuple[ModelPlan, Told]) -> None:
    """What fired is in the causes, beside what was seen to happen."""
    diagnosis = mixed[1].alerts[0]["diagnosis"]
    assert diagnosis["class"] == "population_change"
    assert [cause["kind"] for cause in diagnosis["causes"]] == ["shift", "fixed_rule"]
    assert diagnosis["causes"][1]["detail"].endswith("from 0.8 on drifted by its fixed rule")


def test_a_column_under_a_rule_is_no_evidence(mixed: tuple[ModelPlan, Told], tmp_path: Path) -> None:
    """The engine's evidence is, to the bit, that of the same log in which the column does not drift."""
    calm = plan(tmp_path, {"amount": ON_AMOUNT})
    (tmp_path / "log.jsonl").unlink()
    write_log(tmp_path / "log.jsonl", World().hours(0, 20))
    assert mixed[1].column("evidence") == replayed(calm).column("evidence")
    assert {column["share_of_drift"] for column in of_amount(mixed[1])[1:]} == {0.0}


def test_while_a_rule_alone_fires_evidence_goes_on(mixed: tuple[ModelPlan, Told]) -> None:
    """A rule's episode freezes no evidence and forgets none: the engine stays awake."""
    evidence = mixed[1].column("evidence")
    assert len(set(evidence[9:13])) == 4
    assert evidence[14] > 1


def test_the_promise_holds_for_the_other_columns(mixed: tuple[ModelPlan, Told]) -> None:
    """One column under a rule takes no calibration from the rest."""
    assert set(mixed[1].column("calibrated")) == {True}


def test_where_every_column_has_a_rule_there_is_no_engine(ruled: tuple[ModelPlan, Told]) -> None:
    """Verdicts come from the rules, alerts too, and the window says that nothing is promised."""
    told = ruled[1]
    assert set(told.column("calibration_why")) == {"fixed_rules"}
    assert set(told.column("evidence")) == {None}
    whys = told.column("why")
    assert (whys[0], whys[4], whys[9], whys[19]) == ("rules_kept", "rule_pending", "alert_firing", "rules_kept")
    assert [alert["reason"] for alert in told.alerts] == ["first_time", "resolved"]


def test_without_timestamps_a_rule_judges_its_own_column_alone(tmp_path: Path) -> None:
    """The other columns, and so the window, stay insufficient data until the rule's alert fires."""
    told = replayed(plan(tmp_path, {"amount": ON_AMOUNT}, timed=False))
    assert told.column("verdict")[8:11] == ["insufficient_data", "drifted", "drifted"]
    assert set(told.column("calibration_why")) == {"no_timestamps"}
    assert [alert["columns"] for alert in told.alerts] == [["amount"], ["amount"]]


def test_too_few_rows_neither_break_nor_keep_a_rule(tmp_path: Path) -> None:
    """A thin window between two broken ones does not part them; nor is it calm."""
    made = plan(tmp_path, {"amount": ON_AMOUNT})
    (tmp_path / "log.jsonl").unlink()
    rows = [60, 60, 5, 60, 5, 60, 5, 60, 60]
    shifts = [0.0, 2.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    for number, (many, shift) in enumerate(zip(rows, shifts, strict=True)):
        write_log(tmp_path / "log.jsonl", World(rows=many, shift=shift).hours(number, 1))
    found = [(alert["window"][-7:-3], alert["reason"]) for alert in replayed(made).alerts]
    assert found == [("0400", "first_time"), ("0800", "resolved")]


@pytest.mark.parametrize("which", ["mixed", "ruled"])
def test_restarts_change_nothing(which: str, request: pytest.FixtureRequest, state: State) -> None:
    """Streaks and alerts come back from the store: windows and alerts are the replay's, bit for bit."""
    made, told = request.getfixturevalue(which)
    found = restarted(made, state)
    assert found.windows == told.windows
    assert found.alerts == told.alerts


@pytest.mark.parametrize("which", ["mixed", "ruled"])
def test_every_window_keeps_the_contract(which: str, request: pytest.FixtureRequest) -> None:
    """Under a rule, too, drifted is exactly a distance at or over the threshold."""
    for body in request.getfixturevalue(which)[1].windows:
        assert faults(WINDOW_SCHEMA, body) == []
