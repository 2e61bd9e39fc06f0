"""A value of a log becomes the type its column is watched as, or null and counted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from monitor.instant import from_text
from monitor.sources.formats.instants import to_instants
from monitor.sources.formats.values import convert, from_python

FLOAT, TEXT, BOOL, LIST = pa.float64(), pa.string(), pa.bool_(), pa.list_(pa.float64())


def mismatches(mask: pa.Array | None) -> list[bool]:
    """Return a mask as Python has it; nothing where there is none."""
    return [] if mask is None else mask.to_pylist()


@pytest.mark.parametrize(
    ("given", "wanted", "expected"),
    [
        (["12", "-1.5", "1e3", ".5", "+2"], FLOAT, [12.0, -1.5, 1000.0, 0.5, 2.0]),
        ([12, -3], TEXT, ["12", "-3"]),
        ([3.0, 0.1, -0.0, 1e300], TEXT, ["3", "0.1", "0", "1e+300"]),
        ([True, False], TEXT, ["true", "false"]),
        ([1, 0], BOOL, [True, False]),
        (["true", "False", "1", "0"], BOOL, [True, False, True, False]),
        ([True, False], FLOAT, [1.0, 0.0]),
        ([[1, 2], None], LIST, [[1.0, 2.0], None]),
        ([Decimal("1.50"), Decimal(2)], TEXT, ["1.5", "2"]),
        ([Decimal("1.50")], FLOAT, [1.5]),
        ([None, None], FLOAT, [None, None]),
    ],
)
def test_what_loses_nothing_is_converted(given: list[Any], wanted: pa.DataType, expected: list[Any]) -> None:
    """A value that can be read as the wanted type without loss is, and nothing is counted."""
    converted = convert(pa.array(given), wanted)

    assert converted.values.to_pylist() == expected
    assert not any(mismatches(converted.mismatch))


@pytest.mark.parametrize(
    ("given", "wanted", "expected"),
    [
        (["12", "warm", None, ""], FLOAT, [12.0, None, None, None]),
        ([1, 2, None], BOOL, [True, None, None]),
        (["yes", "true", None], BOOL, [None, True, None]),
        ([[1.0], None], FLOAT, [None, None]),
        ([[1.0], None], TEXT, [None, None]),
        ([1.0, None], LIST, [None, None]),
        ([["a"], None], LIST, [None, None]),
    ],
)
def test_what_would_lose_is_null_and_counted(given: list[Any], wanted: pa.DataType, expected: list[Any]) -> None:
    """A value that is not of the type becomes null and is marked; one that was missing is not."""
    converted = convert(pa.array(given), wanted)

    assert converted.values.to_pylist() == expected
    assert mismatches(converted.mismatch) == [
        value is not None and found is None for value, found in zip(given, expected, strict=True)
    ]


def test_mixed_values_of_one_column_are_each_judged() -> None:
    """A column of every JSON type keeps what fits and counts the rest."""
    converted = from_python([1, "2", True, None, {"a": 1}, [1], "x", 2.5], FLOAT)

    assert converted.values.to_pylist() == [1.0, 2.0, 1.0, None, None, None, None, 2.5]
    assert mismatches(converted.mismatch) == [False, False, False, False, True, True, True, False]


def test_an_integer_as_text_keeps_all_its_digits() -> None:
    """An id beyond what a float holds is not rounded."""
    assert from_python([2**53 + 1, 10**30], TEXT).values.to_pylist() == [str(2**53 + 1), str(10**30)]


def test_a_dictionary_is_read_as_its_values() -> None:
    """Coded text, as pandas writes categories, is the text."""
    assert convert(pa.array(["UA", "AA", None]).dictionary_encode(), TEXT).values.to_pylist() == ["UA", "AA", None]


@pytest.mark.parametrize(
    "text",
    [
        "2013-07-01T09:15:00Z",
        "2013-07-01T09:15:00",
        "2013-07-01 09:15",
        "2013-07-01T11:15:00+02:00",
        "2013-07-01T09:15:00.000000999Z",
        "2013-07-01t09:15:00z",
    ],
)
def test_every_way_to_write_an_instant_is_the_same_instant(text: str) -> None:
    """Text without an offset is UTC, an offset counts, and digits beyond the microsecond are cut off."""
    read = to_instants(pa.array([text]))

    assert read.values.to_pylist() == [from_text("2013-07-01T09:15:00Z")]
    assert read.invalid.to_pylist() == [False]


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "2013-07-01T24:00:00Z",
        "2013-07-01T23:59:60Z",
        "0000-01-01",
        "1372669500",
        "tomorrow",
        "",
        "2013-07",
    ],
)
def test_text_that_is_no_instant_is_invalid(text: str) -> None:
    """What no calendar holds, and a bare number, is refused alone; its neighbours are read."""
    read = to_instants(pa.array([text, "2013-07-01", None]))

    assert read.values.to_pylist() == [None, from_text("2013-07-01"), None]
    assert read.invalid.to_pylist() == [True, False, False]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([datetime(2013, 7, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        pa.array([datetime(2013, 7, 1)], pa.timestamp("s")),  # noqa: DTZ001 - naive is the case
        pa.array([1_372_636_800_000_000_999], pa.timestamp("ns")),
        pa.array([date(2013, 7, 1)], pa.date32()),
    ],
)
def test_every_arrow_timestamp_is_read(column: pa.Array) -> None:
    """Any unit, with a zone or without, and dates."""
    assert to_instants(column).values.to_pylist() == [from_text("2013-07-01")]


@pytest.mark.parametrize("column", [pa.array([1_372_669_500]), pa.array([1.5]), pa.array([True])])
def test_a_number_is_no_instant(column: pa.Array) -> None:
    """An epoch is not guessed at: its unit would be."""
    assert to_instants(column).invalid.to_pylist() == [True]


@pytest.mark.parametrize("column", [pa.array([2**62], pa.timestamp("s")), pa.array([-(2**62)], pa.timestamp("us"))])
def test_an_instant_beyond_the_calendar_is_invalid(column: pa.Array) -> None:
    """What cannot be written as a year from 1 to 9999 is refused, and does not overflow."""
    assert to_instants(column).invalid.to_pylist() == [True]


def test_before_1970_the_nanoseconds_are_cut_downwards() -> None:
    """Cutting off digits goes towards the past on both sides of 1970."""
    assert to_instants(pa.array([-1, 1], pa.timestamp("ns"))).values.to_pylist() == [-1, 0]
