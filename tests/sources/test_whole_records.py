"""Records as they stand in their log, beside their fields; and the table that they give again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.errors import ReferenceUnusable
from monitor.record import TEXTS, WHOLE, Column, Kind, Layout, Role
from monitor.sources.files import FilesSettings, FilesSource
from monitor.sources.formats.whole import whole_rows
from monitor.sources.tables import read_table
from monitor.sources.whole import decode_whole, in_tables, table_of

LAYOUT = Layout("timestamp", (), id="request_id", whole=True)
LINES = (
    '{"timestamp":"2013-07-01T09:15:00Z","request_id":"a","inputs":{"temp":1.5,"code":"007"},"on":true}',
    '{"timestamp":"2013-07-01T09:16:00Z","request_id":"b","inputs":{"temp":2,"code":null},"on":false}',
)
CSV = "timestamp,request_id,temp,code\n2013-07-01T09:15:00Z,a,1.5,007\n2013-07-01T09:16:00Z,b,,x\n"


def read(root: Path, name: str, layout: Layout = LAYOUT) -> pa.Table:
    """Return the one batch of a file at rest."""
    source = FilesSource(FilesSettings(path=name), layout, root, at_rest=True)
    batch = source.read({})
    source.close()
    assert batch is not None
    return batch.table


def test_a_line_stays_as_it_is_written(tmp_path: Path) -> None:
    """Of JSON lines the very text is kept, without what stands around it; a line that is refused leaves none."""
    (tmp_path / "log.jsonl").write_text(f"\ufeff{LINES[0]}\r\n[1]\n{LINES[1]}\n")
    table = read(tmp_path, "log.jsonl")
    assert table[WHOLE].to_pylist() == list(LINES)
    assert table[TEXTS].to_pylist() == [False, False]


def test_many_lines_stay_as_they_are_written(tmp_path: Path) -> None:
    """What is read as a whole block is kept as what is read line by line."""
    (tmp_path / "log.jsonl").write_text("\n".join(LINES * 200) + "\n")
    assert read(tmp_path, "log.jsonl")[WHOLE].to_pylist() == list(LINES) * 200


@pytest.mark.parametrize("name", ["log.jsonl", "log.csv"])
def test_records_give_the_table_of_their_file(tmp_path: Path, name: str) -> None:
    """The table of the records is that which the file itself is read as, type by type."""
    (tmp_path / name).write_text("\n".join([*LINES, ""]) if name.endswith("jsonl") else CSV)
    whole = read(tmp_path, name)
    again = table_of(whole[WHOLE].to_pylist(), texts=whole[TEXTS][0].as_py())
    assert again.equals(read_table(tmp_path / name))


@pytest.mark.parametrize("name", ["log.jsonl", "log.csv", "log.parquet"])
def test_records_are_read_again_as_from_their_file(tmp_path: Path, name: str) -> None:
    """By a layout that names columns the kept records give what the file gives."""
    (tmp_path / "log.jsonl").write_text("\n".join([*LINES, ""]))
    (tmp_path / "log.csv").write_text(CSV)
    pq.write_table(read_table(tmp_path / "log.csv"), tmp_path / "log.parquet")
    columns = (
        Column("temp", "inputs.temp", Role.FEATURE, Kind.NUMERIC),
        Column("code", "inputs.code", Role.FEATURE, Kind.CATEGORICAL),
    )
    layout = Layout("timestamp", columns, id="request_id")
    again = decode_whole(read(tmp_path, name)[WHOLE].to_pylist(), layout).table
    assert again.equals(read(tmp_path, name, layout))


def test_a_row_of_a_table_is_written_in_the_words_of_json() -> None:
    """Instants become text, decimals numbers, what is not a number nothing, and bytes nothing."""
    table = pa.table(
        {
            "at": pa.array([datetime(2013, 7, 1, 9, tzinfo=UTC)], pa.timestamp("ns", "UTC")),
            "day": [date(2013, 7, 1)],
            "price": [Decimal("1.5")],
            "none": [float("nan")],
            "raw": [b"x"],
            "inner": [{"a": [1.0, float("nan")]}],
            "coded": pa.array(["é"]).dictionary_encode(),
        }
    )
    (written,) = whole_rows(table).to_pylist()
    assert written.startswith('{"at":"2013-07-01T09:00:00Z","day":"2013-07-01","price":1.5,"none":null,"raw":null,')
    assert written.endswith('"inner":{"a":[1.0,null]},"coded":"é"}')


def test_a_key_that_came_twice_goes_into_no_table() -> None:
    """Which records a table cannot hold is told one by one; all together are refused."""
    records = [LINES[0], LINES[1].replace('"temp"', '"code":1,"temp"')]
    assert in_tables(records) == [True, False]
    with pytest.raises(ReferenceUnusable, match="a key came twice"):
        table_of(records, texts=False)
