"""An Iceberg table, each row of it read once, whatever is done to the table."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest

from monitor.instant import from_text
from monitor.record import Column, Kind, Role
from monitor.sources.lake.avro import rows_of
from tests.sources.lakes import LAYOUT, Iceberg, Reader, arrow, minutes

STAYS = "what was read of them stays counted, and what it wrote is not read"


@pytest.fixture
def table(tmp_path: Path) -> Iceberg:
    """Return a table of two snapshots of two rows."""
    made = Iceberg(tmp_path)
    for first in (0, 2):
        made.append(arrow(minutes(first, first + 1, first=first)))
    return made


def metadata(table: Iceberg) -> Path:
    """Return the newest file of metadata."""
    return max((table.folder / "metadata").glob("*.metadata.json"))


def edit(table: Iceberg, change: Callable[[dict[str, Any]], None]) -> None:
    """Write the next file of metadata, as some other writer would."""
    newest = metadata(table)
    told = json.loads(newest.read_text())
    change(told)
    number = int(newest.name.split("-")[0]) + 1
    (newest.parent / f"{number:05d}-edited.metadata.json").write_text(json.dumps(told))


def edit_avro(path: Path, **values: Any) -> None:
    """Set values in each row of a list of files."""
    data = path.read_bytes()
    reader = fastavro.reader(io.BytesIO(data))
    schema = reader.writer_schema
    assert schema is not None
    rows = [row | values for row in reader if isinstance(row, dict)]
    with path.open("wb") as file:
        fastavro.writer(file, schema, rows)


def local(uri: str) -> Path:
    """Return the file that a table names."""
    return Path(uri.removeprefix("file://"))


def test_files_that_are_compacted_add_nothing(table: Iceberg) -> None:
    """Snapshots that only write files anew are passed, and what is appended behind them is read."""
    reader = Reader("iceberg", table.folder)
    assert reader.read() == [0, 1, 2, 3]
    known = {each.snapshot_id for each in table.open().snapshots()}
    table.open().overwrite(arrow(minutes(0, 1, 2, 3)))

    def as_compaction(told: dict[str, Any]) -> None:
        for snapshot in told["snapshots"]:
            if snapshot["snapshot-id"] not in known:
                snapshot["summary"]["operation"] = "replace"

    edit(table, as_compaction)
    assert (reader.read(), reader.told()) == ([], [])
    newest = metadata(table)
    table.append(arrow(minutes(4, first=4)))  # by the catalog, that knows nothing of the edited file
    newest.unlink()
    edit(table, as_compaction_but_the_last(known))
    assert Reader("iceberg", table.folder, reader.positions).read() == [4]


def as_compaction_but_the_last(known: set[int]) -> Callable[[dict[str, Any]], None]:
    """Return a change that calls all snapshots compactions, but for the known ones and the current."""

    def change(told: dict[str, Any]) -> None:
        for snapshot in told["snapshots"]:
            if snapshot["snapshot-id"] not in {*known, told["current-snapshot-id"]}:
                snapshot["summary"]["operation"] = "replace"

    return change


def test_what_is_changed_is_told_and_what_was_read_stays(table: Iceberg) -> None:
    """Rows that are deleted are told, once for each snapshot, and what is appended later is read."""
    reader = Reader("iceberg", table.folder)
    assert reader.read() == [0, 1, 2, 3]
    table.open().delete("request_id = 'id-3'")
    table.append(arrow(minutes(4, first=4)))
    assert reader.read() == [4]
    assert reader.told() == [("replaced", f"a snapshot changed or removed rows (overwrite): {STAYS}")]


def test_a_table_that_is_made_anew_is_read_from_its_begin(table: Iceberg, tmp_path: Path) -> None:
    """Another table in the same folder is told of, and all of it is read."""
    reader = Reader("iceberg", table.folder)
    assert reader.read() == [0, 1, 2, 3]
    shutil.rmtree(table.folder)
    other = Iceberg(tmp_path)
    other.append(arrow(minutes(10, 11)))
    assert reader.read() == [10, 11]
    assert reader.told() == [("replaced", "was removed and made anew")]


def test_snapshots_that_expired_are_told_as_lost(table: Iceberg) -> None:
    """What was appended by snapshots that nobody has any more is lost, and the first that is left is read."""
    reader = Reader("iceberg", table.folder)
    assert reader.read() == [0, 1, 2, 3]
    for number in (4, 5, 6):
        table.append(arrow(minutes(number, first=number)))
    for snapshot in [each.snapshot_id for each in table.open().snapshots()][:3]:
        table.open().maintenance.expire_snapshots().by_id(snapshot).commit()
    assert reader.read() == [5, 6]
    assert reader.told() == [("lost", "snapshots expired before they were read")]


def test_what_was_read_may_expire(table: Iceberg) -> None:
    """Snapshots that expire once a later one was read are no loss."""
    reader = Reader("iceberg", table.folder)
    table.append(arrow(minutes(4, first=4)))
    assert reader.read() == [0, 1, 2, 3, 4]
    for snapshot in [each.snapshot_id for each in table.open().snapshots()][:2]:
        table.open().maintenance.expire_snapshots().by_id(snapshot).commit()
    table.append(arrow(minutes(5, first=5)))
    assert reader.read() == [5]
    assert reader.told() == []


def test_a_table_that_is_set_back_is_told(table: Iceberg) -> None:
    """What was read of snapshots that were taken back stays, it is told, and what is appended from there is read."""
    first = table.open().snapshots()[0].snapshot_id
    reader = Reader("iceberg", table.folder)
    assert reader.read() == [0, 1, 2, 3]
    table.open().manage_snapshots().rollback_to_snapshot(first).commit()
    assert reader.read() == []
    table.append(arrow(minutes(9, first=9)))
    assert reader.read() == [9]
    why = "was set back to an earlier snapshot: what was read of later ones stays counted"
    assert reader.told() == [("replaced", why)]


def test_half_a_file_of_metadata_is_waited_for(table: Iceberg) -> None:
    """Metadata that are not written to their end are told, and read once they are."""
    reader = Reader("iceberg", table.folder)
    reader.read()
    table.append(arrow(minutes(4, first=4)))
    whole = metadata(table).read_bytes()
    metadata(table).write_bytes(whole[: len(whole) // 2])
    assert reader.read() == []
    assert "has metadata that are not whole" in (reader.source.problem() or "")
    metadata(table).write_bytes(whole)
    reader.ahead += 60
    assert reader.read() == [4]


def test_delete_files_are_refused(table: Iceberg) -> None:
    """Rows that were deleted beside the files would count at a first look: none is read, and it is said why."""
    snapshot = table.open().current_snapshot()
    edit_avro(local(snapshot.manifest_list), content=1)
    reader = Reader("iceberg", table.folder)
    assert reader.read() == []
    assert "has delete files, which are not read" in (reader.source.problem() or "")


def test_a_file_that_is_no_parquet_is_refused_alone(table: Iceberg) -> None:
    """A file of another format is refused by its name, and the others are read."""
    first = table.open().snapshots()[0].manifests(table.open().io)[0].manifest_path
    data = local(first).read_bytes()
    rows = [row["data_file"] | {"file_format": "ORC"} for row in rows_of(data)]
    edit_avro(local(first), data_file=rows[0])
    reader = Reader("iceberg", table.folder)
    assert reader.read() == [2, 3]
    assert reader.told() == [("unreadable", "is ORC, and only Parquet is read")]


def test_partitions_are_columns_and_files_in_the_order_of_their_events(tmp_path: Path) -> None:
    """Files are read by where they begin, whatever the partition, and no window closes before the others are."""
    table = Iceberg(tmp_path)
    table.append(arrow(minutes(0, 10, 1, 11), plan=["gold", "free", "gold", "free"]), "plan")
    plan = Column("plan", "plan", Role.FEATURE, Kind.CATEGORICAL)
    reader = Reader("iceberg", table.folder, layout=replace(LAYOUT, columns=(*LAYOUT.columns, plan)))
    assert reader.read() == [0, 1, 10, 11]
    assert [batch.table["plan"].to_pylist() for batch in reader.batches] == [["gold"] * 2, ["free"] * 2]
    assert [batch.hold for batch in reader.batches] == [from_text(f"2026-01-05T10:0{at}:00Z") for at in (0, 1)]


def test_columns_are_known_by_their_ids(tmp_path: Path) -> None:
    """A column is read by the name that it has now, in files that were written under another name too."""
    table = Iceberg(tmp_path)
    table.append(arrow(minutes(0), **{"inputs.plan": ["gold"]}))
    with table.open().update_schema() as schema:
        schema.rename_column("inputs.plan", "tier")
        schema.rename_column("inputs.x", "y")
    grown = arrow(minutes(1, first=1), tier=["free"])
    table.append(grown.set_column(2, "inputs", pa.array([{"y": 1.0}])))
    columns = (Column("y", "inputs.y", Role.FEATURE, Kind.NUMERIC), Column("t", "tier", Role.FEATURE, Kind.CATEGORICAL))
    source = Reader("iceberg", table.folder, layout=replace(LAYOUT, columns=columns)).source
    batch = source.read({})
    assert batch is not None
    later = source.read({batch.file: batch.position})
    assert later is not None
    read = [(each.table["inputs.y"].to_pylist(), each.table["tier"].to_pylist()) for each in (batch, later)]
    assert read == [([0.0], ["gold"]), ([1.0], ["free"])]


def test_a_copy_of_a_table_is_read_where_it_lies(table: Iceberg, tmp_path: Path) -> None:
    """The files that a table names below its old place are looked for below the new one."""
    shutil.move(table.folder, tmp_path / "copied")
    assert Reader("iceberg", tmp_path / "copied").read() == [0, 1, 2, 3]


def test_a_list_of_files_that_is_damaged_is_told(table: Iceberg) -> None:
    """A list that is cut short is told by what is wrong with it, and no part of the snapshot is read."""
    path = local(table.open().current_snapshot().manifest_list)
    path.write_bytes(path.read_bytes()[:-30])
    reader = Reader("iceberg", table.folder)
    assert reader.read() == []
    assert "has a list of files that cannot be read" in (reader.source.problem() or "")
