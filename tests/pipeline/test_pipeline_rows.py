"""What becomes of every row: counted, refused, late, of the future, or kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.instant import from_text, to_text
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.keeping import kept_of
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.tally import Limits
from monitor.reference import ReferenceSettings
from monitor.sampling import SamplingSettings, id_hashes
from monitor.store.database import State
from monitor.store.segment import load_rows, segments
from tests.passes import Told, counted, counts_of, opened, passed, replayed
from tests.worlds import BEGIN, HOUR, Json, World, plan_of, write_log, write_reference

BLOCKS = (3000, 2**20)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder with a reference."""
    write_reference(tmp_path / "reference.parquet")
    return tmp_path


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state of the test's own."""
    with opened(tmp_path) as state:
        yield state


def limited(plan: ModelPlan, state: State, newest: int, block_bytes: int) -> Told:
    """Return what a pass tells in which records stamped after an instant are of the future."""
    pipeline, told = Pipeline(plan, state, block_bytes=block_bytes), Told()
    for closed in pipeline.step(newest, Limits(newest=newest)):
        told.add(closed)
    pipeline.close()
    return counted(told, state)


@pytest.mark.parametrize("block_bytes", BLOCKS)
def test_every_line_is_accounted_for(root: Path, state: State, block_bytes: int) -> None:
    """What was written is accepted, late or rejected; each is counted once, in the store too."""
    records = list(World(seed=1).hours(0, 6))
    log = root / "log.jsonl"
    write_log(log, records[:200])
    with log.open("a") as file:
        file.write('{"torn\n[1,2]\n{"timestamp":"never"}\n{"no":"time"}\n')
    write_log(log, World(seed=5, rows=7).hour(BEGIN))  # hours late
    write_log(log, records[200:])
    told = passed(plan_of(root), state, block_bytes=block_bytes)
    rejected = {"json_syntax": 1, "not_object": 1, "timestamp_invalid": 1, "timestamp_missing": 1}
    assert (told.accepted, told.late, told.rejected) == (len(records), 7, rejected)
    assert len(log.read_text().splitlines()) == told.accepted + told.late + sum(told.rejected.values())
    assert sum(told.column("rows")) == told.accepted


@pytest.mark.parametrize("block_bytes", BLOCKS)
def test_a_stamp_of_the_future_is_set_aside_alone(root: Path, state: State, block_bytes: int) -> None:
    """One record stamped next year closes no window, and makes no later record late."""
    records = list(World(seed=1).hours(0, 6))
    forged = records[100] | {"timestamp": to_text(BEGIN + 9000 * HOUR)}
    write_log(root / "log.jsonl", [*records[:100], forged, *records[100:]])
    told = limited(plan_of(root), state, BEGIN + 6 * HOUR, block_bytes)
    assert (told.accepted, told.late, told.rejected) == (len(records), 0, {"timestamp_future": 1})
    assert told.column("rows") == [60] * 5


@pytest.mark.parametrize("block_bytes", BLOCKS)
def test_a_clock_that_was_never_set_opens_no_window(root: Path, state: State, block_bytes: int) -> None:
    """Records of 1970, even the first of a log, are set aside alone: no window is closed for the years since."""
    records = list(World(seed=1).hours(0, 6))
    unset = [record | {"timestamp": f"1970-01-01T00:00:{place:02}Z"} for place, record in enumerate(records[:50])]
    write_log(root / "log.jsonl", [*unset, *records])
    told = limited(plan_of(root), state, BEGIN + 6 * HOUR, block_bytes)
    assert (told.accepted, told.late, told.rejected) == (len(records), 0, {"timestamp_early": 50})
    assert told.column("rows") == [60] * 5


def test_a_file_of_the_future_alone_holds_nothing(root: Path, state: State) -> None:
    """Where all rows are of the future nothing is accepted, and what comes afterwards is on time."""
    write_log(root / "log.jsonl", [record | {"timestamp": "2100-01-01T00:00:00Z"} for record in World().hour(BEGIN)])
    plan = plan_of(root)
    assert limited(plan, state, BEGIN + HOUR, 2**20).accepted == 0
    write_log(root / "log.jsonl", World(seed=1).hours(0, 3))
    told = limited(plan, state, BEGIN + 3 * HOUR, 2**20)
    assert (told.accepted, told.late) == (180, 0)


def test_a_replay_sets_nothing_aside(root: Path) -> None:
    """History has no now: only its own order says what is late."""
    write_log(root / "log.jsonl", World(seed=1).hours(0, 3))
    assert replayed(plan_of(root)).rejected == {}


def test_stragglers_within_the_lateness_are_on_time(root: Path) -> None:
    """A row of the hour before counts until the watermark, five minutes behind, has passed the hour's end."""
    first, second = World(seed=1).hour(BEGIN), World(seed=1).hour(BEGIN + HOUR)
    straggler = [World(seed=2).hour(BEGIN)[0] | {"timestamp": to_text(BEGIN + HOUR - 1)}]
    early = [record for record in second if from_text(record["timestamp"]) < BEGIN + HOUR + 300_000_000]
    rest = second[len(early) :]
    assert early
    write_log(root / "log.jsonl", [*first, *early, *straggler, *rest[:1], *straggler, *rest[1:]])
    told = replayed(plan_of(root))
    assert (told.accepted, told.late) == (len(first) + len(second) + 1, 1)


def test_sampling_profiles_a_share_and_accepts_all(root: Path, state: State) -> None:
    """Every record is accepted; those whose id hashes low are profiled, and the same ones always."""
    records = write_log(root / "log.jsonl", World(seed=1, rows=200).hours(0, 4))
    told = passed(plan_of(root, sampling=SamplingSettings(rate=0.5)), state)
    hashes = id_hashes(record["request_id"] for record in records)
    expected = int((hashes < 2**63).sum())
    assert (told.accepted, told.sampled) == (len(records), expected)
    assert sum(told.column("rows")) == expected


def kept_ids(state: State, most: int) -> list[tuple[int, str]]:
    """Return hour and id of the rows that are kept."""
    with state.read() as connection:
        named = segments(connection, "shop", 0, 10**18)
    table = load_rows(state.directory, named, 0, 10**18).table
    assert table is not None
    rows: list[dict[str, Any]] = kept_of(table, HOUR, most).to_pylist()
    return sorted((row["timestamp"] // HOUR, row["id"]) for row in rows)


def expected_ids(records: list[Json], most: int) -> list[tuple[int, str]]:
    """Return hour and id of the rows with the smallest hashes of each hour."""
    hours: dict[int, list[tuple[int, str]]] = {}
    for record, hash_ in zip(records, id_hashes(r["request_id"] for r in records).tolist(), strict=True):
        hours.setdefault(from_text(record["timestamp"]) // HOUR, []).append((hash_, record["request_id"]))
    return sorted((hour, id_) for hour, rows in hours.items() for _, id_ in sorted(rows)[:most])


@pytest.mark.parametrize("block_bytes", BLOCKS)
@pytest.mark.parametrize("most", [1, 10, 1000])
def test_the_smallest_hashes_of_each_window_are_kept(root: Path, state: State, block_bytes: int, most: int) -> None:
    """However the log was cut, exactly ``rows_per_window`` rows are kept of each hour, those with the smallest hash."""
    records = write_log(root / "log.jsonl", World(seed=1).hours(0, 4))
    passed(plan_of(root, rows_per_window=most), state, block_bytes=block_bytes)
    assert kept_ids(state, most) == expected_ids(records, most)


def test_no_rows_are_kept_where_none_are_wanted(root: Path, state: State) -> None:
    """``rows_per_window: 0`` writes no file."""
    write_log(root / "log.jsonl", World(seed=1).hours(0, 2))
    passed(plan_of(root, rows_per_window=0), state)
    assert not list((state.directory).glob("rows/**/*.parquet"))


def test_kept_rows_hold_what_was_logged(root: Path, state: State) -> None:
    """A kept row has the values, version and latency of its record."""
    records = {record["request_id"]: record for record in write_log(root / "log.jsonl", World(seed=1).hours(0, 1))}
    passed(plan_of(root, rows_per_window=5), state)
    with state.read() as connection:
        named = segments(connection, "shop", 0, 10**18)
    table = load_rows(state.directory, named, 0, 10**18).table
    assert table is not None
    for row in table.to_pylist():
        record = records[row["id"]]
        assert row["timestamp"] == from_text(record["timestamp"])
        assert {name: row[name] for name in record["inputs"]} == record["inputs"]
        assert (row["version"], row["score"]) == (record["model_version"], record["score"])
        assert row["latency"] == pytest.approx(record["latency_ms"] / 1000)


@pytest.mark.parametrize("name", ["timestamp", "id", "version", "latency"])
def test_features_may_have_any_name(root: Path, state: State, name: str) -> None:
    """A feature called version, id, timestamp or latency is a feature: the record's own stand where they stood."""
    plain = World(seed=1)
    odd = [
        record | {"inputs": record["inputs"] | {name: float(i % 7)}} for i, record in enumerate(plain.hours(-60, 60))
    ]
    write_log(root / "odd.jsonl", odd)
    log = [record | {"inputs": record["inputs"] | {name: float(i % 7)}} for i, record in enumerate(plain.hours(0, 3))]
    write_log(root / "log.jsonl", log)
    told = passed(plan_of(root, reference=ReferenceSettings(path="odd.jsonl")), state)
    assert told.column("rows") == [60] * 3
    assert {body["version"] for body in told.windows} == {"1"}
    assert name in {column["name"] for column in told.windows[0]["columns"]}
    assert told.windows[0]["latency_seconds"]["p50"] == pytest.approx(0.0015, rel=0.1)


def test_targets_are_kept_and_counted(root: Path, state: State) -> None:
    """The last target of an id is kept; each line is counted under targets."""
    write_log(root / "log.jsonl", World(seed=1).hours(0, 1))
    (root / "targets.jsonl").write_text(
        '{"request_id":"a","target":0,"timestamp":"2026-01-05T00:10:00Z"}\n'
        '{"request_id":"a","target":1,"timestamp":"2026-01-05T00:20:00Z"}\n'
        '{"target":1}\n'
    )
    plan = plan_of(root, targets=plan_of(root).records[0].model_copy(update={"path": "targets.jsonl"}))
    passed(plan, state)
    found = counts_of(state, "targets")
    assert (found.accepted, dict(found.rejected)) == (2, {"id_missing": 1})
