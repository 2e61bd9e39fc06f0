"""A reference that follows the stream: when it is made anew, of what, when not; and that nothing else matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.calibration.gates import Uncalibrated
from monitor.pipeline.compiling import load_judge
from monitor.pipeline.cycle import Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.renewing import renewal
from monitor.reference import ReferenceSettings
from monitor.sampling import SamplingSettings
from monitor.store.audit import list_entries, verify
from monitor.store.database import State
from monitor.store.memory import load_memory
from monitor.store.reference import list_references, load_reference
from tests.passes import WALL, Told, disturbed, opened, passed, replayed
from tests.pipeline.test_made_references import disordered
from tests.worlds import BEGIN, HOUR, ROWS, WINDOW, Json, World, plan_of, write_log

LENGTH, HOURS = 12, 40


def rolling(hours: int = LENGTH) -> ReferenceSettings:
    """Return settings of a reference made of the last hours."""
    return ReferenceSettings(rolling=timedelta(hours=hours))


def season(hours: int) -> ReferenceSettings:
    """Return settings of a reference made of the last eight periods."""
    return ReferenceSettings(season=timedelta(hours=hours))


def stream(hours: int, *drifts: range) -> list[Json]:
    """Return a log, a little out of order, whose amount drifts in some hours; one row has no id."""
    worlds = [World(seed=1, shift=2.0 * any(hour in each for each in drifts)) for hour in range(hours)]
    records = [record for hour, world in enumerate(worlds) for record in world.hour(BEGIN + hour * HOUR)]
    del records[90]["request_id"]
    return disordered(records)


def references(told: Told, version: str = "1") -> list[tuple[int, int | None]]:
    """Return the rows of the references that a version's windows name, one after the other, and by how many."""
    found: list[list[Any]] = []
    for body in told.windows:
        if body["version"] == version:
            named = body["reference"]
            if not found or found[-1][2] != named:
                found.append([0, named and named["rows"], named])
            found[-1][0] += 1
    return [(windows, rows) for windows, rows, _ in found]


@dataclass(frozen=True, slots=True)
class Flow:
    """A folder with a log and no reference, and what an undisturbed replay tells."""

    plan: ModelPlan
    told: Told


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    """Give a log that is three references and a third long."""
    root = tmp_path_factory.mktemp("flow")
    write_log(root / "log.jsonl", stream(HOURS))
    plan = plan_of(root, reference=rolling())
    return Flow(plan, replayed(plan))


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    """Give a log with a drift that begins before the reference is due, and ends after."""
    root = tmp_path_factory.mktemp("drifted")
    write_log(root / "log.jsonl", stream(140, range(112, 125)))
    plan = plan_of(root, reference=rolling(60))
    return Flow(plan, replayed(plan))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Lend a state of the test's own."""
    with opened(tmp_path) as state:
        yield state


def test_it_is_made_anew_each_time_its_length_has_passed(flow: Flow) -> None:
    """The first windows wait; then each twelve are held to the twelve before them."""
    whole = LENGTH * ROWS
    assert references(flow.told) == [(12, None), (12, whole), (12, whole), (4, whole)]
    assert flow.told.column("calibration_why")[:LENGTH] == ["gathering_reference"] * LENGTH
    assert flow.told.column("rows") == [ROWS] * HOURS


def test_it_is_what_a_file_of_these_hours_would_be(flow: Flow, tmp_path: Path) -> None:
    """The second reference is that of a file with the rows of its stretch, to its fingerprint."""
    lines = [each for hour in range(LENGTH, 2 * LENGTH) for each in World(seed=1).hour(BEGIN + hour * HOUR)]
    write_log(tmp_path / "reference.jsonl", sorted(lines, key=lambda each: each["timestamp"]))
    named = flow.told.windows[2 * LENGTH]["reference"]["id"]
    assert named == load_judge(flow.plan, tmp_path / "reference.jsonl").reference.id


def test_evidence_begins_anew_with_it(flow: Flow) -> None:
    """What was seen against the reference before is no evidence against this one."""
    evidence = flow.told.column("evidence")
    assert evidence[2 * LENGTH] < evidence[2 * LENGTH - 1]


@pytest.mark.parametrize("block_bytes", [3000, 30_000])
def test_blocks_change_nothing_of_renewals(flow: Flow, block_bytes: int) -> None:
    """However much is read at once, all that is told is the same, bit for bit."""
    assert replayed(flow.plan, block_bytes=block_bytes) == flow.told


def test_restarts_change_nothing_of_renewals(flow: Flow, state: State) -> None:
    """However often the process is killed before, at and after a renewal, all is told once and alike."""
    assert disturbed(flow.plan, state, 30_000, 2) == flow.told


def test_windows_across_a_renewal_are_measured_from_it(tmp_path: Path, state: State) -> None:
    """Where windows overlap none is left out: those that began before count all rows, and compare the later ones."""
    write_log(tmp_path / "log.jsonl", stream(30))
    window = WINDOW.model_copy(update={"length": WINDOW.every * 3})
    plan = plan_of(tmp_path, reference=rolling(), window=window)
    told = replayed(plan, block_bytes=9000)
    assert told == disturbed(plan, state, 20_000, 3)
    across = next(body for body in told.windows if body["start"] == "2026-01-05T22:00:00Z")
    later = [each["inputs"]["amount"] for each in World(seed=1).hour(BEGIN + 24 * HOUR)]
    amount = next(each for each in across["columns"] if each["name"] == "amount")
    assert across["rows"] == 3 * ROWS
    assert amount["current"]["mean"] == pytest.approx(np.mean([each for each in later if each is not None]), abs=0.01)
    assert all(body["evidence"] is not None for body in told.windows if body["start"] >= "2026-01-05T12:00:00Z")


def test_it_stays_while_drift_is_told(drifted: Flow) -> None:
    """A reference that falls due while the drift alert fires is made anew only once that has ended."""
    assert [alert["reason"] for alert in drifted.told.alerts] == ["first_time", "resolved"]
    windows = [windows for windows, _ in references(drifted.told)]
    resolved = drifted.told.alerts[1]["at"]
    assert windows[:2] == [60, 67]
    assert resolved == "2026-01-10T07:05:00Z"


def test_hours_of_a_drift_that_was_told_are_not_learnt(drifted: Flow) -> None:
    """The reference after it lacks the rows from where the drift began to where it ended."""
    rows = [rows for _, rows in references(drifted.told)]
    assert rows[2] == (60 - 13 - 1) * ROWS


@pytest.mark.long
def test_a_drift_across_a_renewal_is_told_alike_after_kills(drifted: Flow, state: State) -> None:
    """Killed while the reference is kept back, it tells the same."""
    assert disturbed(drifted.plan, state, 60_000, 5) == drifted.told


def test_a_gap_keeps_the_reference(tmp_path: Path) -> None:
    """After a silence longer than its length it stays until half as many hours are held as it was made of."""
    write_log(
        tmp_path / "log.jsonl", [*stream(20), *(r for h in range(60, 80) for r in World().hour(BEGIN + h * HOUR))]
    )
    pipeline = Pipeline(plan_of(tmp_path, reference=rolling()), event_clock=True)
    closed = [*pipeline.step(0), *pipeline.flush(0)]
    pipeline.close()
    said = [(body["event"], body["until"], body.get("why")) for each in closed for body in each.references]
    assert said[:3] == [
        ("reference_made", "2026-01-05T12:00:00Z", None),
        ("reference_renewed", "2026-01-06T00:00:00Z", None),
        ("reference_kept", "2026-01-06T12:00:00Z", "too_few_steps"),
    ]
    renewed = [at for event, at, _ in said[3:] if event == "reference_renewed"]
    assert renewed == ["2026-01-07T18:00:00Z", "2026-01-08T06:00:00Z"]


def test_sampled_rows_make_it(tmp_path: Path) -> None:
    """Where half of the rows are sampled it is made of these, whatever is read at once, ids or none."""
    records = [{**each, "request_id": None} if place % 5 == 0 else each for place, each in enumerate(stream(26))]
    write_log(tmp_path / "log.jsonl", records)
    changes: Json = {"sampling": SamplingSettings(rate=0.5), "window": WINDOW.model_copy(update={"min_rows": 10})}
    plan = plan_of(tmp_path, reference=rolling(), **changes)
    told = replayed(plan, block_bytes=4000)
    assert told == replayed(plan)
    assert all(300 < rows < 420 for _, rows in references(told)[1:] if rows is not None)


def test_each_version_follows_its_own(tmp_path: Path, state: State) -> None:
    """In a map by version one has its first rows, the other its last hours; a third, which it does not name, none."""
    worlds = [(World(seed=1), range(16)), (World(seed=2, version="2"), range(6, 34))]
    log = [record for world, hours in worlds for hour in hours for record in world.hour(BEGIN + hour * HOUR)]
    log += World(seed=3, version="3").hours(30, 4)
    write_log(tmp_path / "log.jsonl", sorted(log, key=lambda each: each["timestamp"]))
    plan = plan_of(tmp_path, reference={"1": ReferenceSettings(rows=5 * ROWS), "2": rolling()})
    told = replayed(plan, block_bytes=20_000)
    assert told == disturbed(plan, state, 30_000, 4)
    assert references(told, "2") == [(12, None), (12, 12 * ROWS), (4, 12 * ROWS)]
    assert {rows for _, rows in references(told, "3")} == {None}


@pytest.mark.long
def test_a_version_that_returns_is_held_to_its_last_reference(tmp_path: Path, state: State) -> None:
    """It is judged at once by the reference that it had, and that is made anew of what comes from then on."""
    second = World(seed=2, version="2").hours(18, 8)
    write_log(tmp_path / "log.jsonl", [*World(seed=1).hours(0, 18), *second, *World(seed=1).hours(26, 16)])
    plan = plan_of(tmp_path, reference=rolling(10))
    told = replayed(plan, block_bytes=20_000)
    assert told == disturbed(plan, state, 30_000, 4)
    assert told.retired[0] == "1"
    after = [body for body in told.windows if body["version"] == "1" and body["start"] >= "2026-01-06T02:00:00Z"]
    assert [body["reference"]["id"] == after[0]["reference"]["id"] for body in after] == [True] * 10 + [False] * 6


def test_a_season_is_shown_and_pages_nobody_before_seven_are_held(tmp_path: Path) -> None:
    """Made anew once a period of ever more of them, up to eight, it is calibrated from seven on."""
    write_log(tmp_path / "log.jsonl", stream(80))
    told = replayed(plan_of(tmp_path, reference=season(8)))
    rows = [rows for _, rows in references(told)]
    assert rows == [None, *(8 * ROWS * periods for periods in (1, 2, 3, 4, 5, 6, 7, 8, 8))]
    whys = told.column("calibration_why")
    assert None not in whys[: 7 * 8]
    assert whys[7 * 8 :] == [None] * (80 - 56)


def test_too_few_seasons_are_no_promise(tmp_path: Path, state: State) -> None:
    """Where the engine would promise something, fewer than seven of the period that was named forbid it."""
    write_log(tmp_path / "log.jsonl", stream(66))
    plan = replace(plan_of(tmp_path, reference=season(60)))
    told = passed(plan, state)
    assert told.windows[-1]["calibration_why"] == Uncalibrated.TOO_FEW_CYCLES
    assert load_judge_of(plan, state) == "too_few_cycles"


def load_judge_of(plan: ModelPlan, state: State) -> str | None:
    """Return why a new process says that the reference in the state is not calibrated."""
    pipeline = Pipeline(plan, state)
    pipeline.close()
    judge = pipeline.references.judge("1")
    return None if judge is None else judge.why


def test_each_renewal_is_on_record(flow: Flow, state: State) -> None:
    """The audit names each reference and the one before it, in an unbroken chain; only the last has its rows."""
    passed(flow.plan, state)
    with state.read() as connection:
        entries = list_entries(connection)[0][::-1]
        kept = [load_reference(connection, "shop", "1", each.id) for each in list_references(connection, "shop")]
        assert verify(connection).why is None
    assert [entry.what for entry in entries] == ["reference_made", "reference_renewed", "reference_renewed"]
    assert [entry.detail["before"] for entry in entries[1:]] == [entry.detail["id"] for entry in entries[:-1]]
    assert sorted(bool(each and each.payload) for each in kept) == [False, False, True]


def test_another_length_makes_it_anew(flow: Flow, state: State) -> None:
    """A config that asks for another length lets go of the reference and of what was held, and gathers."""
    passed(flow.plan, state)
    other = replace(flow.plan, reference=rolling(LENGTH + 1))
    pipeline = Pipeline(other, state)
    pipeline.close()
    assert pipeline.references.judge("1") is None
    assert pipeline.model.gathered == {}
    assert pipeline.references.why_unjudged(["1"]) == "gathering_reference"


def test_a_file_in_its_place_lets_go_of_what_was_held(tmp_path: Path, state: State) -> None:
    """Where the config asks for a file again, the rows that were held go with the next close."""
    write_log(tmp_path / "log.jsonl", World(seed=1).hours(0, 4))
    passed(plan_of(tmp_path, reference=rolling()), state)
    write_log(tmp_path / "reference.jsonl", World(seed=1).hours(-30, 30))
    write_log(tmp_path / "log.jsonl", World(seed=1).hours(4, 2))
    passed(plan_of(tmp_path, reference=ReferenceSettings(path="reference.jsonl")), state)
    with state.read() as connection:
        names = {name.partition(":")[0] for _, name in load_memory(connection, "shop")}
    assert not names & {"gathered", "held", "trail"}


def test_what_is_due_is_told(flow: Flow, state: State) -> None:
    """When the reference was made and is to be made anew is known, and how long that has been due."""
    pipeline = Pipeline(flow.plan, state)
    for _ in pipeline.step(WALL):
        pass
    found = renewal(pipeline.model, "1")
    pipeline.close()
    assert found is not None
    assert (found["made_at"], found["due_at"]) == ("2026-01-06T12:00:00Z", "2026-01-07T00:00:00Z")
    assert found["why"] is None
