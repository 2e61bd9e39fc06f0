"""Which rows are held of the last stretch of a stream: of each step the same ones, however they come."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from monitor.instant import SECOND
from monitor.pipeline.gathering import rows_of
from monitor.pipeline.trail import Trail
from monitor.record import TEXTS, WHOLE
from monitor.trailing import Trailing, trailing_of
from monitor.window import NEVER, WindowSettings

STEP = 10
FAR = 10**9
PLAN = Trailing("rolling", timedelta(seconds=1), STEP, 5 * STEP, 5 * STEP, 3, 1000)


def rows(times: list[int], text: str = "", unsampled: tuple[int, ...] = ()) -> pa.Table:
    """Return rows at some instants, whose hashes are as good as drawn; all are sampled but those at some instants."""
    at = np.array(times, np.int64)
    whole = pa.array([f"{time:04}{text}" for time in times], pa.string())
    table = pa.table({"timestamp": at, WHOLE: whole, TEXTS: pa.array([False] * len(times))})
    return rows_of(table, at.astype(np.uint64) * 7919 % 101, ~np.isin(at, unsampled))


def lowest(times: range) -> list[int]:
    """Return the three instants whose hashes are the smallest, in order of time."""
    return sorted(sorted(times, key=lambda at: at * 7919 % 101)[:3])


def times_of(table: pa.Table) -> list[int]:
    """Return the instants of rows, in their order."""
    found: list[int] = table["timestamp"].to_pylist()
    return found


@pytest.mark.parametrize("cut", [1, 4, 13, 30])
def test_of_each_step_the_rows_with_the_smallest_hashes_are_held(cut: int) -> None:
    """In whatever order and batches rows come, each step keeps the same three."""
    order = np.random.default_rng(7).permutation(30).tolist()
    held = Trail(PLAN, FAR)
    for start in range(0, 30, cut):
        held.add(rows(order[start : start + cut]))
    held.settle(30)
    assert times_of(held.chosen()) == [at for start in (0, 10, 20) for at in lowest(range(start, start + 10))]


def test_rows_that_are_not_sampled_are_not_held() -> None:
    """Before they have to wait, only sampled rows are kept."""
    held = Trail(PLAN, FAR)
    held.add(rows([0, 1, 2], unsampled=(1,)))
    assert times_of(held.rows) == [0, 2]


def test_rows_that_wait_for_a_close_are_all_held() -> None:
    """From ``due`` on nothing is left out: these rows are not counted yet."""
    held = Trail(PLAN, 10)
    for at in range(40):
        held.add(rows([at], unsampled=(15,)))
    assert sorted(times_of(held.between(10, 40))) == list(range(10, 40))


def test_what_is_held_stays_small() -> None:
    """However many rows a step has, few are in memory."""
    held = Trail(PLAN, FAR)
    for _ in range(50):
        held.add(rows(list(range(10))))
    assert held.rows.num_rows <= 13


def test_little_text_is_held_where_rows_are_long() -> None:
    """A step keeps no more text than its share, and one row at least."""
    held = Trail(PLAN, FAR)
    held.add(rows([0, 1, 2], "x" * 400))
    held.add(rows([10, 11], "x" * 4000))
    held.settle(20)
    assert len(times_of(held.chosen())) == 3


def test_steps_that_are_forgotten_are_told() -> None:
    """What is too long ago, or not to be learnt from, goes, and the store is told which steps went."""
    held = Trail(PLAN, FAR)
    held.add(rows(list(range(40))))
    assert sorted(held.settle(40)) == [0, 10, 20, 30]
    assert held.forget(NEVER, 10) == [0]
    assert held.forget(25, 40) == [30]
    assert sorted(held.closed) == [10, 20]


def test_a_step_always_has_room_for_the_rows_that_make_it_one() -> None:
    """Where there are many steps, each may have a tenth more rows than a window needs, so that it is judged alone."""
    found = trailing_of(None, timedelta(weeks=1), WindowSettings(min_rows=300))
    assert found is not None
    assert (found.rows_a_step, found.length // found.renew, found.renew) == (330, 8, 7 * 86_400 * SECOND)


def test_a_length_is_rounded_up_to_whole_steps() -> None:
    """A length that is no multiple of the step takes one step more."""
    found = trailing_of(timedelta(minutes=150), None, WindowSettings())
    assert found is not None
    assert found.length == found.renew == 3 * 3600 * SECOND
