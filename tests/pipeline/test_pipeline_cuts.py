"""The same log gives the same verdicts, however it is cut, merged and interrupted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.instant import SECOND, from_text
from monitor.pipeline.plan import ModelPlan
from monitor.sources.files import FilesSettings
from monitor.store.database import State
from monitor.window import WindowSettings
from tests.passes import Told, disturbed, kept_alerts, kept_windows, opened, passed, replayed
from tests.worlds import BEGIN, HOUR, Json, World, plan_of, write_log, write_reference

HOURS = 22
DRIFT = range(8, 13)


def eventful() -> list[Json]:
    """Return a day's log: calm, a drift, calm again, an hour of silence, some rows late, one without an id."""
    records: list[Json] = []
    for hour in range(HOURS):
        if hour == 17:
            continue
        records += World(seed=1, shift=2.0 if hour in DRIFT else 0.0).hour(BEGIN + hour * HOUR)
    late = World(seed=9, rows=5).hour(BEGIN + 2 * HOUR)
    del records[400]["request_id"]
    return [*records[:500], *late, *records[500:]]


@dataclass(frozen=True, slots=True)
class Day:
    """A folder with a reference and a log, and what an undisturbed replay of it tells."""

    plan: ModelPlan
    told: Told


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    """Give the eventful day."""
    root = tmp_path_factory.mktemp("day")
    write_reference(root / "reference.parquet")
    write_log(root / "log.jsonl", eventful())
    plan = plan_of(root)
    return Day(plan, replayed(plan))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state of the test's own."""
    with opened(tmp_path) as state:
        yield state


def test_the_day_is_eventful(day: Day) -> None:
    """The log that the other tests cut has what they are about."""
    assert [body["reason"] for body in day.told.alerts] == ["first_time", "resolved"]
    assert day.told.alerts[0]["columns"] == ["amount"]
    assert (day.told.late, day.told.rejected) == (5, {})
    assert day.told.column("verdict").count("insufficient_data") == 1
    assert len(day.told.windows) == HOURS


@pytest.mark.parametrize("block_bytes", [3000, 20_000, 2**20])
def test_blocks_change_nothing(day: Day, block_bytes: int) -> None:
    """However much is read at once, windows, alerts and counts are the same, bit for bit."""
    assert replayed(day.plan, block_bytes=block_bytes) == day.told


@pytest.mark.parametrize("block_bytes", [5000, 2**20])
def test_a_store_changes_nothing(day: Day, state: State, block_bytes: int) -> None:
    """What is kept between two batches comes back bit for bit: a daemon tells what a replay tells."""
    assert passed(day.plan, state, block_bytes=block_bytes) == day.told
    assert [body["id"] for body in kept_windows(state)] == day.told.column("id")


@pytest.mark.parametrize(("block_bytes", "every"), [(15_000, 2), (40_000, 1), (9000, 5)])
def test_restarts_change_nothing(day: Day, state: State, block_bytes: int, every: int) -> None:
    """However often the process is killed between two transactions, all is told once and alike."""
    assert disturbed(day.plan, state, block_bytes, every) == day.told


def test_the_store_holds_what_was_told(day: Day, state: State) -> None:
    """Windows are kept as they were told, and the alert as it stood last."""
    told = passed(day.plan, state)
    assert kept_windows(state) == told.windows
    (alert,) = kept_alerts(state)
    assert {key: alert[key] for key in told.alerts[-1]} == told.alerts[-1]


def test_a_second_pass_reads_nothing_twice(day: Day, state: State) -> None:
    """All that lies there was read: a new process tells nothing more."""
    first = passed(day.plan, state, flush=False)
    again = passed(day.plan, state, flush=False)
    assert (again.windows, again.alerts) == ([], [])
    assert again.accepted == first.accepted


def test_stragglers_among_several_files_are_the_same_ones(tmp_path: Path) -> None:
    """Where each of three files has rows up to 90 minutes late, what is read at once changes not which are too late."""
    write_reference(tmp_path / "reference.parquet")
    rng = random.Random(0)
    records = [(from_text(each["timestamp"]), each) for each in World(seed=1).hours(0, 12)]
    records = [(at + (rng.random() < 0.05) * rng.randrange(90 * 60) * SECOND, each) for at, each in records]
    logged = [each for _, each in sorted(records, key=lambda pair: pair[0])]
    for place in range(3):
        write_log(tmp_path / f"log-{place}.jsonl", logged[place::3])
    told = [replayed(plan_of(tmp_path), block_bytes=size) for size in (2000, 20_000, 2**20)]
    assert told[0].late > 0
    assert told[0] == told[1] == told[2]


def calm_parts(tmp_path: Path, number: int) -> tuple[Path, Path]:
    """Write one log whole, and in so many files, in order of time."""
    records = list(World(seed=1).hours(0, 6)) + list(World(seed=1, shift=2.0).hours(6, 5))
    folders = tmp_path / "whole", tmp_path / "parts"
    for folder in folders:
        folder.mkdir()
        write_reference(folder / "reference.parquet")
    write_log(folders[0] / "log.jsonl", records)
    for place in range(number):
        write_log(folders[1] / f"log-{place}.jsonl", records[place::number])
    return folders


@pytest.mark.parametrize("block_bytes", [2000, 10_000, 2**20])
def test_several_files_give_what_one_gives(tmp_path: Path, block_bytes: int) -> None:
    """Rows in order of time are told alike from one file and from four, bit for bit, whatever is read at once."""
    whole, parts = calm_parts(tmp_path, 4)
    assert replayed(plan_of(parts), block_bytes=block_bytes) == replayed(plan_of(whole))


@pytest.mark.parametrize(("block_bytes", "every"), [(6000, 3), (30_000, 1), (30_000, 2)])
def test_several_sources_give_what_one_gives(tmp_path: Path, state: State, block_bytes: int, every: int) -> None:
    """Two sources of two files each, read with restarts, give what one file gives."""
    whole, parts = calm_parts(tmp_path, 4)
    sources = (FilesSettings(path=["log-0.jsonl", "log-3.jsonl"]), FilesSettings(path=["log-1.jsonl", "log-2.jsonl"]))
    told = disturbed(plan_of(parts, records=sources), state, block_bytes, every)
    assert told == replayed(plan_of(whole))


@pytest.mark.parametrize(("length", "every"), [(3, 1), (2, 2), (4, 2)])
def test_a_window_is_the_sum_of_its_steps(tmp_path: Path, length: int, every: int) -> None:
    """Windows of three hours each hour hold three hours' rows, and are judged step by step as hours are."""
    write_reference(tmp_path / "reference.parquet")
    write_log(tmp_path / "log.jsonl", World(seed=1).hours(0, 8))

    def told(length: int, every: int) -> Told:
        window = WindowSettings(length=timedelta(hours=length), every=timedelta(hours=every), min_rows=30)
        return replayed(plan_of(tmp_path, window=window))

    long, short = told(length, every), told(every, every)
    rows = {body["end"]: body["rows"] for body in short.windows}
    ends = list(rows)
    covered = length // every
    assert [body["rows"] for body in long.windows] == [
        sum(rows[end] for end in ends[max(0, place - covered + 1) : place + 1]) for place in range(len(ends))
    ]
    assert long.column("evidence") == short.column("evidence")


def test_a_pane_shorter_than_the_step_changes_nothing(tmp_path: Path) -> None:
    """Windows of 90 minutes each hour are made of half hours; steps are still hours."""
    write_reference(tmp_path / "reference.parquet")
    write_log(tmp_path / "log.jsonl", World(seed=1).hours(0, 6))
    window = WindowSettings(length=timedelta(minutes=90), every=timedelta(hours=1), min_rows=30)
    long, short = replayed(plan_of(tmp_path, window=window)), replayed(plan_of(tmp_path))
    assert long.column("evidence") == short.column("evidence")
    assert long.column("rows")[0] == short.column("rows")[0]


def test_a_window_without_records_is_told(day: Day) -> None:
    """An hour of silence is a window of no rows, and no verdict."""
    silent = [body for body in day.told.windows if not body["rows"]]
    assert [(body["start"], body["verdict"], body["why"]) for body in silent] == [
        ("2026-01-05T17:00:00Z", "insufficient_data", "no_records")
    ]
    assert all(column["distance"] is None for column in silent[0]["columns"])


def test_small_hours_wait_for_a_step(tmp_path: Path) -> None:
    """Hours of 20 rows where a step needs 30 are judged by two, and evidence moves every other hour."""
    write_reference(tmp_path / "reference.parquet")
    write_log(tmp_path / "log.jsonl", World(seed=1, rows=20).hours(0, 6))
    evidence = replayed(plan_of(tmp_path)).column("evidence")
    assert evidence[0] == 0
    assert [a == b for a, b in zip(evidence[1::2], evidence[2::2], strict=False)] == [True, True]
    assert len(set(evidence)) == 4


def test_verdict_and_evidence_agree(day: Day) -> None:
    """A window is drifted exactly if its evidence reaches the threshold, or an alert fires."""
    for body in day.told.windows:
        over = body["evidence"] >= body["evidence_threshold"]
        if body["rows"]:
            assert (body["verdict"] == "drifted") == (over or body["why"] == "alert_firing")


def test_every_column_keeps_its_word(day: Day) -> None:
    """A column is drifted exactly if it was judged and its distance reaches its threshold."""
    judged = ("stable", "drifted")
    columns: list[dict[str, Any]] = [column for body in day.told.windows for column in body["columns"]]
    for column in columns:
        over = column["threshold"] is not None and column["distance"] >= column["threshold"]
        assert (column["verdict"] == "drifted") == (column["verdict"] in judged and over)
    for body in day.told.windows:
        assert body["columns_drifted"] == sum(column["verdict"] == "drifted" for column in body["columns"])
