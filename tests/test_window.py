"""Event time: panes, windows, lateness, steps."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.window import (
    NEVER,
    WindowSettings,
    due_window_ends,
    first_window_end,
    join_steps,
    late_rows,
    pane_starts,
)

TIMES = st.lists(st.integers(-50, 200), min_size=1, max_size=40)


def late(times: list[int], cuts: list[int], hold: int | None, lateness: int, pane: int) -> list[bool]:
    """Judge rows batch by batch, as a source gives them, the watermark acted on after each."""
    found: list[bool] = []
    reached = closed = NEVER
    ends = [0, *sorted(min(cut, len(times)) for cut in cuts), len(times)]
    for a, b in pairwise(ends):
        part = np.array(times[a:b], np.int64)
        judged = late_rows(part, reached=reached, hold=hold, closed=closed, lateness=lateness, pane=pane)
        found += judged.tolist()
        reached = max([reached, *times[a:b]])
        closed = max(closed, (reached if hold is None else min(reached, hold)) - lateness)
    return found


@given(TIMES, st.lists(st.integers(0, 40), max_size=6), st.none() | st.integers(0, 200), st.integers(0, 30))
def test_lateness_does_not_depend_on_batches(
    times: list[int], cuts: list[int], hold: int | None, lateness: int
) -> None:
    """However a log is cut into batches, the same rows are late."""
    assert late(times, cuts, hold, lateness, 10) == late(times, [], hold, lateness, 10)


@given(TIMES, st.integers(0, 30))
def test_a_row_is_late_once_its_pane_was_closed_before_it(times: list[int], lateness: int) -> None:
    """A row is late exactly if an earlier one had moved the watermark to the end of its pane."""
    expected = [bool(times[:i]) and time // 10 * 10 + 10 <= max(times[:i]) - lateness for i, time in enumerate(times)]
    assert late(times, [], None, lateness, 10) == expected


def test_the_slowest_source_holds_the_watermark() -> None:
    """While another source stands at 20, nothing of the pane from 20 on is late."""
    times = [100, 25, 15, 5]
    assert late(times, [], 20, 0, 10) == [False, False, True, True]


def test_what_was_closed_stays_closed() -> None:
    """A watermark that was acted on never goes back, whatever holds it now."""
    rows = np.array([5, 15])
    judged = late_rows(rows, reached=NEVER, hold=0, closed=12, lateness=0, pane=10)
    assert judged.tolist() == [True, False]


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**10))
def test_a_pane_holds_its_row(time: int, pane: int) -> None:
    """A row lies in its pane, and panes stand on multiples of their length, before 1970 too."""
    start = int(pane_starts(np.array([time]), pane)[0])
    assert start <= time < start + pane
    assert start % pane == 0


@given(st.integers(-(10**15), 10**15))
def test_the_first_window_holds_the_first_row(time: int) -> None:
    """The first window ends after the row, at most a step later."""
    settings = WindowSettings(length=timedelta(hours=3), every=timedelta(hours=1))
    end = first_window_end(time, settings)
    assert end - 3_600_000_000 <= time < end
    assert end % 3_600_000_000 == 0


def test_windows_are_due_from_the_first_to_the_watermark() -> None:
    """A window whose end is the watermark is due; the next is not."""
    assert list(due_window_ends(10, 30, 10)) == [10, 20, 30]
    assert list(due_window_ends(10, 9, 10)) == []


@pytest.mark.parametrize(("length", "every", "pane"), [(60, 60, 60), (180, 60, 60), (90, 60, 30)])
def test_a_pane_divides_length_and_step(length: int, every: int, pane: int) -> None:
    """The pane is the longest that windows are sums of."""
    settings = WindowSettings(length=timedelta(minutes=length), every=timedelta(minutes=every))
    assert settings.pane == pane * 60_000_000


@pytest.mark.parametrize(
    "wrong", [{"length": "0s"}, {"every": "0s"}, {"length": "1h", "every": "2h"}, {"min_rows": 0}, {"length": "1"}]
)
def test_windows_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    """No window of no length, none that leaves gaps, none judged without a row."""
    with pytest.raises(ValidationError):
        WindowSettings.model_validate(wrong)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 12))
def test_joined_steps_have_rows_enough(rows: list[int], least: int) -> None:
    """Steps cover every stretch once, and each has the least rows, unless all together have not."""
    starts = join_steps(np.array(rows), least).tolist()
    sizes = [sum(rows[a:b]) for a, b in pairwise(starts)]
    assert (starts[0], starts[-1]) == (0, len(rows))
    assert sum(sizes) == sum(rows)
    assert len(sizes) == 1 or min(sizes) >= least


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 12))
def test_a_reference_is_joined_as_a_stream_is(rows: list[int], least: int) -> None:
    """A step ends at the first stretch at which a stream that gathers rows would have enough."""
    ends, gathered = [], 0
    for place, count in enumerate(rows):
        gathered += count
        if gathered >= least:
            ends.append(place + 1)
            gathered = 0
    joined = join_steps(np.array(rows), least).tolist()[1:]
    assert joined[:-1] == ends[:-1]
    assert joined[-1] == len(rows)


@pytest.mark.parametrize(
    ("rows", "starts"), [([1, 1], [0, 2]), ([4], [0, 1]), ([0, 0, 4, 0], [0, 4]), ([4, 3], [0, 2]), ([3, 3, 3], [0, 3])]
)
def test_known_joins(rows: list[int], starts: list[int]) -> None:
    """What is left over at the end joins the last step."""
    assert join_steps(np.array(rows), 4).tolist() == starts
