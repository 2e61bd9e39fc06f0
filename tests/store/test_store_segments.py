from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.errors import StoreBusy
from monitor.store.database import State
from monitor.store.segment import (
    Segment,
    add_segment,
    drop_segments,
    load_rows,
    remove_files,
    remove_unnamed,
    rewrite_segments,
    segments,
    write_segment,
)


def _keep(state: State, pane_at: int, table: pa.Table, version: str = "1") -> Segment:
    segment = write_segment(state.directory, "m", version, pane_at, table)
    with state.write() as connection:
        add_segment(connection, segment)
    return segment


def _rows(state: State, start: int, end: int, **wanted: list[str]) -> pa.Table:
    with state.read() as connection:
        named = segments(connection, "m", start, end)
    rows = load_rows(state.directory, named, start, end, **wanted)
    assert rows.table is not None
    return rows.table


def _files(state: State) -> set[str]:
    rows = state.directory / "rows"
    return {path.relative_to(rows).as_posix() for path in rows.rglob("*.parquet")}


def test_rows_come_back_between_two_instants(state: State) -> None:
    """Rows of [start, end) come back by instant from every segment that has some."""
    _keep(state, 0, pa.table({"timestamp": [5, 1, 3], "temp": [0.5, 0.1, 0.3]}))
    _keep(state, 10, pa.table({"timestamp": [12, 10, 3], "temp": [1.2, 1.0, 9.9]}))
    found = _rows(state, 3, 12)
    assert found.to_pydict() == {"timestamp": [3, 3, 5, 10], "temp": [0.3, 9.9, 0.5, 1.0]}


def test_a_segment_says_what_it_holds(state: State) -> None:
    """A segment's facts are those of its file."""
    segment = _keep(state, 7, pa.table({"timestamp": [9, 7]}), version="é/../2")
    path = state.directory / "rows" / segment.name
    with state.read() as connection:
        assert segments(connection, "m", 0, 100, version="é/../2") == [segment]
    assert (segment.pane_at, segment.first_at, segment.last_at, segment.rows) == (7, 7, 9, 2)
    assert segment.bytes == path.stat().st_size
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_model_cannot_name_a_folder_elsewhere(state: State) -> None:
    """Whatever a model is called, its rows stay below the state's."""
    segment = write_segment(state.directory, "../../x", "1", 0, pa.table({"timestamp": [1]}))
    assert _files(state) == {segment.name}


def test_only_the_columns_asked_for_are_read(state: State) -> None:
    """A column that one segment lacks is null there; the timestamp is always among them."""
    _keep(state, 0, pa.table({"timestamp": [1], "a": [1], "b": ["x"]}))
    _keep(state, 0, pa.table({"timestamp": [2], "b": ["y"], "c": [True]}))
    found = _rows(state, 0, 10, columns=["a", "c"])
    assert found.to_pydict() == {"timestamp": [1, 2], "a": [1, None], "c": [None, True]}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (pa.array([1]), pa.array([0.5]), [1.0, 0.5]),
        (pa.array([None]), pa.array(["x"]), [None, "x"]),
        (pa.array([1]), pa.array(["x"]), ["1", "x"]),
        (pa.array(["a"]).dictionary_encode(), pa.array(["b"]), ["a", "b"]),
        (pa.array([[1.0, 2.0]]), pa.array(["x"]), ["[1.0, 2.0]", "x"]),
        (pa.array([2**60]), pa.array([0.5]), [str(2**60), "0.5"]),
    ],
)
def test_a_column_may_change_its_type(state: State, first: pa.Array, second: pa.Array, expected: list[object]) -> None:
    """Rows from before and after a change of a column's type are read together, as text if nothing else holds both."""
    _keep(state, 0, pa.table({"timestamp": [1], "x": first}))
    _keep(state, 0, pa.table({"timestamp": [2], "x": second}))
    assert _rows(state, 0, 10)["x"].to_pylist() == expected


@pytest.mark.parametrize("damage", ["removed", "cut", "scribbled"])
def test_a_damaged_segment_is_told_of_and_the_others_are_read(state: State, damage: str) -> None:
    """A file that is gone or broken is named in the answer; nothing is raised and no row is invented."""
    bad = _keep(state, 0, pa.table({"timestamp": [1]}))
    _keep(state, 0, pa.table({"timestamp": [2]}))
    path = state.directory / "rows" / bad.name
    content = path.read_bytes()
    path.unlink()
    if damage != "removed":
        path.write_bytes(content[:-20] if damage == "cut" else b"PAR1" * 30)
    with state.read() as connection:
        rows = load_rows(state.directory, segments(connection, "m", 0, 10), 0, 10)
    assert rows.table is not None
    assert (rows.table["timestamp"].to_pylist(), rows.unreadable) == ([2], (bad.name,))


def test_no_rows_are_none(state: State) -> None:
    """Where nothing was kept there is no table, and nothing unreadable."""
    rows = load_rows(state.directory, [], 0, 10)
    assert (rows.table, rows.unreadable) == (None, ())


def test_only_files_without_a_name_are_removed(state: State) -> None:
    """Named segments stay; one whose transaction failed, and a file half written, go."""
    named = _keep(state, 0, pa.table({"timestamp": [1]}))
    write_segment(state.directory, "m", "1", 0, pa.table({"timestamp": [2]}))
    (state.directory / "rows" / "m" / "half.parquet").write_bytes(b"PAR1")
    assert (remove_unnamed(state), _files(state)) == (2, {named.name})


def test_several_segments_become_one(state: State) -> None:
    """A rewrite keeps the rows that it is told to, in one file, and the old files are gone."""
    old = [_keep(state, at, pa.table({"timestamp": [at, at + 1], "x": [at, at]})) for at in (0, 10)]
    before = _rows(state, 0, 100)
    new = rewrite_segments(state, old, lambda table: table)
    assert new is not None
    assert (_files(state), new.pane_at, new.rows) == ({new.name}, 0, 4)
    assert _rows(state, 0, 100).equals(before)


def test_a_rewrite_that_keeps_nothing_leaves_nothing(state: State) -> None:
    """When no row is kept, no file is."""
    old = [_keep(state, 0, pa.table({"timestamp": [1]}))]
    assert rewrite_segments(state, old, lambda table: table.slice(0, 0)) is None
    assert _files(state) == set()


def test_a_rewrite_leaves_alone_what_it_cannot_read(state: State) -> None:
    """A broken segment keeps its name, so that its loss goes on being told of."""
    old = [_keep(state, 0, pa.table({"timestamp": [at]})) for at in (1, 2)]
    (state.directory / "rows" / old[0].name).write_bytes(b"")
    new = rewrite_segments(state, old, lambda table: table)
    with state.read() as connection:
        names = {segment.name for segment in segments(connection, "m", 0, 10)}
    assert new is not None
    assert (new.rows, names) == (1, {old[0].name, new.name})


def test_a_name_and_its_file_go_in_that_order(state: State) -> None:
    """Dropped segments are not read any more, and their files can be removed twice."""
    gone, stays = (_keep(state, 0, pa.table({"timestamp": [at]})) for at in (1, 2))
    with state.write() as connection:
        drop_segments(connection, [gone])
    remove_files(state.directory, [gone])
    remove_files(state.directory, [gone])
    assert (_files(state), _rows(state, 0, 10)["timestamp"].to_pylist()) == ({stays.name}, [2])


def test_rows_that_cannot_be_written_are_busy(tmp_path: Path) -> None:
    """When the folder cannot be made, the rows can be kept later: StoreBusy, and nothing is left."""
    (tmp_path / "rows").write_text("in the way")
    with pytest.raises(StoreBusy):
        write_segment(tmp_path, "m", "1", 0, pa.table({"timestamp": [1]}))
