"""Rows that break a plain rule."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.packing import profile_bytes, profile_from_bytes
from monitor.profile import Binning, Profile, profile_rows
from monitor.tally import MISMATCH, Mismatched, Outside, Pair, Relation, Tally, without_marks

NUMBERS = st.one_of(st.none(), st.floats(-9, 9), st.sampled_from([float("nan"), float("inf")]))
TALLIES: tuple[Tally, ...] = (Outside("a", -1.0, 3.0), Pair("a", "<=", "b"), Mismatched("a"))


def table_of(a: list[float | None], b: list[float | None] | None = None) -> pa.Table:
    """Return two columns; of the first every third value was of another type."""
    columns = {"a": pa.array(a, pa.float64()), "b": pa.array(a if b is None else b, pa.float64())}
    return pa.table(columns | {"a" + MISMATCH: pa.array([place % 3 == 2 for place in range(len(a))], pa.bool_())})


def profiled(table: pa.Table) -> Profile:
    """Return the profile of rows in one pane."""
    return profile_rows(table, Binning((), TALLIES), np.zeros(len(table), np.intp), 1)[0]


@settings(max_examples=40)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=30), st.integers(0, 30))
def test_tallies_add_up(rows: list[tuple[float | None, float | None]], cut: int) -> None:
    """Rows cut in two have the tallies of the whole."""
    table = table_of([a for a, _ in rows], [b for _, b in rows])
    parts = [profiled(table.slice(0, cut)), profiled(table.slice(cut))]
    assert reduce(operator.add, parts).tallies.tolist() == profiled(table).tallies.tolist()


def test_a_range_holds_its_ends() -> None:
    """What is outside is under the least or over the most; what is missing or not finite is neither."""
    broken = Outside("a", -1.0, 3.0).broken(table_of([-1.0, 3.0, -1.1, 3.1, None, float("nan"), float("inf")]))
    assert broken is not None
    assert broken.tolist() == [False, False, True, True, False, False, False]


def test_a_length_has_a_range() -> None:
    """Of texts the characters are counted."""
    broken = Outside("t", 1, 3).broken(pa.table({"t": ["", "abc", "abcd", None]}))
    assert broken is not None
    assert broken.tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("relation", "holds"),
    [
        ("<", operator.lt), ("<=", operator.le), ("==", operator.eq),
        ("!=", operator.ne), (">=", operator.ge), (">", operator.gt),
    ],
)  # fmt: skip
def test_a_pair_is_held_to_its_relation(relation: Relation, holds: Callable[[float, float], bool]) -> None:
    """Numbers that do not stand to each other as they must break the rule, in every relation there is."""
    a, b = [1.0, 2.0, 3.0], [2.0, 2.0, 2.0]
    broken = Pair("a", relation, "b").broken(table_of([*a], [*b]))
    assert broken is not None
    assert broken.tolist() == [not holds(x, y) for x, y in zip(a, b, strict=True)]


def test_tallies_come_back_from_the_store() -> None:
    """A packed profile has its tallies, and of how many rows they are."""
    profile = profiled(table_of([5.0, 1.0, None, 9.0]))
    back = profile_from_bytes(profile_bytes(profile, TALLIES), TALLIES)
    assert (back.tallies.tolist(), back.tallied) == (profile.tallies.tolist(), 4)


@pytest.mark.parametrize("others", [(), TALLIES[:1], (*TALLIES[:2], Mismatched("b"))])
def test_rows_of_other_tallies_are_not_tallied(others: tuple[Tally, ...]) -> None:
    """What was packed under other rules says nothing of these: of no row is it known whether it breaks them."""
    back = profile_from_bytes(profile_bytes(profiled(table_of([5.0, 1.0])), TALLIES), others)
    assert (back.rows, back.tallied, back.tallies.tolist()) == (2, 0, [0] * len(others))


def test_marks_are_no_columns() -> None:
    """Rows that are kept have no column that says what was mismatched."""
    assert without_marks(table_of([1.0])).column_names == ["a", "b"]
