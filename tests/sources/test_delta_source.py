"""A Delta table, each row of it read once, whatever is done to the table."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from monitor.errors import SourceUnavailable
from monitor.instant import from_text
from monitor.record import Column, Kind, Role
from monitor.sources.opening import Where, open_source
from tests.sources.foreign import DATABRICKS
from tests.sources.lakes import LAYOUT, Delta, Reader, arrow, minutes


@pytest.fixture
def table(tmp_path: Path) -> Delta:
    """Return a table of three commits of two rows."""
    made = Delta(tmp_path / "table")
    for first in (0, 2, 4):
        made.append(arrow(minutes(first, first + 1, first=first)))
    return made


def log_file(table: Delta, version: int) -> Path:
    """Return the file of a commit."""
    return table.folder / "_delta_log" / f"{version:020d}.json"


def write_commit(table: Delta, version: int, *actions: object) -> None:
    """Write a commit as some other writer would."""
    log_file(table, version).write_text("".join(f"{json.dumps(action)}\n" for action in actions))


def add_file(table: Delta, rows: pa.Table, name: str) -> None:
    """Commit a file as a writer does that says the least that it must."""
    pq.write_table(rows, table.folder / name)
    size = (table.folder / name).stat().st_size
    add = {"path": quote(name), "partitionValues": {}, "size": size, "modificationTime": 0, "dataChange": True}
    write_commit(table, table.open().version() + 1, {"add": add})


def test_files_that_are_compacted_add_nothing(table: Delta) -> None:
    """Files that are written anew are not read again, nor are those that a vacuum removes missed."""
    reader = Reader("delta", table.folder)
    assert reader.read() == [0, 1, 2, 3, 4, 5]
    table.open().optimize.compact()
    table.open().vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    table.append(arrow(minutes(6, first=6)))
    assert reader.read() == [6]
    assert reader.told() == []
    assert Reader("delta", table.folder, reader.positions).read() == []


def test_a_table_is_begun_as_it_stands(table: Delta) -> None:
    """A first look at a table that was compacted and vacuumed reads what stands in it, each row once."""
    table.open().optimize.compact()
    table.open().vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    table.append(arrow(minutes(6, first=6)))
    reader = Reader("delta", table.folder)
    assert sorted(reader.read()) == [0, 1, 2, 3, 4, 5, 6]
    assert reader.told() == []


@pytest.mark.parametrize("kept", [0, 1, 2, 3])
def test_a_first_look_is_carried_on_by_the_next_reader(table: Delta, kept: int) -> None:
    """What stood in the table at the first look is read on, though a checkpoint and later commits have come."""
    before = Reader("delta", table.folder)
    first = before.read(kept)
    table.open().create_checkpoint()
    table.open().optimize.compact()
    table.append(arrow(minutes(6, first=6)))
    after = Reader("delta", table.folder, before.positions)
    assert sorted(first + after.read()) == [0, 1, 2, 3, 4, 5, 6]
    assert before.told() + after.told() == []


def test_what_is_changed_is_told_and_what_was_read_stays(table: Delta) -> None:
    """A delete and an overwrite are counted, once each; what they write anew is not read, what is added later is."""
    reader = Reader("delta", table.folder)
    assert reader.read() == [0, 1, 2, 3, 4, 5]
    table.open().delete("request_id = 'id-3'")
    table.append(arrow(minutes(6, first=6)))
    write_deltalake(table.folder, arrow(minutes(7, first=7)), mode="overwrite")
    table.append(arrow(minutes(8, first=8)))
    assert reader.read() == [6, 8]
    stays = "what was read of them stays counted, and what it wrote is not read"
    assert reader.told() == [
        ("replaced", f"commit 3 changed or removed rows of 1 files: {stays}"),
        ("replaced", f"commit 5 changed or removed rows of 4 files: {stays}"),
    ]


def test_a_table_that_is_made_anew_is_read_from_its_begin(table: Delta) -> None:
    """Another table in the same folder is told of, and all of it is read, with however many commits it comes."""
    reader = Reader("delta", table.folder)
    assert reader.read() == [0, 1, 2, 3, 4, 5]
    shutil.rmtree(table.folder)
    for number in range(10, 16):
        table.append(arrow(minutes(number, first=number)))
    assert reader.read() == [10, 11, 12, 13, 14, 15]
    assert reader.told() == [("replaced", "was removed and made anew")]


def test_a_log_that_was_cleaned_is_told_as_lost(table: Delta) -> None:
    """Commits that were cleaned away before they were read are lost, and it goes on with the first that is there."""
    reader = Reader("delta", table.folder)
    assert reader.read() == [0, 1, 2, 3, 4, 5]
    for number in (6, 7, 8):
        table.append(arrow(minutes(number, first=number)))
    table.open().create_checkpoint()
    for version in range(4):
        log_file(table, version).unlink()
    assert reader.read() == [7, 8]
    assert reader.told() == [("lost", "commit 3 was cleaned from its log before it was read")]


def test_a_log_that_was_cleaned_behind_the_reader_loses_nothing(table: Delta) -> None:
    """That what was read is cleaned from the log is as it should be."""
    reader = Reader("delta", table.folder)
    assert reader.read() == [0, 1, 2, 3, 4, 5]
    table.append(arrow(minutes(6, first=6)))
    table.open().create_checkpoint()
    for version in range(3):
        log_file(table, version).unlink()
    again = Reader("delta", table.folder, reader.positions)
    assert again.read() == [6]
    assert again.told() == []


def test_half_a_commit_is_waited_for(table: Delta) -> None:
    """A commit that is not written to its end is told, and read once it is."""
    reader = Reader("delta", table.folder)
    reader.read()
    table.append(arrow(minutes(6, first=6)))
    whole = log_file(table, 3).read_bytes()
    log_file(table, 3).write_bytes(whole[: len(whole) // 2])
    assert reader.read() == []
    assert reader.source.away
    assert reader.source.problem() == f"{table.folder}: has a commit 3 that is not whole"
    with pytest.raises(SourceUnavailable, match="not whole"):
        Reader("delta", table.folder, dict(reader.positions), at_rest=True).read()
    log_file(table, 3).write_bytes(whole)
    reader.ahead += 60
    assert reader.read() == [6]
    assert (reader.source.problem(), reader.told()) == (None, [])


def test_files_that_cannot_be_had_are_refused_alone(table: Delta) -> None:
    """Of a file that is cut short the rest is unreadable, one that is missing is lost by its rows; others are read."""
    short, missing, _ = table.data()
    short.write_bytes(short.read_bytes()[:-10])
    missing.unlink()
    reader = Reader("delta", table.folder)
    assert reader.read() == [4, 5]
    refused = sum((batch.refused() for batch in reader.batches[1:]), start=reader.batches[0].refused())
    assert dict(refused) == {"unreadable": 1, "lost": 2}


def test_a_table_may_grow_columns_and_wider_types(table: Delta) -> None:
    """A column that came later is missing in earlier rows; whole numbers stand in a type that grew."""
    table.append(arrow(minutes(6, first=6), plan=["gold"]), schema_mode="merge")
    whole = pa.array([{"x": 7}], pa.struct([("x", pa.int32())]))
    add_file(table, arrow(minutes(7, first=7)).set_column(2, "inputs", whole), "odd name%.parquet")
    plan = Column("plan", "plan", Role.FEATURE, Kind.CATEGORICAL)
    reader = Reader("delta", table.folder, layout=replace(LAYOUT, columns=(*LAYOUT.columns, plan)))
    read = reader.read()
    plans = [each for batch in reader.batches for each in batch.table["plan"].to_pylist()]
    assert dict(zip(read, plans, strict=True)) == {number: "gold" if number == 6 else None for number in range(8)}


def test_partitions_are_columns(tmp_path: Path) -> None:
    """A column by which the table is partitioned stands in no file, and is read all the same; an empty one is null."""
    table = Delta(tmp_path / "table")
    table.append(arrow(minutes(0, 1, 2), plan=["gold", "a b/%", None]), partition_by=["plan"])
    plan = Column("plan", "plan", Role.FEATURE, Kind.CATEGORICAL)
    reader = Reader("delta", table.folder, layout=replace(LAYOUT, columns=(*LAYOUT.columns, plan)))
    read = reader.read()
    plans = [each for batch in reader.batches for each in batch.table["plan"].to_pylist()]
    assert dict(zip(read, plans, strict=True)) == {0: "gold", 1: "a b/%", 2: None}


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (
            {"add": {"path": "x.parquet", "size": 1, "dataChange": True, "deletionVector": {"storageType": "u"}}},
            "has deletion vectors, which are not read: rows that were deleted would count",
        ),
        (
            {"metaData": {"id": "i", "configuration": {"delta.columnMapping.mode": "name"}}},
            "names its columns otherwise in its files (delta.columnMapping.mode), which is not read",
        ),
        (
            {"protocol": {"minReaderVersion": 3, "readerFeatures": ["catalogManaged", "timestampNtz"]}},
            "needs of its readers what this version has not: catalogManaged",
        ),
        ({"protocol": {"minReaderVersion": 4}}, "needs of its readers what this version has not: a newer protocol"),
    ],
    ids=["vectors", "mapping", "feature", "protocol"],
)
def test_a_table_whose_files_say_not_all_is_refused(table: Delta, action: object, why: str) -> None:
    """What would be read wrongly is not read, and it is said why: of a table that is begun, and of one that goes on."""
    begun = Reader("delta", table.folder)
    begun.read()
    write_commit(table, 3, action)
    fresh = Reader("delta", table.folder)
    assert [fresh.read(), begun.read()] == [[], []]
    for reader in (fresh, begun):
        assert f"{table.folder}: {why}" in (reader.source.problem() or "")


def test_files_are_read_in_the_order_of_their_events(tmp_path: Path) -> None:
    """What stands in a table is read by where files begin, and no window closes before the others are read as far."""
    table = Delta(tmp_path / "table")
    for first in (20, 0, 10):
        table.append(arrow(minutes(first, first + 1, first=first)))
    reader = Reader("delta", table.folder)
    assert reader.read() == [0, 1, 10, 11, 20, 21]
    begins = [from_text(f"2026-01-05T10:{minute}:00Z") for minute in ("00", "10", "20")]
    assert [batch.hold for batch in reader.batches] == begins


def test_no_window_closes_before_a_file_of_which_the_log_says_nothing(table: Delta) -> None:
    """A file without figures in the log comes first, and what it may hold is waited for."""
    add_file(table, arrow(minutes(6, first=6)), "bare-1.parquet")
    add_file(table, arrow(minutes(7, first=7)), "bare-2.parquet")
    reader = Reader("delta", table.folder)
    assert sorted(reader.read(2)) == [6, 7]
    assert [batch.hold for batch in reader.batches] == [-(2**63)] * 2


def test_a_checkpoint_in_parts_is_read(table: Delta) -> None:
    """A checkpoint of the second kind names files of its own, in which the table's files stand."""
    actions = [json.loads(line) for version in range(3) for line in log_file(table, version).read_bytes().splitlines()]
    adds = [{"add": {"path": action["add"]["path"], "size": 1}} for action in actions if "add" in action]
    log = table.folder / "_delta_log"
    (log / "_sidecars").mkdir()
    pq.write_table(pa.Table.from_pylist(adds), log / "_sidecars" / "one.parquet")
    top = [action for action in actions if "metaData" in action or "protocol" in action]
    top += [{"sidecar": {"path": "one.parquet", "sizeInBytes": 1, "modificationTime": 0}}]
    name = log / f"{2:020d}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json"
    name.write_text("".join(f"{json.dumps(action)}\n" for action in top))
    for version in range(2):
        log_file(table, version).unlink()
    assert sorted(Reader("delta", table.folder).read()) == [0, 1, 2, 3, 4, 5]


def test_a_folder_without_a_table_is_waited_for(tmp_path: Path) -> None:
    """That there is no table yet is told, and it is read once it is there."""
    reader = Reader("delta", tmp_path / "table")
    assert reader.read() == []
    assert reader.source.problem() == f"{tmp_path}/table holds no delta table yet"
    Delta(tmp_path / "table").append(arrow(minutes(0, 1)))
    assert reader.read() == [0, 1]
    assert reader.source.problem() is None


def test_an_inference_table_is_read_as_one(tmp_path: Path) -> None:
    """Rows of Databricks' inference tables become records, of a table as of an export."""
    rows = {name: [value] for name, value in DATABRICKS.items()}
    Delta(tmp_path / "table").append(pa.table(rows))
    reader = Reader("delta", tmp_path / "table", format="databricks", layout=replace(LAYOUT, columns=()))
    source = open_source(reader.settings, reader.layout, Where(tmp_path, None))
    batch = source.read({})
    assert batch is not None
    assert (batch.table.num_rows, batch.rejected) == (1, ())
