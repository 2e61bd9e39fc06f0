"""Several versions of a model: each has its reference, its windows and its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.by_rule import ByRule
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.tally import Limits
from monitor.reference import ReferenceSettings
from monitor.store.database import State
from tests.passes import WALL, Told, kept_alerts, opened, passed, replayed
from tests.worlds import BEGIN, HOUR, Json, World, plan_of, reference_table, write_log, write_reference

SLOT = ReferenceSettings(path="reference-{version}.parquet")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state of the test's own."""
    with opened(tmp_path) as state:
        yield state


def handover(root: Path) -> list[Json]:
    """Write two references and a log: version 1 drifts from the fifth hour on, version 2 serves from the ninth on."""
    write_reference(root / "reference-1.parquet")
    write_reference(root / "reference-2.parquet", World(shift=2.0))
    old = [record for hour in range(9) for record in World(seed=1, shift=2.0 * (hour >= 5)).hour(BEGIN + hour * HOUR)]
    return write_log(root / "log.jsonl", [*old, *World(seed=1, shift=2.0, version="2").hours(9, 7)])


def of_version(told: Told, version: str) -> list[Json]:
    """Return the windows of a version."""
    return [body for body in told.windows if body["version"] == version]


def test_each_version_is_held_to_its_own_reference(tmp_path: Path) -> None:
    """What drifted under version 1 is what version 2 was trained on."""
    handover(tmp_path)
    told = replayed(plan_of(tmp_path, reference=SLOT))
    ids = {version: {body["reference"]["id"] for body in of_version(told, version)} for version in "12"}
    assert all(len(found) == 1 for found in ids.values())
    assert ids["1"] != ids["2"]
    assert {body["verdict"] for body in of_version(told, "2")} == {"stable"}


def test_a_map_by_version_is_the_same(tmp_path: Path) -> None:
    """References named one by one give the very windows that a pattern gives."""
    handover(tmp_path)
    told = replayed(plan_of(tmp_path, reference=SLOT))
    named = {version: ReferenceSettings(path=f"reference-{version}.parquet") for version in "12"}
    assert replayed(plan_of(tmp_path, reference=named)).windows == told.windows


def test_a_version_that_the_map_lacks_is_not_judged(tmp_path: Path) -> None:
    """No version borrows the reference of another: its windows say that they have none."""
    handover(tmp_path)
    told = replayed(plan_of(tmp_path, reference={"1": ReferenceSettings(path="reference-1.parquet")}))
    assert {(body["verdict"], body["why"]) for body in of_version(told, "2")} == {("insufficient_data", "no_reference")}


def test_the_rule_of_a_map_is_for_versions_that_it_does_not_name(tmp_path: Path) -> None:
    """A new version has a reference of its own first rows, and the named one keeps its file."""
    handover(tmp_path)
    rule = ByRule({"1": ReferenceSettings(path="reference-1.parquet"), "*": ReferenceSettings(rows=120)})
    told = replayed(plan_of(tmp_path, reference=rule))
    made = [body["reference"] and body["reference"]["rows"] for body in of_version(told, "2")]
    assert (made[:2], made[-1]) == ([None, None], 120)
    assert {body["reference"]["rows"] for body in of_version(told, "1")} == {3600}


def test_a_version_that_was_followed_retires(tmp_path: Path) -> None:
    """After three windows without records, while another has some, version 1 has no more windows and its alert ends."""
    handover(tmp_path)
    told = replayed(plan_of(tmp_path, reference=SLOT))
    assert told.retired == ["1"]
    assert of_version(told, "1")[-1]["end"] == "2026-01-05T12:00:00Z"
    assert [(body["version"], body["state"], body["reason"]) for body in told.alerts] == [
        ("1", "firing", "first_time"),
        ("1", "resolved", "version_retired"),
    ]
    assert told.alerts[1]["id"] == told.alerts[0]["id"]
    assert told.alerts[1]["at"] == "2026-01-05T12:05:00Z"


def test_live_versions_share_the_budget(tmp_path: Path) -> None:
    """While two versions are live each has the double threshold; after the handover it is the plain one."""
    handover(tmp_path)
    told = replayed(plan_of(tmp_path, reference=SLOT))
    limits = {body["end"]: body["evidence_threshold"] for body in of_version(told, "2")}
    assert limits["2026-01-05T11:00:00Z"] == 2 * limits["2026-01-05T13:00:00Z"]


def test_a_handover_survives_restarts(tmp_path: Path, state: State) -> None:
    """A new process after each few batches tells the same, and keeps the alert's end."""
    handover(tmp_path)
    plan = plan_of(tmp_path, reference=SLOT)
    told, more = Told(), True
    while more:
        pipeline = Pipeline(plan, state, block_bytes=20_000)
        for _ in range(3):
            more = pipeline.read_records(WALL, Limits())
            for closed in pipeline.close_due(WALL, drained=not more):
                told.add(closed)
        pipeline.close()
    assert (told.windows, told.alerts) == _without_flush(replayed(plan), told)
    assert [body["state"] for body in kept_alerts(state)] == ["resolved"]


def _without_flush(whole: Told, told: Told) -> tuple[list[Json], list[Json]]:
    return whole.windows[: len(told.windows)], whole.alerts


def test_records_without_a_version_may_be_followed(tmp_path: Path, state: State) -> None:
    """A log that names its version only later retires the nameless one, and loses nothing at a restart."""
    write_reference(tmp_path / "reference.parquet")
    nameless = [
        {key: value for key, value in record.items() if key != "model_version"} for record in World(seed=1).hours(0, 3)
    ]
    write_log(tmp_path / "log.jsonl", [*nameless, *World(seed=1, version="2").hours(3, 6)])
    plan = plan_of(tmp_path)
    first = passed(plan, state, flush=False)
    assert first.retired == [""]
    write_log(tmp_path / "log.jsonl", World(seed=1, version="2").hours(9, 3))
    second = passed(plan, state)
    whole = replayed(plan)
    assert second.late == 0
    assert [*first.windows, *second.windows] == whole.windows
    assert whole.retired == [""]


def test_a_version_without_a_reference_is_counted_and_not_judged(tmp_path: Path) -> None:
    """Unknown is said: its windows have rows and no verdict."""
    write_reference(tmp_path / "reference-1.parquet")
    records = [
        record for hour in range(4) for v in "13" for record in World(seed=1, version=v).hour(BEGIN + hour * HOUR)
    ]
    write_log(tmp_path / "log.jsonl", sorted(records, key=lambda record: record["timestamp"]))
    told = replayed(plan_of(tmp_path, reference=SLOT))
    assert {(b["rows"], b["verdict"], b["why"], b["calibrated"]) for b in of_version(told, "3")} == {
        (60, "insufficient_data", "no_reference", False)
    }
    assert {body["verdict"] for body in of_version(told, "1")} == {"stable"}
    assert told.accepted == 480


def test_without_any_reference_nothing_is_read(tmp_path: Path, state: State) -> None:
    """Before the first reference it is not known what to read: the log waits, and is read once there is one."""
    write_log(tmp_path / "log.jsonl", World(seed=1).hours(0, 4))
    pipeline = Pipeline(plan_of(tmp_path, reference=SLOT), state)
    assert list(pipeline.step(WALL)) == []
    write_reference(tmp_path / "reference-1.parquet")
    told = Told()
    for closed in [*pipeline.step(WALL), *pipeline.flush(WALL)]:
        told.add(closed)
    pipeline.close()
    assert told.column("rows") == [60] * 4
    assert {body["verdict"] for body in told.windows} == {"stable"}


def test_a_reference_that_comes_later_judges_from_then_on(tmp_path: Path, state: State) -> None:
    """A version that was only counted is judged once its reference is there."""
    write_reference(tmp_path / "reference-1.parquet")
    plan = plan_of(tmp_path, reference=SLOT)
    write_log(tmp_path / "log.jsonl", World(seed=1, version="2").hours(0, 3))
    before = passed(plan, state)
    write_reference(tmp_path / "reference-2.parquet")
    write_log(tmp_path / "log.jsonl", World(seed=1, version="2").hours(3, 3))
    after = passed(plan, state)
    assert before.column("why") == ["no_reference"] * 3
    assert after.column("verdict") == ["stable"] * 3


def test_a_changed_reference_does_not_leave_an_alert_firing_for_ever(tmp_path: Path, state: State) -> None:
    """Where the culprit is no longer watched, or no longer drifts against a new reference, the alert resolves."""
    write_reference(tmp_path / "reference.parquet")
    write_log(tmp_path / "log.jsonl", World(seed=1, shift=2.0).hours(0, 4))
    assert passed(plan_of(tmp_path), state).alerts[0]["columns"] == ["amount"]
    excluding = plan_of(tmp_path)
    columns = excluding.columns.model_copy(update={"exclude": ["amount"]})
    write_log(tmp_path / "log.jsonl", World(seed=1, shift=2.0).hours(4, 4))
    told = passed(plan_of(tmp_path, columns=columns), state)
    assert [body["state"] for body in told.alerts] == ["resolved"]


def test_a_column_that_one_reference_has_no_value_of_is_read_as_the_other_says(tmp_path: Path) -> None:
    """A feature that version 1 never had a value of is numeric under version 2, whose windows are calm."""
    write_reference(tmp_path / "reference-2.parquet")
    table = reference_table()
    place = table.column_names.index("inputs.amount")
    empty = table.set_column(place, "inputs.amount", pa.nulls(table.num_rows, pa.string()))
    pq.write_table(empty, tmp_path / "reference-1.parquet")
    write_log(tmp_path / "log.jsonl", World(seed=1, version="2").hours(0, 4))
    told = replayed(plan_of(tmp_path, reference=SLOT))
    assert set(told.column("verdict")) == {"stable"}
    amount = next(column for column in told.windows[0]["columns"] if column["name"] == "amount")
    assert (amount["kind"], amount["verdict"]) == ("numeric", "stable")
