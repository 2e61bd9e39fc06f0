"""What is kept of rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bins import category_bins, numeric_bins
from monitor.packing import profile_bytes, profile_from_bytes
from monitor.profile import (
    Binning,
    ColumnBins,
    Profile,
    empty_profile,
    profile_rows,
    texts,
)
from monitor.record import Column, Kind, Role

VALUES = st.none() | st.floats(width=64) | st.sampled_from([0.0, 1.0, 1e300, -1e300])
LEVELS = st.none() | st.sampled_from(["UA", "AA", "new", ""])
ROWS = st.lists(
    st.tuples(VALUES, LEVELS, st.none() | st.text(max_size=5), st.none() | st.booleans(), st.floats(0, 10)),
    max_size=60,
)


def column(name: str, kind: Kind) -> Column:
    """Return a feature."""
    return Column(name, name, Role.FEATURE, kind)


BINNING = Binning(
    (
        ColumnBins(column("number", Kind.NUMERIC), numeric_bins(np.random.default_rng(0).normal(size=5000))),
        ColumnBins(column("level", Kind.CATEGORICAL), category_bins(["UA", "AA"], np.array([3, 2]))),
        ColumnBins(column("text", Kind.TEXT), numeric_bins(np.arange(10.0))),
        ColumnBins(column("flag", Kind.BOOLEAN), category_bins(["true", "false"], np.array([3, 2]))),
        ColumnBins(column("vector", Kind.VECTOR), None),
    )
)
NUMBER, LEVEL, TEXT, FLAG, VECTOR = range(5)


def table_of(rows: Sequence[tuple[object, ...]]) -> pa.Table:
    """Return rows in the columns of the binning, and a latency."""
    number, level, text, flag, latency = zip(*rows, strict=True) if rows else ((),) * 5
    return pa.table(
        {
            "number": pa.array(number, pa.float64()),
            "level": pa.array(level, pa.string()),
            "text": pa.array(text, pa.string()),
            "flag": pa.array(flag, pa.bool_()),
            "vector": pa.array([None if f is None else [1.0] for f in flag], pa.list_(pa.float64())),
            "latency": pa.array(latency, pa.float64()),
        }
    )


def profiled(rows: Sequence[tuple[object, ...]]) -> Profile:
    """Return the profile of rows of one pane."""
    return profile_rows(table_of(rows), BINNING, np.zeros(len(rows), np.intp), 1)[0]


def figures(profile: Profile, place: int) -> tuple[int, int, int]:
    """Return how many values of a column stand in cells, are missing, and are not finite."""
    span = slice(BINNING.offsets[place], BINNING.offsets[place + 1])
    return int(profile.counts[span].sum()), int(profile.missing[place]), int(profile.nonfinite[place])


@given(ROWS, st.lists(st.integers(0, 60), max_size=5), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_profiles_add_up_in_any_order_and_cut(rows: list[tuple[object, ...]], cuts: list[int], random: object) -> None:
    """However rows are shuffled and cut, the sum of the parts is the whole, byte for byte."""
    whole = profile_bytes(profiled(rows))
    mixed = list(rows)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    ends = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [profiled(mixed[a:b]) for a, b in pairwise(ends)]
    random.shuffle(parts)  # type: ignore[attr-defined]
    assert profile_bytes(reduce(add, parts, empty_profile(BINNING))) == whole


@given(ROWS, st.integers(1, 4))
@settings(max_examples=30)
def test_panes_are_profiled_as_if_alone(rows: list[tuple[object, ...]], number: int) -> None:
    """Profiling many panes at once gives the profile of each by itself."""
    panes = np.arange(len(rows), dtype=np.intp) * 7 % number
    together = profile_rows(table_of(rows), BINNING, panes, number)
    alone = [profiled([row for row, pane in zip(rows, panes, strict=True) if pane == p]) for p in range(number)]
    assert [profile_bytes(p) for p in together] == [profile_bytes(p) for p in alone]


@given(ROWS)
@settings(max_examples=30)
def test_every_row_of_every_column_is_counted_once(rows: list[tuple[object, ...]]) -> None:
    """A value stands in a cell, is missing or is not finite."""
    profile = profiled(rows)
    for place in (NUMBER, LEVEL, TEXT, FLAG):
        assert sum(figures(profile, place)) == profile.rows == len(rows)


@given(ROWS)
@settings(max_examples=30)
def test_bytes_give_back_the_profile(rows: list[tuple[object, ...]]) -> None:
    """What is stored comes back exactly, and can be added to."""
    profile = profiled(rows)
    back = profile_from_bytes(profile_bytes(profile))
    assert profile_bytes(back) == profile_bytes(profile)
    assert profile_bytes(back + profile) == profile_bytes(profile + profile)


def test_chunks_and_slices_change_nothing() -> None:
    """A column may come in many chunks, each a slice of something larger."""
    rows = [(float(i), "UA" if i % 3 else None, "x" * i, bool(i % 2), 0.01) for i in range(30)]
    table = table_of(rows)
    cut = pa.concat_tables([table.slice(0, 7), table.slice(7, 0), table.slice(7, 20), table.slice(27)])
    panes = np.zeros(30, np.intp)
    assert profile_bytes(profile_rows(cut, BINNING, panes, 1)[0]) == profile_bytes(profiled(rows))


def test_what_is_not_finite_is_not_missing() -> None:
    """NaN and infinities are counted apart: they are no values, and no gaps either."""
    profile = profiled([(v, "UA", "", True, 0.0) for v in (1.0, None, np.nan, np.inf, -np.inf)])
    assert figures(profile, NUMBER) == (1, 1, 3)
    assert (profile.least[NUMBER], profile.greatest[NUMBER]) == (1.0, 1.0)


def test_only_missing_values_of_a_vector_are_counted() -> None:
    """A kind without cells still shows what is missing."""
    profile = profiled([(1.0, "UA", "", flag, 0.0) for flag in (True, None, None)])
    assert figures(profile, VECTOR) == (0, 2, 0)


def test_a_text_counts_by_its_length() -> None:
    """A text column is watched by how long its texts are."""
    profile = profiled([(1.0, "UA", text, True, 0.0) for text in ("", "ab", "äö", "abc")])
    assert (profile.least[TEXT], profile.greatest[TEXT]) == (0, 3)


def test_unknown_levels_stand_in_the_last_cell() -> None:
    """A level that the reference does not have is unseen, not missing."""
    profile = profiled([(1.0, level, "", True, 0.0) for level in ("UA", "never", None)])
    span = slice(BINNING.offsets[LEVEL], BINNING.offsets[LEVEL + 1])
    assert profile.counts[span].tolist() == [1, 0, 0, 1]
    assert profile.missing[LEVEL] == 1


def test_nan_is_no_category() -> None:
    """Where classes are written as numbers, NaN is a missing class."""
    coded = ColumnBins(
        Column("c", "c", Role.PREDICTION, Kind.CATEGORICAL, coded=True), category_bins(["1"], np.ones(1, np.int64))
    )
    table = pa.table({"c": pa.array([1.0, np.nan, None, 2.0])})
    profile = profile_rows(table, Binning((coded,)), np.zeros(4, np.intp), 1)[0]
    assert (profile.counts.tolist(), profile.missing.tolist()) == ([1, 0, 1], [2])


def test_a_feature_called_latency_is_not_the_latency() -> None:
    """A feature has its own column in the table, whatever it is called."""
    named = ColumnBins(column("latency", Kind.NUMERIC), numeric_bins(np.arange(10.0)))
    table = pa.table({named.column.key: pa.array([1.0, 2.0])})
    profile = profile_rows(table, Binning((named,)), np.zeros(2, np.intp), 1)[0]
    assert profile.latency.sum() == 0
    assert profile.counts.sum() == 2


def test_far_values_do_not_overflow_the_sums() -> None:
    """A hundred thousand profiles of rows further out than any sum reaches still add up to a positive sum."""
    profile = profiled([(1e300, "UA", "", True, 0.0)] * 1000)
    many = reduce(add, [profile] * 1000)
    assert many.sums[NUMBER] * 100 < 2**63
    assert many.squares[NUMBER] * 100 < 2**63
    assert many.sums[NUMBER] > 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([1.0, -0.0, 2.5, 1e20]), ["1", "0", "2.5", "1e+20"]),
        (pa.array([3, -1]), ["3", "-1"]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array(["", "a"]), ["", "a"]),
    ],
)
def test_categories_are_written_one_way(values: pa.Array, expected: list[str]) -> None:
    """3 and 3.0 are one category, and so are zero and minus zero."""
    assert texts(values) == expected


@pytest.mark.parametrize("odd", [False, True])
def test_many_rows_count_as_few_do(odd: bool) -> None:
    """Panes in order, panes in any order and one pane of all add up to the same, down to the last bit."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=9000) * np.where(rng.random(9000) < 0.01, 1e300 if odd else 1e3, 1)
    numbers = [None if odd and place % 50 == 0 else float(value) for place, value in enumerate(values)]
    levels = rng.choice(["UA", "AA", "new"], 9000).tolist()
    table = table_of([(n, level, level, bool(n), 0.5) for n, level in zip(numbers, levels, strict=True)])
    panes = np.repeat([0, 1, 2], 3000)
    order = rng.permutation(9000)

    ordered = profile_rows(table, BINNING, panes, 3)
    shuffled = profile_rows(table.take(pa.array(order)), BINNING, panes[order], 3)
    whole = profile_rows(table, BINNING, np.zeros(9000, np.intp), 1)[0]

    assert [profile_bytes(profile) for profile in ordered] == [profile_bytes(profile) for profile in shuffled]
    assert profile_bytes(reduce(add, shuffled)) == profile_bytes(whole)
