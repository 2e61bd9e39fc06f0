"""Files that grow are read on where they were left, several as one stream in event time."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from monitor.record import Column, Kind, Layout, Role
from monitor.sources.files import FilesSettings
from monitor.sources.position import Position, Print
from tests.sources.logs import LAYOUT, SECOND, START, Reader, line

ALL = FilesSettings(path="*")


def test_a_growing_file_is_read_on(tmp_path: Path) -> None:
    """Each line comes once, across restarts, and a drained source says so."""
    log, reader = tmp_path / "a.jsonl", Reader(tmp_path, ALL)
    log.write_bytes(line(1))
    reader.drain()
    with log.open("ab") as file:
        file.write(line(2) + line(3))
    reader.restart()

    assert reader.drain().serials == [1, 2, 3]


def test_a_half_line_waits_for_its_end(tmp_path: Path) -> None:
    """A line whose newline is not written yet is neither read nor counted as bad."""
    log, reader = tmp_path / "a.jsonl", Reader(tmp_path, ALL)
    log.write_bytes(line(1) + line(2)[:20])
    assert reader.drain().serials == [1]
    with log.open("ab") as file:
        file.write(line(2)[20:])
    reader.restart()

    assert reader.drain().serials == [1, 2]
    assert not reader.rejected


def test_a_read_that_is_not_kept_is_read_again(tmp_path: Path) -> None:
    """The same files and positions give the same batch: a source changes nothing."""
    (tmp_path / "a.jsonl").write_bytes(line(1) + line(2))
    source = Reader(tmp_path, ALL).source

    first, again = source.read({}), source.read({})

    assert first is not None
    assert again is not None
    assert first.table == again.table
    assert first.position == again.position


def test_blocks_of_any_size_give_the_same_rows(tmp_path: Path) -> None:
    """How much is read at once changes no row and no refusal."""
    (tmp_path / "a.jsonl").write_bytes(b"".join(line(serial) for serial in range(200)) + b"broken\n" + line(200))
    readers = [Reader(tmp_path, FilesSettings(path="*", max_line=400), block_bytes=size) for size in (1, 700, 2**20)]

    assert {tuple(reader.drain().serials) for reader in readers} == {tuple(range(201))}
    assert {tuple(reader.reasons) for reader in readers} == {("json_syntax",)}


def test_files_come_in_event_time(tmp_path: Path) -> None:
    """Of several files the one that is furthest behind is read, whatever its name."""
    (tmp_path / "z.jsonl").write_bytes(b"".join(line(serial) for serial in range(30)))
    (tmp_path / "a.jsonl").write_bytes(b"".join(line(serial) for serial in range(30, 60)))
    reader = Reader(tmp_path, FilesSettings(path="*", max_line=200), block_bytes=1)

    assert reader.drain().serials == list(range(60))


def test_hold_tells_how_far_the_other_files_are(tmp_path: Path) -> None:
    """No watermark may pass a file that has records left; a drained one holds nobody back."""
    (tmp_path / "a.jsonl").write_bytes(line(1, 100))
    (tmp_path / "b.jsonl").write_bytes(line(2, 200))
    reader = Reader(tmp_path, ALL).drain()

    assert [batch.hold for batch in reader.batches] == [START + 200 * SECOND, None]
    assert [batch.position.newest for batch in reader.batches] == [START + 100 * SECOND, START + 200 * SECOND]


def test_a_list_of_patterns_reads_each_file_once(tmp_path: Path) -> None:
    """Patterns that overlap, and links to one file, do not double a record."""
    (tmp_path / "a.jsonl").write_bytes(line(1))
    (tmp_path / "b.jsonl").hardlink_to(tmp_path / "a.jsonl")
    (tmp_path / "c.jsonl").symlink_to(tmp_path / "a.jsonl")

    assert Reader(tmp_path, FilesSettings(path=["*.jsonl", "a*"])).drain().serials == [1]


def test_targets_need_an_id_and_no_time(tmp_path: Path) -> None:
    """A target without an id is refused; one without a time is not."""
    layout = Layout(
        "timestamp",
        (Column("target", "target", Role.TARGET, Kind.CATEGORICAL),),
        id="request_id",
        needs_timestamp=False,
        needs_id=True,
    )
    (tmp_path / "t.jsonl").write_bytes(b'{"request_id":"a","target":1}\n{"target":0}\n')

    reader = Reader(tmp_path, ALL, layout).drain()

    assert reader.batches[0].table.to_pylist() == [{"timestamp": None, "target": "1", "request_id": "a"}]
    assert reader.reasons == ["id_missing"]


def test_csv_goes_on_below_its_header(tmp_path: Path) -> None:
    """The header counts for lines appended later, after a restart too."""
    log, reader = tmp_path / "a.csv", Reader(tmp_path, ALL)
    log.write_bytes(b"timestamp,request_id,temp\n2013-07-01,1,5\n")
    reader.drain()
    with log.open("ab") as file:
        file.write(b"2013-07-01,2,6\n")
    reader.restart()

    assert reader.drain().serials == [1, 2]


@pytest.mark.parametrize("rows", [1, 10])
def test_csv_files_with_one_header_are_all_read(tmp_path: Path, rows: int) -> None:
    """A common header, and a common first row, do not make one file of many."""
    for file in range(20):
        body = "".join(f"2013-07-01,{file}{row},5\n" for row in range(rows))
        (tmp_path / f"{file}.csv").write_text(f"timestamp,request_id,temp\n2013-07-01,0,5\n{body}")

    assert len(Reader(tmp_path, ALL).drain().ids) == 20 * (rows + 1)


def test_a_whole_file_needs_no_last_newline_at_rest(tmp_path: Path) -> None:
    """A replay takes the last line as it stands."""
    (tmp_path / "a.jsonl").write_bytes(line(1) + line(2).rstrip(b"\n"))

    assert Reader(tmp_path, ALL, at_rest=True).drain().serials == [1, 2]


def test_all_formats_give_the_same_rows(tmp_path: Path) -> None:
    """The same records as lines, packed lines, CSV and Parquet are the same table."""
    serials = range(50)
    lines = b"".join(line(serial) for serial in serials)
    ids, temps = [str(serial) for serial in serials], [serial / 2 for serial in serials]
    moments = pa.array([START + serial * SECOND for serial in serials], pa.timestamp("us", "UTC"))
    rows = "".join(f"{at.as_py().isoformat()},{i},{t},UA\n" for at, i, t in zip(moments, ids, temps, strict=True))
    (tmp_path / "1.jsonl").write_bytes(lines)
    (tmp_path / "2.jsonl.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "3.jsonl.zst").write_bytes(pa.compress(lines, "zstd", asbytes=True))
    (tmp_path / "4.csv").write_text("timestamp,request_id,inputs.temp,inputs.carrier\n" + rows)
    inputs = pa.array([{"temp": temp, "carrier": "UA"} for temp in temps])
    pq.write_table(pa.table({"timestamp": moments, "request_id": ids, "inputs": inputs}), tmp_path / "5.parquet")

    tables = [
        Reader(tmp_path, FilesSettings(path=f"{n}.*"), at_rest=True).drain().batches[0].table for n in range(1, 6)
    ]

    assert all(table == tables[0] for table in tables)
    assert tables[0].num_rows == 50


def test_a_position_survives_json() -> None:
    """What is stored is what was given."""
    position = Position("a", 1, 2, 3, 4, Print(3, 3, "x"), (Print(3, 3, "x"),), newest=5, inside=True, fault="f")

    assert Position.from_json(position.to_json()) == position


@pytest.mark.parametrize("path", ["", [], [""]])
def test_a_source_needs_a_pattern(path: str | list[str]) -> None:
    """No path, or an empty one, is a fault of the config."""
    with pytest.raises(ValidationError):
        FilesSettings(path=path)


def test_many_more_files_than_descriptors_are_read(tmp_path: Path) -> None:
    """Files are opened one after the other."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are counted, not used
    for file in range(60):
        (tmp_path / f"{file}.jsonl.gz").write_bytes(gzip.compress(line(file)))
    reader = Reader(tmp_path, ALL, LAYOUT, at_rest=True)

    assert sorted(reader.drain().serials) == list(range(60))
    assert len(os.listdir("/proc/self/fd")) <= before + 8  # noqa: PTH208 - as above
