"""A transaction that fails: after a reload nothing is lost, nothing is doubled, and no file is left over."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from monitor.errors import StoreBusy
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.routing import Policy
from monitor.sources.files import FilesSettings
from monitor.store.database import State
from monitor.store.delivery import list_deliveries
from monitor.store.segment import segments
from tests.passes import ALL, WALL, Told, counted, counts_of, kept_windows, opened, passed, replayed
from tests.worlds import World, plan_of, write_log, write_reference

INGEST = ("pane", "position", "counts", "memory", "segment")
CLOSE = ("window", "alert", "delivery")


@pytest.fixture
def plan(tmp_path: Path) -> ModelPlan:
    """Give a model with a log in which a drift begins and ends, and with targets."""
    write_reference(tmp_path / "reference.parquet")
    for first, shift in ((0, 0.0), (4, 2.0), (7, 0.0)):
        write_log(tmp_path / "log.jsonl", World(seed=1, shift=shift).hours(first, 3 if first else 4))
    targets = [{"request_id": f"r{i}", "target": 1, "timestamp": "2026-01-05T00:00:00Z"} for i in range(50)]
    (tmp_path / "targets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in targets))
    return plan_of(
        tmp_path, policy=Policy(receivers=("team",)), targets=FilesSettings(path="targets.jsonl"), rows_per_window=20
    )


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state of the test's own."""
    with opened(tmp_path) as state:
        yield state


@contextmanager
def refusing(state: State, table: str) -> Iterator[None]:
    """Let every insertion into a table fail, as a full disk would in the midst of a transaction."""
    with closing(sqlite3.connect(state.path, isolation_level=None)) as other:
        other.execute(f"CREATE TRIGGER boom BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'boom'); END")
        try:
            yield
        finally:
            other.execute("DROP TRIGGER boom")


def unnamed(state: State) -> set[str]:
    """Return the files of rows that the database does not name."""
    with state.read() as connection:
        named = {each.name for each in segments(connection, "shop", 0, 10**18)}
    rows = state.directory / "rows"
    return {path.relative_to(rows).as_posix() for path in rows.glob("*/*")} - named


def stepped(pipeline: Pipeline, told: Told) -> None:
    """Do one whole cycle."""
    for closed in pipeline.step(WALL):
        told.add(closed)


@pytest.mark.parametrize("table", [*INGEST, *CLOSE])
def test_a_failed_transaction_loses_and_doubles_nothing(plan: ModelPlan, state: State, table: str) -> None:
    """Whichever table refuses in the midst of a cycle, after a reload all is told as if nothing had been."""
    pipeline, told = Pipeline(plan, state, block_bytes=30_000), Told()
    with refusing(state, table), pytest.raises(IntegrityError, match="boom"):
        stepped(pipeline, told)
    assert unnamed(state) == set()
    pipeline.reload()
    stepped(pipeline, told)
    for closed in pipeline.flush(WALL):
        told.add(closed)
    pipeline.close()
    assert counted(told, state) == replayed(plan)
    assert [body["id"] for body in kept_windows(state)] == told.column("id")
    assert counts_of(state, "targets").accepted == 50
    assert unnamed(state) == set()


@pytest.mark.parametrize("table", ["pane", "window"])
def test_failing_again_and_again_changes_nothing(plan: ModelPlan, state: State, table: str) -> None:
    """A disk that stays full for some cycles costs time, and nothing else."""
    pipeline, told = Pipeline(plan, state, block_bytes=60_000), Told()
    for _ in range(3):
        with refusing(state, table), pytest.raises(IntegrityError, match="boom"):
            stepped(pipeline, told)
        pipeline.reload()
    stepped(pipeline, told)
    for closed in pipeline.flush(WALL):
        told.add(closed)
    pipeline.close()
    assert counted(told, state) == replayed(plan)


@pytest.mark.parametrize("table", CLOSE)
def test_a_message_is_queued_with_its_alert_or_not_at_all(plan: ModelPlan, state: State, table: str) -> None:
    """Where closing fails nothing of it is kept; afterwards each message is queued once."""
    pipeline, told = Pipeline(plan, state), Told()
    with refusing(state, table), pytest.raises(IntegrityError, match="boom"):
        stepped(pipeline, told)
    with state.read() as connection:
        assert list_deliveries(connection, limit=ALL)[0] == []
    pipeline.reload()
    stepped(pipeline, told)
    pipeline.close()
    with state.read() as connection:
        reasons = [
            json.loads(each.body)["data"]["alert"]["reason"] for each in list_deliveries(connection, limit=ALL)[0]
        ]
    assert sorted(reasons) == ["first_time", "resolved"]


def test_rows_that_cannot_be_written_fail_the_batch(plan: ModelPlan, state: State) -> None:
    """Where the folder of rows cannot be made the batch is not counted; once it can, it is."""
    blocker = state.directory / "rows"
    blocker.write_text("in the way")
    pipeline, told = Pipeline(plan, state), Told()
    with pytest.raises(StoreBusy):
        stepped(pipeline, told)
    assert counts_of(state).accepted == 0
    blocker.unlink()
    pipeline.reload()
    stepped(pipeline, told)
    pipeline.close()
    assert counted(told, state).accepted == replayed(plan).accepted


def test_a_pass_without_failures_leaves_no_file_without_a_name(plan: ModelPlan, state: State) -> None:
    """Every file of rows is named."""
    passed(plan, state, block_bytes=10_000)
    assert unnamed(state) == set()
    assert list(state.directory.glob("rows/*/*"))
