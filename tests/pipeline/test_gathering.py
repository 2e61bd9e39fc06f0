"""Which rows are held for a reference, and which of them it is made of."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from monitor.pipeline.gathering import Gathered, from_bytes, rows_of, to_bytes
from monitor.record import TEXTS, WHOLE

EARLY = -1


def rows(times: list[int], texts: list[str] | None = None, unsampled: tuple[int, ...] = ()) -> pa.Table:
    """Return rows at some instants, of these texts, all sampled but those at some instants."""
    at = np.array(times, np.int64)
    whole = pa.array([f"{time:04}" for time in times] if texts is None else texts, pa.string())
    table = pa.table({"timestamp": at, WHOLE: whole, TEXTS: pa.array([False] * len(times))})
    return rows_of(table, at.astype(np.uint64) * 7919 % 101, ~np.isin(at, unsampled))


def times_of(table: pa.Table) -> list[int]:
    """Return the instants of rows, in their order."""
    found: list[int] = table["timestamp"].to_pylist()
    return found


@pytest.mark.parametrize("cut", [1, 3, 7, 20])
def test_the_first_are_the_same_in_any_batches(cut: int) -> None:
    """Rows that come a little out of order give the same first ones, however they are cut, in order of time."""
    order = [3, 1, 2, 0, 6, 4, 5, 9, 8, 7, 12, 10, 11, 14, 13, 15]
    held = Gathered(6)
    for start in range(0, len(order), cut):
        held.add(rows(order[start : start + cut], unsampled=(2, 5)), 10)
    assert times_of(held.chosen(10)) == [0, 1, 3, 4, 6, 7]
    assert sorted(times_of(held.after(10))) == [10, 11, 12, 13, 14, 15]


def test_rows_that_tie_are_told_apart_by_hash_and_content() -> None:
    """Of rows at one instant those with the smaller hash, then the smaller text, come first."""
    held = Gathered(2)
    held.add(rows([5, 5, 5], ["c", "a", "b"]), EARLY)
    assert held.chosen(6)[WHOLE].to_pylist() == ["a", "b"]


def test_it_is_full_by_the_end_of_a_window() -> None:
    """Only sampled rows before the end count."""
    held = Gathered(3)
    held.add(rows([0, 1, 2, 9], unsampled=(1,)), EARLY)
    assert [held.is_full(end) for end in (3, 9, 10)] == [False, False, True]


def test_much_text_is_enough() -> None:
    """Where rows are long, it is made of those that have as much text as is allowed, and of no more."""
    held = Gathered(1000, most_bytes=25)
    for at in range(20):
        held.add(rows([at], ["x" * 10]), 10)
    assert held.is_full(10)
    assert times_of(held.chosen(10)) == [0, 1, 2]
    assert min(times_of(held.after(3))) == 10


def test_what_is_held_stays_small() -> None:
    """Rows past the first that no reference can begin after are let go of as they come."""
    held = Gathered(5)
    for at in range(1000):
        held.add(rows([at]), at)
    assert held.rows.num_rows <= 6
    assert held.first == 5


def test_rows_come_back_from_the_store() -> None:
    """Pieces give the rows that were written, bit for bit."""
    first, second = rows([0, 1]), rows([2], ["é"])
    assert from_bytes([to_bytes(first), to_bytes(second)]).equals(pa.concat_tables([first, second]).combine_chunks())
