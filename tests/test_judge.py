"""The judge of one version."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from monitor.alert import AlertSettings
from monitor.budget import budget_steps, seasons
from monitor.comparison import ColumnDriftSettings, DriftSettings
from monitor.errors import ReferenceUnusable
from monitor.judge import (
    FINE_METHODS,
    Finding,
    Judge,
    Memory,
    compile_judge,
    expected_false_alarms,
    first_memory,
    forget,
    gather,
    judge_step,
)
from monitor.pipeline.intake import arrange
from monitor.profile import Profile, profile_rows
from monitor.record_layout import ColumnsSettings
from monitor.reference import ReferencePlan, compile_reference
from monitor.window import WindowSettings
from tests.worlds import BEGIN, HOUR, WINDOW, World, reference_table

STRETCH = BEGIN // HOUR


def judge_of(table: pa.Table, drift: DriftSettings | None = None, *, timed: bool = True) -> Judge:
    """Compile the judge of a table."""
    drift = drift or DriftSettings()
    plan = ReferencePlan("binary", ColumnsSettings(), WINDOW, drift, FINE_METHODS)
    times = np.asarray(table["timestamp"].combine_chunks().cast(pa.int64()).to_numpy()) if timed else None
    return compile_judge(compile_reference(table, times, plan), drift, AlertSettings(), WINDOW)


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Give the judge of a calm reference."""
    return judge_of(reference_table())


def profile_of(judge: Judge, records: list[dict[str, Any]]) -> Profile:
    """Return the profile of some records."""
    columns = judge.reference.layout.columns
    flat = {c.path: [_at(record, c.path) for record in records] for c in columns}
    table = pa.table({c.key: pa.array(flat[c.path], c.type) for c in columns})
    return profile_rows(table, judge.reference.binning, np.zeros(len(records), np.intp), 1)[0]


def _at(record: dict[str, Any], path: str) -> Any:
    return reduce(lambda found, part: found[part], path.split("."), record)


def hour(judge: Judge, number: int, **world: Any) -> Profile:
    """Return the profile of an hour after the reference."""
    return profile_of(judge, World(**world).hour(BEGIN + number * HOUR))


def stepped(
    judge: Judge, memory: Memory, number: int, *, frozen: bool = False, sharing: int = 1, **world: Any
) -> tuple[Memory, Finding]:
    """Judge an hour."""
    memory = gather(judge, memory, hour(judge, number, **world))
    return judge_step(judge, memory, STRETCH + number, frozen=frozen, sharing=sharing)


def test_every_column_with_cells_is_judged(judge: Judge) -> None:
    """Features and outputs, each by the method of its kind and with a threshold."""
    assert [entry.column.name for entry in judge.watched] == [
        "amount",
        "count",
        "carrier",
        "flag",
        "prediction",
        "score",
    ]
    assert [entry.method.name for entry in judge.watched if entry.column.name in ("amount", "carrier")] == [
        DriftSettings().numeric,
        DriftSettings().categorical,
    ]
    assert all(entry.threshold is not None and entry.threshold.known for entry in judge.watched)
    assert (judge.calibrated, judge.why) == (True, None)


def test_settings_reach_their_column() -> None:
    """Method, importance and tolerance of a column are its own."""
    own = ColumnDriftSettings(method="wasserstein", importance=3.0, tolerance=0.5)
    found = judge_of(reference_table(), DriftSettings(columns={"amount": own})).watched[0]
    assert (found.method.name, found.importance) == ("wasserstein", 3.0)
    assert found.threshold is not None
    assert found.threshold.least == 0.5


def test_nothing_to_judge_is_no_reference() -> None:
    """A reference of bytes alone cannot be judged."""
    table = pa.table({"timestamp": pa.array([0, 1], pa.timestamp("us")), "inputs.v": [b"\x00", b"\xff"]})
    with pytest.raises(ReferenceUnusable, match="no column of the reference can be judged"):
        judge_of(table)


def test_without_timestamps_there_is_no_engine() -> None:
    """The promise needs time; the columns are still compared."""
    found = judge_of(reference_table(), timed=False)
    assert (found.engine, found.why, found.calibrated) == (None, "no_timestamps", False)
    assert [entry.threshold for entry in found.watched] == [None] * 6
    memory = gather(found, first_memory(found), hour(found, 0))
    with pytest.raises(ValueError, match="engine"):
        judge_step(found, memory, STRETCH, frozen=False, sharing=1)


def test_ten_rows_do_not_calibrate() -> None:
    """A reference of one step promises nothing, and says why."""
    found = judge_of(reference_table(1).slice(0, 10))
    assert (found.calibrated, found.why) == (False, "too_few_blocks")
    assert not any(entry.threshold is not None and entry.threshold.known for entry in found.watched)


@pytest.mark.parametrize(
    ("rate", "share", "every", "steps"),
    [("1 per 30d", 0.5, 60, 1440), ("1 per 30d", 1.0, 60, 720), ("2 per 7d", 0.5, 15, 672), ("1 per 1d", 0.5, 1440, 2)],
)
def test_the_budget_is_counted_in_steps(rate: str, share: float, every: int, steps: int) -> None:
    """N is the steps of the period, over the pages allowed in it, over drift's share."""
    alerts = AlertSettings.model_validate({"false_alarms": rate, "share": {"drift": share}})
    length = timedelta(minutes=every)
    assert budget_steps(alerts, WindowSettings(length=length, every=length)) == pytest.approx(steps)


@pytest.mark.parametrize(("every", "found"), [(60, (24, 168)), (1440, (7,)), (7 * 1440, ()), (7, (1440,)), (11, ())])
def test_seasons_are_whole_days_and_weeks(every: int, found: tuple[int, ...]) -> None:
    """A day or a week that is no whole number of steps is no season."""
    length = timedelta(minutes=every)
    assert seasons(WindowSettings(length=length, every=length)) == found


def test_calm_hours_gather_no_evidence(judge: Judge) -> None:
    """Over two days without drift evidence stays under the root of the threshold."""
    memory = first_memory(judge)
    for number in range(48):
        memory, finding = stepped(judge, memory, number, seed=1)
    assert finding.evidence < finding.threshold**0.5


def test_a_drift_is_found_where_and_when_it_is(judge: Judge) -> None:
    """A shift of one column reaches the threshold, carried by that column, dated to its first hour."""
    memory = first_memory(judge)
    for number in range(10):
        memory, finding = stepped(judge, memory, number, seed=1, shift=1.0 if number >= 6 else 0.0)
    assert finding.evidence >= finding.threshold
    assert finding.culprits == ("amount",)
    assert finding.began is not None
    assert abs(finding.began - (STRETCH + 6)) <= 1
    assert "amount" not in finding.tolerated
    assert sum(memory.parts) == pytest.approx(memory.evidence)


def test_frozen_evidence_stays(judge: Judge) -> None:
    """While an alert fires a step tells its effects, and leaves evidence, parts and state as they are."""
    drifted, _ = stepped(judge, first_memory(judge), 0, shift=3.0)
    after, finding = stepped(judge, drifted, 1, frozen=True)
    assert (after.state, after.evidence, after.parts, after.began) == (
        drifted.state,
        drifted.evidence,
        drifted.parts,
        drifted.began,
    )
    assert finding.culprits == ("amount",)
    assert "amount" in finding.tolerated


def test_a_lasting_drift_is_not_tolerated(judge: Judge) -> None:
    """A culprit that is still three standard deviations away is not calm."""
    drifted, _ = stepped(judge, first_memory(judge), 0, shift=3.0)
    _, finding = stepped(judge, drifted, 1, frozen=True, shift=3.0)
    assert "amount" not in finding.tolerated


def test_a_culprit_without_a_value_is_not_tolerated(judge: Judge) -> None:
    """Where a step has no value to tell, nothing says that the drift is over."""
    drifted, _ = stepped(judge, first_memory(judge), 0, shift=3.0)
    gone = World().hour(BEGIN + HOUR)
    for record in gone:
        record["inputs"]["amount"] = None
    memory = gather(judge, drifted, profile_of(judge, gone))
    _, finding = judge_step(judge, memory, STRETCH + 1, frozen=True, sharing=1)
    assert "amount" not in finding.tolerated
    assert "count" in finding.tolerated


def test_a_step_may_be_gathered_in_parts(judge: Judge) -> None:
    """Rows that came in three stretches are judged as one step, bit for bit."""
    records = World(seed=2).hour(BEGIN)
    memory = first_memory(judge)
    for part in (records[:10], records[10:11], records[11:]):
        memory = gather(judge, memory, profile_of(judge, part))
    assert memory.rows == len(records)
    whole = gather(judge, first_memory(judge), profile_of(judge, records))
    results = [judge_step(judge, each, STRETCH, frozen=False, sharing=1) for each in (memory, whole)]
    assert results[0][1] == results[1][1]
    assert results[0][0].rows == 0


def test_live_versions_share_the_budget(judge: Judge) -> None:
    """With two versions each has the double threshold, so that together they page as often."""
    _, one = stepped(judge, first_memory(judge), 0)
    _, two = stepped(judge, first_memory(judge), 0, sharing=2)
    assert two.threshold == 2 * one.threshold
    assert two.evidence == one.evidence


def test_forgetting_keeps_the_rows_that_wait(judge: Judge) -> None:
    """After an alert resolved evidence is 0; rows of a step that is not full yet stay."""
    memory, _ = stepped(judge, first_memory(judge), 0, shift=3.0)
    memory = gather(judge, memory, hour(judge, 1))
    fresh = forget(judge, memory)
    assert (fresh.evidence, fresh.rows, fresh.missing is memory.missing) == (0.0, memory.rows, True)
    assert fresh.parts == first_memory(judge).parts


def test_the_budget_is_told_as_promised_and_as_borne_out(judge: Judge) -> None:
    """One page in thirty days is promised; the reference's replay of itself gives a figure within its interval."""
    found = expected_false_alarms(judge, AlertSettings())
    assert found["promised"] == 1.0
    assert found["lower"] is not None
    assert found["expected"] is not None
    assert found["upper"] is not None
    assert found["lower"] <= found["expected"] <= found["upper"]


def test_without_calibration_nothing_is_expected() -> None:
    """A promise that is not made has no expectation."""
    found = expected_false_alarms(judge_of(reference_table(), timed=False), AlertSettings())
    assert found == {"promised": 1.0, "expected": None, "lower": None, "upper": None}


def test_rows_are_arranged_under_their_keys(judge: Judge) -> None:
    """What a format decodes by path is judged by name."""
    layout = judge.reference.layout
    decoded = pa.table({"timestamp": [0], **{field.path: pa.nulls(1, field.type) for field in layout.fields}})
    assert {column.key for column in layout.columns} <= set(arrange(decoded, layout).column_names)
