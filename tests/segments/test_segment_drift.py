"""Drift by segment: each is held to its own rows of the reference, within the model's promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.pipeline.cycle import Pipeline
from tests.passes import Told, disturbed, opened, passed, replayed, restarted
from tests.segments.slices import hours, prepare, segmented
from tests.worlds import Json

DRIFTS = [*hours(0, 4), *hours(4, 8, moved="AA", shift=9.0)]
CARRIERS = ["carrier=UA", "carrier=AA", "carrier=DL"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder in whose log the amounts of one carrier move in the fifth hour."""
    folder = tmp_path_factory.mktemp("segments")
    prepare(folder, DRIFTS)
    return folder


@pytest.fixture(scope="module")
def told(root: Path) -> Told:
    """Give what a replay tells."""
    return replayed(segmented(root, "carrier"))


def of(told: Told, label: str) -> list[Json]:
    """Return what every window says of a segment."""
    return [each for body in told.windows for each in body["segments"] if each["segment"] == label]


def test_segments_stand_with_most_rows_first(told: Told) -> None:
    """Each window lists the segments by the rows that the reference has of them."""
    assert {tuple(each["segment"] for each in body["segments"]) for body in told.windows} == {tuple(CARRIERS)}


def test_rows_of_segments_add_up(told: Told) -> None:
    """Every row is in one segment of a column, or counted among those in none."""
    sums = [
        sum(each["rows"] for each in body["segments"]) + body["unsegmented_rows"]["carrier"] for body in told.windows
    ]
    assert sums == told.column("rows")


def test_only_the_segment_that_moved_drifts(told: Told) -> None:
    """The carrier whose amounts moved is drifted from then on, the others never."""
    assert {each["verdict"] for each in of(told, "carrier=AA")[5:]} == {"drifted"}
    others = [*of(told, "carrier=UA"), *of(told, "carrier=DL"), *of(told, "carrier=AA")[:4]]
    assert {each["verdict"] for each in others} <= {"stable", "insufficient_data"}


def test_an_alert_names_its_segment(told: Told) -> None:
    """The alert of a segment has its label and its columns, and starts no action."""
    fired = [body for body in told.alerts if body["segment"] == "carrier=AA" and body["name"] == "drift"]
    assert [(body["state"], body["columns"], body["action"]) for body in fired[:1]] == [("firing", ["amount"], None)]


def test_what_the_whole_tells_already_is_no_news(told: Told) -> None:
    """An alert of a segment is of severity info where the firing alert of the whole tells of the same columns."""
    fired = [(body["segment"], body["severity"]) for body in told.alerts if body["name"] == "drift"]
    assert fired == [(None, "warning"), ("carrier=AA", "info")]


def test_the_alert_of_the_whole_says_where_the_drift_is(told: Told) -> None:
    """The drift alert of all rows names the segment in which it is concentrated, with its share of it."""
    whole = next(body for body in told.alerts if body["segment"] is None)
    causes = [cause for cause in whole["diagnosis"]["causes"] if cause["kind"] == "concentration"]
    assert [(cause["column"], cause["detail"].split(":")[0]) for cause in causes] == [
        ("amount", "concentrated in carrier=AA")
    ]
    assert causes[0]["factor"] > 0.8


def test_the_column_of_a_segment_is_not_judged_in_it(told: Told, root: Path) -> None:
    """Within a segment the column that makes it has one value, so that it has no part in the evidence."""
    judge = Pipeline(segmented(root, "carrier"), event_clock=True).references.judge("")
    assert judge is not None
    assert "carrier" not in {entry.column.name for part in judge.segments.values() if part for entry in part.watched}


def test_what_is_not_segmented_is_judged_alike(told: Told, root: Path) -> None:
    """Segments change nothing of the whole but its part of the budget."""
    alone = replayed(segmented(root))
    assert alone.column("segments") == [[]] * len(alone.windows)
    assert told.column("columns") == alone.column("columns")
    whole, halved = alone.column("evidence_threshold"), told.column("evidence_threshold")
    assert halved == [2 * threshold for threshold in whole]


def test_the_budget_is_divided(told: Told) -> None:
    """The shares of the whole and of its segments add up to one."""
    first = told.windows[0]
    whole = first["evidence_threshold"] / 2
    shares = [whole / threshold for threshold in [each["evidence_threshold"] for each in first["segments"]]]
    assert sum(shares) + 0.5 == pytest.approx(1.0)


def test_cuts_and_restarts_change_nothing(told: Told, root: Path, tmp_path: Path) -> None:
    """Small blocks, and a new process for every four windows, give the very verdicts and alerts of a replay."""
    plan = segmented(root, "carrier")
    with opened(tmp_path / "a") as state:
        in_pieces = disturbed(plan, state, 2**15, 3)
    with opened(tmp_path / "b") as state:
        anew = restarted(plan, state, 4)
    assert (in_pieces.windows, in_pieces.alerts) == (told.windows, told.alerts)
    assert (anew.windows, anew.alerts) == (told.windows, told.alerts)


def test_a_pair_is_a_segment(root: Path) -> None:
    """A pair is named by both columns, sorted, and no more segments are kept than asked for."""
    told = replayed(segmented(root, ("flag", "carrier"), most=2))
    assert [each["segment"] for each in told.windows[0]["segments"]] == [
        "carrier=UA,flag=false",
        "carrier=UA,flag=true",
    ]
    rest = told.windows[0]["rows"] - sum(each["rows"] for each in told.windows[0]["segments"])
    assert told.windows[0]["unsegmented_rows"] == {"carrier,flag": rest}


def test_a_segment_of_few_rows_is_not_known(root: Path) -> None:
    """A segment of which the reference has too few rows to judge by is never called stable."""
    window = segmented(root).window.model_copy(update={"min_rows": 3000})
    told = replayed(segmented(root, "carrier", window=window))
    assert {(each["verdict"], each["calibration_why"]) for each in of(told, "carrier=DL")} == {
        ("insufficient_data", "reference_too_short")
    }


def test_an_alert_of_a_segment_that_is_gone_resolves(tmp_path: Path) -> None:
    """Where the config asks for no segments any more, what fired of one is resolved at the next close, once."""
    prepare(tmp_path, [*hours(0, 2), *hours(2, 6, moved="DL", shift=9.0)])
    with opened(tmp_path) as state:
        first = passed(segmented(tmp_path, "carrier"), state, flush=False)
        assert {body["state"] for body in first.alerts if body["segment"] == "carrier=DL"} == {"firing"}
        for hour in (8, 9):
            prepare(tmp_path, hours(hour, 1))
            after = passed(segmented(tmp_path), state, flush=False)
            ended = [body["state"] for body in after.alerts if body["segment"] == "carrier=DL"]
            assert set(ended) == ({"resolved"} if hour == 8 else set())
