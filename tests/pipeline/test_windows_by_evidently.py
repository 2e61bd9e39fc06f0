"""Rules on Evidently's tests in windows: what a real child says, and what is said where it has no answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from monitor.comparison import ColumnDriftSettings, DriftSettings
from monitor.pipeline.by_evidently import Stretch, judge_by_values, new_tested
from monitor.pipeline.compiling import load_judge
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.tally import Limits
from monitor.store.memory import load_memory
from monitor.window import WindowSettings
from monitor.workers import Failure, Task, WorkerFailed, Workers, unpack
from tests.contracts.schemas import WINDOW as WINDOW_SCHEMA
from tests.contracts.schemas import faults
from tests.passes import WALL, Told, opened, passed
from tests.worlds import HOUR, Json, World, plan_of, reference_table, write_log, write_reference

RULES = {
    "amount": ColumnDriftSettings(method="evidently:ks", p_value=1e-6),
    "carrier": ColumnDriftSettings(method="evidently:psi", threshold=0.5),
    "flag": ColumnDriftSettings(method="evidently:g_test", p_value=1e-6),
}
SHIFTS = (0.0, 2.0, 2.0, 0.0)


def _records() -> list[Json]:
    return [record for number, shift in enumerate(SHIFTS) for record in World(shift=shift).hours(number, 1)]


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """One child for all tests here, as one serves all windows."""
    with Workers() as made:
        yield made


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> ModelPlan:
    """Give a model with rules on three of Evidently's tests, whose amount is shifted in the second and third hour."""
    root = tmp_path_factory.mktemp("evidently")
    write_log(root / "log.jsonl", _records())
    write_reference(root / "reference.parquet")
    return plan_of(root, drift=DriftSettings(columns=RULES))


def replayed(plan: ModelPlan, workers: Workers, block_bytes: int = 2**22) -> Told:
    """Return what a replay tells."""
    pipeline, told = Pipeline(plan, event_clock=True, block_bytes=block_bytes, workers=workers), Told()
    for closed in [*pipeline.step(0), *pipeline.flush(0)]:
        told.add(closed)
    pipeline.close()
    return told


@pytest.fixture(scope="module")
def told(plan: ModelPlan, workers: Workers) -> Told:
    """Give what a replay tells."""
    return replayed(plan, workers)


def shown(told: Told, name: str) -> list[Json]:
    """Return a column of every window."""
    return [column for body in told.windows for column in body["columns"] if column["name"] == name]


def test_a_p_value_is_scipys_on_the_rows_of_the_window(told: Told) -> None:
    """Where fewer rows come than are kept, the test is of all rows of the window, and of all of the reference."""
    old = [value for value in reference_table()["inputs.amount"].to_pylist() if value is not None]
    for hour, column in enumerate(shown(told, "amount")):
        amounts = [record["inputs"]["amount"] for record in World(shift=SHIFTS[hour]).hours(hour, 1)]
        new = [value for value in amounts if value is not None]
        assert column["p_value"] == pytest.approx(stats.ks_2samp(old, new).pvalue, rel=1e-9)
        assert column["tested_rows"] == {"reference": len(old), "current": len(new)}


def test_a_rule_says_what_a_fixed_rule_says(told: Told) -> None:
    """A broken rule is drift from its threshold on, and has no part in the evidence or the promise."""
    columns = shown(told, "amount")
    assert [column["why"] for column in columns] == ["rule_kept", "rule_broken", "rule_broken", "rule_kept"]
    assert {column["threshold"] for column in columns} == {6.0}
    assert {column["share_of_drift"] for column in columns} <= {None, 0.0}
    assert (told.alerts[0]["reason"], told.alerts[0]["columns"]) == ("first_time", ["amount"])
    assert [fault for body in told.windows for fault in faults(WINDOW_SCHEMA, body)] == []


def test_tests_of_two_sides_of_equal_length_get_them(told: Told) -> None:
    """Of the longer side as many rows as the shorter has, drawn by lot, are tested where Evidently takes no others."""
    assert {tuple(column["tested_rows"].values()) for column in shown(told, "flag")} == {(60, 60)}
    assert {column["verdict"] for column in shown(told, "flag")} == {"stable"}


def test_small_batches_change_nothing(plan: ModelPlan, told: Told, workers: Workers) -> None:
    """Which rows are tested does not depend on how they came."""
    assert replayed(plan, workers, block_bytes=1_500).windows == told.windows


def test_a_daemon_that_starts_anew_says_what_a_replay_says(
    plan: ModelPlan, told: Told, workers: Workers, tmp_path: Path
) -> None:
    """Rows held for an open window come back from the state, and with its close they are gone."""
    found = Told()
    with opened(tmp_path) as state:
        for turn in range(40):
            pipeline = Pipeline(plan, state, block_bytes=2_000, workers=workers)
            more = pipeline.read_records(WALL, Limits()) and pipeline.read_records(WALL, Limits())
            for closed in pipeline.close_due(WALL, drained=False) if turn % 2 else ():
                found.add(closed)
            pipeline.close()
            if not more:
                break
        for closed in Pipeline(plan, state, workers=workers).flush(WALL):
            found.add(closed)
        with state.read() as connection:
            kept = [name for _, name in load_memory(connection, plan.name) if name.startswith("values:")]
    assert [body["columns"] for body in found.windows] == [body["columns"] for body in told.windows]
    assert kept == []


@dataclass
class Failing(Workers):
    """Has no answer, for a reason."""

    reason: Failure

    def __post_init__(self) -> None:
        super().__init__()
        self.tasks: list[Task] = []

    def ask(self, task: Task) -> bytes:
        """Fail as the child that stays would."""
        self.tasks.append(task)
        raise WorkerFailed(self.reason, "no answer")


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (Failure.TIME_LIMIT, "time_limit"),
        (Failure.MEMORY_LIMIT, "memory_limit"),
        (Failure.NOT_INSTALLED, "not_installed"),
        (Failure.DIED, "method_failed"),
    ],
)
def test_without_an_answer_a_column_has_failed_and_says_why(plan: ModelPlan, reason: Failure, why: str) -> None:
    """The window is told all the same; the rule is neither broken nor kept, and pages nobody."""
    found = replayed(plan, Failing(reason))
    assert {(column["verdict"], column["why"], column["distance"]) for column in shown(found, "amount")} == {
        ("failed", why, None)
    }
    assert len(found.windows) == len(SHIFTS)
    assert found.alerts == []


def test_a_stop_undoes_the_close(plan: ModelPlan, tmp_path: Path) -> None:
    """A close whose child is stopped with the daemon is no window: it is made after the start."""
    with opened(tmp_path) as state, pytest.raises(WorkerFailed):
        passed(plan, state, workers=Failing(Failure.STOPPED))


def test_rules_alone_are_never_stable_without_their_answer(plan: ModelPlan, tmp_path: Path) -> None:
    """Where every column has a rule and the test of one has failed, the window has failed too."""
    write_log(tmp_path / "log.jsonl", _records())
    write_reference(tmp_path / "reference.parquet")
    rest = ColumnDriftSettings(method="population_stability", threshold=9)
    rules = dict.fromkeys(("count", "flag", "prediction", "score", "carrier"), rest) | {"amount": RULES["amount"]}
    ruled = replace(plan, root=tmp_path, drift=DriftSettings(columns=rules))
    assert set(replayed(ruled, Failing(Failure.TIME_LIMIT)).column("verdict")) == {"failed"}


def test_rows_are_kept_up_to_the_config(plan: ModelPlan) -> None:
    """Of a window and of the reference no more rows are tested than are kept."""
    asked = Failing(Failure.DIED)
    replayed(replace(plan, rows_per_window=20), asked)
    rows = {table.num_rows for task in asked.tasks for table in unpack(task.content)[1]}
    assert max(rows) <= 20
    assert len(asked.tasks) == len(SHIFTS) * len(RULES)


def test_a_longer_window_is_of_all_its_steps(plan: ModelPlan, told: Told) -> None:
    """A window of two steps is tested on the rows of both, the second's being held for the next."""
    window = WindowSettings(length=timedelta(hours=2), every=timedelta(hours=1), min_rows=30)
    asked = Failing(Failure.DIED)
    replayed(replace(plan, window=window), asked)
    rows = [unpack(task.content)[1][1].num_rows for task in asked.tasks][: len(RULES) * len(SHIFTS) : len(RULES)]
    single = [column["tested_rows"]["current"] for column in shown(told, "amount")]
    assert rows == [single[0], *np.add(single[:-1], single[1:]).tolist()]


def test_a_window_of_which_not_all_due_rows_were_held_is_not_judged(plan: ModelPlan) -> None:
    """A window whose sample has a hole is insufficient data: it is not judged by what is left of it."""
    values = load_judge(plan, plan.root / "reference.parquet").values
    tested = new_tested(values)
    assert tested is not None
    found = judge_by_values(tested, Stretch(0, HOUR, {0: 60}, 30), Failing(Failure.DIED).ask)
    assert {(column["verdict"], column["why"]) for column in found.values()} == {("insufficient_data", "too_few_rows")}
