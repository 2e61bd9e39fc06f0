"""CSV: a record is a line, only the empty field is missing, and a bad line is refused alone."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from monitor.record import Column, Decoded, Kind, Layout, Role
from monitor.sources.formats.block import split
from monitor.sources.formats.csv import decode, read_header

LAYOUT = Layout(
    "timestamp",
    (
        Column("n", "inputs.n", Role.FEATURE, Kind.NUMERIC),
        Column("c", "inputs.c", Role.FEATURE, Kind.CATEGORICAL),
    ),
)
AT = "2013-07-01T00:00:00Z"


def read(*lines: str | bytes, names: tuple[str, ...] = ("timestamp", "n", "c")) -> Decoded:
    """Decode lines below a header."""
    data = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
    return decode(split("f.csv", data), LAYOUT, names)


def test_only_the_empty_field_is_missing() -> None:
    """The airline NA is an airline."""
    decoded = read(f"{AT},1,NA", f"{AT},,null", f'{AT},2,""')

    assert decoded.table["inputs.c"].to_pylist() == ["NA", "null", None]
    assert decoded.table["inputs.n"].to_pylist() == [1.0, None, 2.0]
    assert not decoded.mismatched


def test_bad_lines_are_refused_alone() -> None:
    """Too few fields, an open quote, a return within and bytes that are no text: each its reason and place."""
    lines = [f"{AT},1,a".encode(), f"{AT},1".encode(), f'{AT},1,"a'.encode(), b"\xff,1,a", f"{AT},1,a\rb".encode()]
    places = [sum(len(line) + 1 for line in lines[:index]) for index in range(len(lines))]

    decoded = read(*lines, f"{AT},2,b")

    assert decoded.table["inputs.n"].to_pylist() == [1.0, 2.0]
    assert [(str(fault.reason), fault.offset) for fault in decoded.rejected] == [
        ("ragged", places[1]),
        ("ragged", places[2]),
        ("encoding", places[3]),
        ("ragged", places[4]),
    ]


def test_no_refusal_repeats_what_it_refused() -> None:
    """The detail of a refused line tells its size, not its content."""
    decoded = read("secret,1", "secret,1,a", names=("timestamp", "n", "c"))

    assert decoded.rejected
    assert not any("secret" in fault.detail for fault in decoded.rejected)


def test_line_ends_of_windows_and_blank_lines_are_no_records() -> None:
    """Carriage returns at the end are dropped, blank lines skipped."""
    decoded = read(f"{AT},1,a\r", "", "\r", f"{AT},2,b\r")

    assert decoded.table["inputs.c"].to_pylist() == ["a", "b"]
    assert not decoded.rejected


def test_an_event_time_missing_or_wrong_is_told_apart() -> None:
    """No time and a wrong time have reasons of their own."""
    decoded = read(",1,a", "soon,1,a", f"{AT},1,a")

    assert [str(fault.reason) for fault in decoded.rejected] == ["timestamp_missing", "timestamp_invalid"]
    assert decoded.table.num_rows == 1


def test_a_value_that_is_not_of_its_type_is_counted_only_in_rows_that_count() -> None:
    """A refused row's values are not counted as mismatched."""
    assert read(f"{AT},warm,a", ",warm,a").mismatched == {"inputs.n": 1}


def test_a_full_name_goes_before_a_short_one() -> None:
    """Where a file has both headers, the full path is taken."""
    decoded = read(f"{AT},1,2,a", names=("timestamp", "n", "inputs.n", "c"))

    assert decoded.table["inputs.n"].to_pylist() == [2.0]


def test_a_header_with_one_name_twice_says_which_columns() -> None:
    """Two columns of one name make a file unreadable, and the answer names their places."""
    assert read_header(b"a,b,a\n").fault == "columns 1 and 3 of the header have one name"


def test_a_byte_order_mark_is_no_part_of_a_name() -> None:
    """A file written on Windows has the same columns."""
    assert read_header(b"\xef\xbb\xbftimestamp,n\r\n").names == ("timestamp", "n")


fields = st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), min_size=1, max_size=8)


@given(st.lists(st.tuples(fields, st.floats(allow_nan=False, allow_infinity=False)), max_size=8))
def test_what_the_standard_library_writes_is_read_back(rows: list[tuple[str, float]]) -> None:
    """Every field without a newline survives, whatever quotes and commas it holds."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([AT, repr(number), text] for text, number in rows)

    decoded = read(out.getvalue())

    assert decoded.table["inputs.c"].to_pylist() == [text for text, _ in rows]
    assert decoded.table["inputs.n"].to_pylist() == [number for _, number in rows]
    assert not decoded.rejected
