"""Parquet: some rows at a time, the wanted columns only, and no bomb unpacked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.record import Column, Kind, Layout, Role
from monitor.sources.formats.parquet import ParquetRows
from monitor.sources.formats.unreadable import Unreadable

BUDGET = 8 * 2**20
LAYOUT = Layout(
    "timestamp",
    (
        Column("n", "inputs.n", Role.FEATURE, Kind.NUMERIC),
        Column("c", "inputs.c", Role.FEATURE, Kind.CATEGORICAL),
    ),
)


def times(rows: int) -> pa.Array:
    """Return event times, a second apart."""
    return pa.array(np.arange(rows) * 1_000_000, pa.timestamp("us", "UTC"))


@contextmanager
def opened(path: Path, table: pa.Table | bytes, layout: Layout = LAYOUT, **options: Any) -> Iterator[ParquetRows]:
    """Write a table, or bytes, and open it."""
    if isinstance(table, bytes):
        path.write_bytes(table)
    else:
        pq.write_table(table, path, **options)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        rows = ParquetRows(descriptor, path.name, layout, BUDGET)
        yield rows
        rows.close()
    finally:
        os.close(descriptor)


def read_all(rows: ParquetRows, row: int = 0) -> list[dict[str, Any]]:
    """Read from a row to the end."""
    found: list[dict[str, Any]] = []
    while True:
        part = rows.read(row)
        found += part.decoded.table.to_pylist()
        row = part.next
        if part.done:
            return found


@pytest.mark.parametrize(
    "columns",
    [
        {"inputs": pa.array([{"n": 1, "c": "UA", "x": 0}, {"n": None, "c": None, "x": 0}])},
        {"inputs.n": pa.array([1, None]), "inputs.c": pa.array(["UA", None])},
        {"n": pa.array([1.0, float("nan")]), "c": pa.array(["UA", None]).dictionary_encode()},
    ],
    ids=["nested", "flat", "short"],
)
def test_columns_are_found_nested_flat_or_by_their_last_name(tmp_path: Path, columns: dict[str, pa.Array]) -> None:
    """One layout reads three ways to write a log; NaN, as pandas writes what is missing, is null."""
    with opened(tmp_path / "a.parquet", pa.table({"timestamp": times(2), **columns})) as rows:
        assert read_all(rows) == [
            {"timestamp": 0, "inputs.n": 1.0, "inputs.c": "UA"},
            {"timestamp": 1_000_000, "inputs.n": None, "inputs.c": None},
        ]


def test_reading_on_from_any_row_gives_the_rest(tmp_path: Path) -> None:
    """A position within a row group is as good as one at its begin."""
    table = pa.table({"timestamp": times(1000), "n": np.arange(1000.0), "c": ["x"] * 1000})
    with opened(tmp_path / "a.parquet", table, row_group_size=300) as rows:
        for row in (0, 1, 299, 300, 750, 999, 1000):
            assert [found["inputs.n"] for found in read_all(rows, row)] == list(range(row, 1000))


def test_rows_without_a_time_are_refused_with_their_number(tmp_path: Path) -> None:
    """A refused row's place is its number in the file."""
    table = pa.table({"timestamp": pa.array([0, None, 1], pa.timestamp("us")), "n": [1.0, 2.0, 3.0]})
    with opened(tmp_path / "a.parquet", table) as rows:
        decoded = rows.read(0).decoded

    assert [(str(fault.reason), fault.offset) for fault in decoded.rejected] == [("timestamp_missing", 1)]
    assert decoded.table["inputs.n"].to_pylist() == [1.0, 3.0]


def test_numbers_are_no_event_times(tmp_path: Path) -> None:
    """An epoch column is refused row by row, not guessed at."""
    with opened(tmp_path / "a.parquet", pa.table({"timestamp": [1_372_669_500], "n": [1.0]})) as rows:
        assert [str(fault.reason) for fault in rows.read(0).decoded.rejected] == ["timestamp_invalid"]


def test_text_times_are_read(tmp_path: Path) -> None:
    """A log written from JSON keeps its times as text."""
    with opened(tmp_path / "a.parquet", pa.table({"timestamp": ["1970-01-01T00:00:01Z"], "n": [1.0]})) as rows:
        assert rows.read(0).decoded.table["timestamp"].to_pylist() == [1_000_000]


def test_a_file_without_any_wanted_column_still_has_rows(tmp_path: Path) -> None:
    """Rows of another layout are refused and counted, not passed over."""
    with opened(tmp_path / "a.parquet", pa.table({"other": [1, 2]})) as rows:
        assert len(rows.read(0).decoded.rejected) == 2


def test_a_small_file_that_decodes_to_gigabytes_is_read_within_its_budget(tmp_path: Path) -> None:
    """A dictionary of one long text, repeated, comes in parts that fit."""
    codes = pa.array(np.zeros(20_000, np.int32))
    coded = pa.DictionaryArray.from_arrays(codes, pa.array(["x" * 2**19]))
    table = pa.table({"timestamp": times(20_000), "c": coded})

    with opened(tmp_path / "bomb.parquet", table) as rows:
        part = rows.read(0)

    assert (tmp_path / "bomb.parquet").stat().st_size < 2**19
    assert 0 < part.decoded.table.nbytes <= 2 * BUDGET
    assert not part.done


@pytest.mark.parametrize("bomb", [0, 1])
def test_ids_are_read_as_they_are_only_where_they_are_short(tmp_path: Path, bomb: int) -> None:
    """Of two large row groups the one whose ids are one long text, repeated, comes in parts that fit."""
    number, texts = 33_000, pa.dictionary(pa.int32(), pa.string())
    short = pa.array([f"id-{row}" for row in range(number)]).dictionary_encode()
    long = pa.DictionaryArray.from_arrays(pa.array(np.zeros(number, np.int32)), pa.array(["x" * 2**12]))
    path, row, most = tmp_path / "a.parquet", 0, 0
    with pq.ParquetWriter(path, pa.schema([("timestamp", times(1).type), ("id", texts)]), store_schema=False) as file:
        for ids in [long, short] if bomb == 0 else [short, long]:
            file.write_table(pa.table({"timestamp": times(number), "id": ids}))

    with opened(path, path.read_bytes(), replace(LAYOUT, id="id")) as rows:
        while row < rows.total:
            part = rows.read(row)
            row, most = part.next, max(most, part.decoded.table.nbytes)
    assert most <= 2 * BUDGET


def test_a_text_longer_than_a_line_may_be_is_no_value(tmp_path: Path) -> None:
    """It becomes null and is counted."""
    table = pa.table({"timestamp": times(2), "c": ["x" * (2**20 + 1), "UA"]})
    with opened(tmp_path / "a.parquet", table) as rows:
        decoded = rows.read(0).decoded

    assert decoded.table["inputs.c"].to_pylist() == [None, "UA"]
    assert decoded.mismatched == {"inputs.c": 1}


@pytest.mark.parametrize("content", [b"", b"hello, not Parquet", b"PAR1" + b"\x00" * 20, b"PAR1\xff\xff\xff\xffPAR1"])
def test_what_is_no_parquet_is_unreadable(tmp_path: Path, content: bytes) -> None:
    """The answer says so, and repeats nothing of the file."""
    with pytest.raises(Unreadable), opened(tmp_path / "a.parquet", content):
        pass


def test_a_file_cut_short_is_unreadable(tmp_path: Path) -> None:
    """A file whose footer is not written yet is not read."""
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.table({"timestamp": [datetime(2013, 7, 1, tzinfo=UTC)]}), whole)

    with pytest.raises(Unreadable), opened(tmp_path / "a.parquet", whole.read_bytes()[:-20]):
        pass
