"""A reference that is made of the first rows of the stream: which rows, from when on, and that nothing else matters."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.errors import ReferenceUnusable
from monitor.instant import from_text
from monitor.pipeline.compiling import load_judge
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.reference import ReferenceSettings
from monitor.sampling import SamplingSettings
from monitor.sources.files import FilesSettings
from monitor.store.database import State
from monitor.store.memory import load_memory
from monitor.window import WindowSettings
from tests.passes import Told, disturbed, opened, passed, replayed
from tests.worlds import BEGIN, HOUR, ROWS, WINDOW, Json, World, plan_of, write_log

HOURS, GATHERED = 40, 25
WANTED = GATHERED * ROWS - 7
"""Rows of the reference: the last seven of the hour in which there are enough are left out."""


def flowing(hours: int = HOURS, version: str = "1") -> list[Json]:
    """Return a calm log whose amount drifts in the last eight hours; some rows are late, one has no id."""
    worlds = [World(seed=1, shift=2.0 * (hour >= hours - 8), version=version) for hour in range(hours)]
    records = [record for hour, world in enumerate(worlds) for record in world.hour(BEGIN + hour * HOUR)]
    del records[90]["request_id"]
    return records


def disordered(records: list[Json]) -> list[Json]:
    """Return records of which every ninth comes a little later than its time."""
    return sorted(records, key=lambda each: from_text(each["timestamp"]) + (hash_of(each) % 9 == 0) * HOUR // 15)


def hash_of(record: Json) -> int:
    """Return a number that is a record's own."""
    return sum(record["timestamp"].encode())


@dataclass(frozen=True, slots=True)
class Flow:
    """A folder with a log and no reference, and what an undisturbed replay tells."""

    plan: ModelPlan
    told: Told


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    """Give the log, a little out of order."""
    root = tmp_path_factory.mktemp("flow")
    write_log(root / "log.jsonl", disordered(flowing()))
    plan = plan_of(root, reference=ReferenceSettings(rows=WANTED))
    return Flow(plan, replayed(plan))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state of the test's own."""
    with opened(tmp_path) as state:
        yield state


def test_windows_are_judged_once_there_are_enough_rows(flow: Flow) -> None:
    """Until the end of the window by which there are as many rows they say so, and from then on they name them."""
    whys = flow.told.column("calibration_why")
    assert whys[:GATHERED] == ["gathering_reference"] * GATHERED
    assert flow.told.column("why")[:GATHERED] == ["no_reference"] * GATHERED
    assert "gathering_reference" not in whys[GATHERED:]
    assert {body["reference"]["rows"] for body in flow.told.windows[GATHERED:]} == {WANTED}
    assert flow.told.column("rows") == [ROWS] * HOURS


def test_it_is_what_a_file_of_these_rows_would_be(flow: Flow, tmp_path: Path) -> None:
    """The reference is that of a file with the first rows by event time, to its fingerprint."""
    first = sorted(flowing(), key=lambda each: each["timestamp"])[:WANTED]
    write_log(tmp_path / "reference.jsonl", first)
    told = {body["reference"]["id"] for body in flow.told.windows[GATHERED:]}
    assert told == {load_judge(flow.plan, tmp_path / "reference.jsonl").reference.id}


def test_drift_from_it_is_found(tmp_path: Path) -> None:
    """A stream that leaves its own first days is paged, and the column is named."""
    write_log(tmp_path / "log.jsonl", flowing(70))
    told = replayed(plan_of(tmp_path, reference=ReferenceSettings(rows=60 * ROWS)))
    assert [(alert["reason"], alert["columns"]) for alert in told.alerts] == [("first_time", ["amount"])]


@pytest.mark.parametrize("block_bytes", [3000, 50_000])
def test_blocks_change_nothing(flow: Flow, block_bytes: int) -> None:
    """However much is read at once, the same rows are the reference, and all that follows is the same, bit for bit."""
    assert replayed(flow.plan, block_bytes=block_bytes) == flow.told


def test_a_store_changes_nothing(flow: Flow, state: State) -> None:
    """A daemon tells what a replay tells."""
    assert passed(flow.plan, state, block_bytes=30_000) == flow.told


@pytest.mark.parametrize(("block_bytes", "every"), [(30_000, 2), (9000, 7)])
def test_restarts_change_nothing(flow: Flow, state: State, block_bytes: int, every: int) -> None:
    """However often the process is killed while rows are gathered and after, all is told once and alike."""
    assert disturbed(flow.plan, state, block_bytes, every) == flow.told


def test_it_stays_when_the_log_is_gone(flow: Flow, state: State) -> None:
    """The rows are kept: a new process has the same reference though the files that held them are removed."""
    passed(flow.plan, state)
    gone = plan_of(state.directory / "elsewhere", reference=flow.plan.reference)
    pipeline = Pipeline(gone, state)
    judge = pipeline.references.judge("1")
    pipeline.close()
    assert judge is not None
    assert judge.reference.id == flow.told.windows[-1]["reference"]["id"]


def test_another_number_of_rows_makes_it_anew(flow: Flow, state: State) -> None:
    """A config that asks for more rows lets go of the reference, and says that another is being made."""
    passed(flow.plan, state)
    more = plan_of(flow.plan.root, reference=ReferenceSettings(rows=WANTED + 1))
    pipeline = Pipeline(more, state)
    pipeline.close()
    assert pipeline.references.judge("1") is None
    assert pipeline.references.wanted_rows("1") == WANTED + 1
    assert Pipeline(flow.plan, state).references.judge("1") is not None


def test_a_file_in_its_place_lets_go_of_the_rows(tmp_path: Path, state: State) -> None:
    """Where the config asks for a file again, the rows that were held go with the next close."""
    write_log(tmp_path / "log.jsonl", World(seed=1).hours(0, 4))
    passed(plan_of(tmp_path, reference=ReferenceSettings(rows=9 * ROWS)), state)
    write_log(tmp_path / "reference.jsonl", World(seed=1).hours(-30, 30))
    write_log(tmp_path / "log.jsonl", World(seed=1).hours(4, 2))
    told = passed(plan_of(tmp_path, reference=ReferenceSettings(path="reference.jsonl")), state)
    with state.read() as connection:
        assert not [name for _, name in load_memory(connection, "shop") if name.startswith("gathered")]
    assert [body["reference"]["rows"] for body in told.windows] == [30 * ROWS] * 2


def test_sampled_rows_are_those_that_count(tmp_path: Path) -> None:
    """With a tenth of the rows sampled it is made of sampled rows alone, whatever is read at once."""
    write_log(tmp_path / "log.jsonl", disordered(flowing(30)))
    changes: Json = {"sampling": SamplingSettings(rate=0.5), "window": WINDOW.model_copy(update={"min_rows": 10})}
    plan = plan_of(tmp_path, reference=ReferenceSettings(rows=10 * ROWS), **changes)
    told = replayed(plan, block_bytes=4000)
    assert told == replayed(plan)
    gathered = told.column("calibration_why").count("gathering_reference")
    assert 18 <= gathered <= 22
    assert told.windows[-1]["reference"]["rows"] == 10 * ROWS


def test_each_version_has_its_own(tmp_path: Path) -> None:
    """A version that comes later gathers its own first rows, while the one before is judged."""
    old, new = flowing(30), list(World(seed=2, shift=3.0, version="2").hours(20, 20))
    both = sorted([*old, *new], key=lambda each: each["timestamp"])
    write_log(tmp_path / "log.jsonl", both)
    plan = plan_of(tmp_path, reference=ReferenceSettings(rows=8 * ROWS))
    told = replayed(plan, block_bytes=10_000)
    assert told == replayed(plan)
    named = {v: [b["reference"] is not None for b in told.windows if b["version"] == v] for v in "12"}
    assert named["1"][:8] == [False] * 8
    assert all(named["1"][8:])
    assert named["2"] == [False] * 8 + [True] * 12


def test_one_version_of_a_map_may_be_made(tmp_path: Path) -> None:
    """Version 1 has its file, version 2 is held to its own first rows."""
    write_log(tmp_path / "reference.jsonl", World(seed=1).hours(-30, 30))
    write_log(tmp_path / "log.jsonl", [*World(seed=1).hours(0, 5), *World(seed=2, version="2").hours(5, 12)])
    by_version = {"1": ReferenceSettings(path="reference.jsonl"), "2": ReferenceSettings(rows=6 * ROWS)}
    told = replayed(plan_of(tmp_path, reference=by_version), block_bytes=8000)
    rows = {v: [b["reference"] and b["reference"]["rows"] for b in told.windows if b["version"] == v] for v in "12"}
    assert set(rows["1"]) == {30 * ROWS}
    assert rows["2"] == [None] * 6 + [6 * ROWS] * 6


def test_a_retired_version_lets_go_of_its_rows(tmp_path: Path, state: State) -> None:
    """Rows of a version that was followed before there were enough are no longer held."""
    log = [*World(seed=1).hours(0, 3), *World(seed=2, version="2").hours(3, 8)]
    write_log(tmp_path / "log.jsonl", log)
    plan = plan_of(tmp_path, reference=ReferenceSettings(rows=6 * ROWS))
    told = passed(plan, state, block_bytes=8000)
    assert told.retired == ["1"]
    pipeline = Pipeline(plan, state)
    pipeline.close()
    assert pipeline.model.gathered == {}
    with state.read() as connection:
        assert not [name for _, name in load_memory(connection, "shop") if name.startswith("gathered")]


def test_a_window_with_rows_of_the_reference_is_not_judged(tmp_path: Path) -> None:
    """Where windows of three hours end each hour, the first that is judged begins where the reference was frozen."""
    write_log(tmp_path / "log.jsonl", flowing(20))
    window = WindowSettings(length=WINDOW.every * 3, every=WINDOW.every, min_rows=30)
    told = replayed(plan_of(tmp_path, reference=ReferenceSettings(rows=5 * ROWS), window=window), block_bytes=9000)
    judged = [body["start"] for body in told.windows if body["reference"] is not None]
    assert judged[0] == "2026-01-05T05:00:00Z"
    assert told == replayed(plan_of(tmp_path, reference=ReferenceSettings(rows=5 * ROWS), window=window))


def as_csv(path: Path, records: list[Json]) -> None:
    """Write records as a flat file of CSV."""
    with path.open("w", newline="") as file:
        rows = [flat(record) for record in records]
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def as_parquet(path: Path, records: list[Json]) -> None:
    """Write records as Parquet, nested, with instants as such."""
    table = pa.Table.from_pylist(records)
    times = pa.array([from_text(each["timestamp"]) for each in records], pa.int64()).cast(pa.timestamp("us", "UTC"))
    pq.write_table(table.set_column(0, "timestamp", times), path)


def flat(record: Json) -> Json:
    """Return a record with dotted names."""
    inputs = {f"inputs.{name}": value for name, value in record["inputs"].items()}
    return {name: value for name, value in record.items() if name != "inputs"} | inputs


@pytest.mark.parametrize(("suffix", "write"), [("csv", as_csv), ("parquet", as_parquet)])
def test_every_format_gives_the_same(tmp_path: Path, suffix: str, write: Callable[[Path, list[Json]], None]) -> None:
    """From CSV and Parquet the same rows make a reference that judges as that of JSON lines does."""
    records = list(World(seed=1).hours(0, 20))
    write_log(tmp_path / "log.jsonl", records)
    write(tmp_path / f"log.{suffix}", records)
    told = {}
    for kind in ("jsonl", suffix):
        settings = flow_settings(kind)
        told[kind] = replayed(plan_of(tmp_path, reference=ReferenceSettings(rows=10 * ROWS), records=settings))
    assert judged(told[suffix]) == judged(told["jsonl"])


def flow_settings(suffix: str) -> Any:
    """Return the one source of a format."""
    return (FilesSettings(path=f"log.{suffix}"),)


def judged(told: Told) -> list[Any]:
    """Return what windows say of columns."""
    return [[(c["name"], c["kind"], c["distance"], c["threshold"]) for c in body["columns"]] for body in told.windows]


def test_rows_that_give_no_reference_are_told(tmp_path: Path) -> None:
    """Where the log has no column to watch, why the reference cannot be used is known, and nothing is judged."""
    bare = [{key: each[key] for key in ("timestamp", "request_id", "model_version")} for each in World().hours(0, 5)]
    write_log(tmp_path / "log.jsonl", bare)
    pipeline = Pipeline(plan_of(tmp_path, reference=ReferenceSettings(rows=60)), event_clock=True)
    windows = [body for closed in [*pipeline.step(0), *pipeline.flush(0)] for body in closed.windows]
    pipeline.close()
    error = pipeline.references.faults["1"]
    assert isinstance(error, ReferenceUnusable)
    assert error.code == "E165"
    assert {body["why"] for body in windows} == {"no_reference"}


def test_a_record_with_a_key_twice_is_left_out(tmp_path: Path) -> None:
    """One line that no table can hold does not spoil the reference."""
    records = list(World(seed=1).hours(0, 8))
    write_log(tmp_path / "log.jsonl", records)
    lines = (tmp_path / "log.jsonl").read_text().splitlines(keepends=True)
    lines[5] = lines[5].replace('"count":', '"count":1,"count":')
    (tmp_path / "log.jsonl").write_text("".join(lines))
    told = replayed(plan_of(tmp_path, reference=ReferenceSettings(rows=3 * ROWS)))
    assert told.windows[-1]["reference"]["rows"] == 3 * ROWS - 1
    assert json.loads(lines[4])
