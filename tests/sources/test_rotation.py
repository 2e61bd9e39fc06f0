"""Rotation, truncation and removal: nothing is lost or doubled that could be told, and what is lost is said."""

from __future__ import annotations

import gzip
import os
import shutil
import time
from pathlib import Path

import pytest

from monitor.sources.files import FilesSettings
from tests.sources.logs import Reader, line

ROTATED = FilesSettings(path="app.jsonl*")
ALONE = FilesSettings(path="app.jsonl")


def append(path: Path, *serials: int) -> None:
    """Append records."""
    with path.open("ab") as file:
        file.write(b"".join(line(serial) for serial in serials))


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.mark.parametrize("settings", [ROTATED, ALONE], ids=["in the pattern", "out of it"])
def test_a_renamed_file_is_read_to_its_end(tmp_path: Path, settings: FilesSettings) -> None:
    """What was written before the renaming is read, whether the new name matches or not, and nothing twice."""
    live, reader = tmp_path / "app.jsonl", Reader(tmp_path, settings)
    append(live, 1)
    reader.drain()
    append(live, 2)
    live.rename(tmp_path / "app.jsonl.1")
    append(live, 3)
    reader.restart()

    assert sorted(reader.drain().serials) == [1, 2, 3]
    assert reader.bytes_lost == 0


@pytest.mark.parametrize("settings", [ROTATED, ALONE], ids=["in the pattern", "out of it"])
def test_a_copied_and_truncated_file_is_read_from_the_copy(tmp_path: Path, settings: FilesSettings) -> None:
    """What was unread when the original was cut short is read from its copy, and lost is nothing."""
    live, reader = tmp_path / "app.jsonl", Reader(tmp_path, settings)
    append(live, 1)
    reader.drain()
    append(live, 2)
    shutil.copyfile(live, tmp_path / "app.jsonl.1")
    os.truncate(live, 0)
    append(live, 3)
    reader.restart()

    assert sorted(reader.drain().serials) == [1, 2, 3]
    assert reader.bytes_lost == 0
    assert any(batch.truncated for batch in reader.batches)


def test_a_copy_in_the_making_is_waited_for(tmp_path: Path) -> None:
    """Until the original is cut short, its copy is not taken for another log."""
    live, reader = tmp_path / "app.jsonl", Reader(tmp_path, ROTATED)
    append(live, 1, 2)
    shutil.copyfile(live, tmp_path / "app.jsonl.1")
    reader.drain()
    append(live, 3)
    reader.drain()
    os.truncate(live, 0)

    assert sorted(reader.drain().serials) == [1, 2, 3]


def test_two_files_of_one_content_are_both_read_in_the_end(tmp_path: Path) -> None:
    """A file that looks like a copy, but whose original stays, is a log of its own."""
    clock = Clock()
    append(tmp_path / "app.jsonl", 1)
    shutil.copyfile(tmp_path / "app.jsonl", tmp_path / "app.jsonl.1")
    reader = Reader(tmp_path, ROTATED, clock=clock).drain()
    assert reader.serials == [1]
    clock.ahead = 6

    assert reader.drain().serials == [1, 1]


def test_truncation_is_found_when_the_file_has_grown_past_the_offset(tmp_path: Path) -> None:
    """The size alone tells nothing; the bytes before the offset do."""
    live, reader = tmp_path / "app.jsonl", Reader(tmp_path, ALONE)
    append(live, 1)
    reader.drain()
    os.truncate(live, 0)
    append(live, 2, 3, 4)
    reader.restart()

    assert reader.drain().serials == [1, 2, 3, 4]


def test_bytes_seen_but_cut_away_are_reported(tmp_path: Path) -> None:
    """What a read saw and did not take is lost to the byte, once."""
    live, reader = (
        tmp_path / "app.jsonl",
        Reader(tmp_path, FilesSettings(path="app.jsonl", max_line=200), block_bytes=1),
    )
    append(live, 1, 2, 3)
    first = reader.step()
    assert first is not None
    unread = live.stat().st_size - first.position.offset
    os.truncate(live, 0)
    reader.restart()

    assert unread > 0
    assert reader.drain().bytes_lost == unread
    assert [batch.truncated for batch in reader.batches] == [False, True]


def test_a_file_removed_with_bytes_unread_is_reported(tmp_path: Path) -> None:
    """Once it has been gone for the time of a rotation, its rest is lost, once."""
    clock = Clock()
    live = tmp_path / "app.jsonl"
    settings = FilesSettings(path="app.jsonl", max_line=200)
    reader = Reader(tmp_path, settings, block_bytes=1, clock=clock)
    append(live, 1, 2, 3)
    first = reader.step()
    assert first is not None
    unread = first.position.size - first.position.offset
    live.unlink()
    assert reader.drain().bytes_lost == 0
    clock.ahead = 6

    assert reader.drain().bytes_lost == unread
    assert reader.drain().bytes_lost == unread


def test_an_inode_used_again_is_a_new_file(tmp_path: Path) -> None:
    """Removed and created again, at once and often: no record is missed."""
    live, reader = tmp_path / "app.jsonl", Reader(tmp_path, ALONE)
    for serial in range(50):
        append(live, serial)
        reader.drain()
        live.unlink()

    assert reader.serials == list(range(50))


def test_a_packed_rotation_is_not_read_again(tmp_path: Path) -> None:
    """A rotated file that is compressed is known by what it holds, and only its rest is read."""
    live, reader = tmp_path / "app.jsonl", Reader(tmp_path, ROTATED)
    append(live, 1)
    reader.drain()
    append(live, 2)
    (tmp_path / "app.jsonl.1.gz").write_bytes(gzip.compress(live.read_bytes()))
    live.unlink()
    append(live, 3)
    reader.restart()

    assert sorted(reader.drain().serials) == [1, 2, 3]


def test_a_torn_last_line_of_a_renamed_file_is_counted(tmp_path: Path) -> None:
    """Nobody will finish it: after a while it is refused as torn, once."""
    clock = Clock()
    live, reader = tmp_path / "app.jsonl", Reader(tmp_path, ROTATED, clock=clock)
    live.write_bytes(line(1) + line(2)[:30])
    reader.drain()
    live.rename(tmp_path / "app.jsonl.1")
    assert reader.drain().reasons == []
    clock.ahead = 6

    assert reader.drain().reasons == ["torn"]
    assert reader.drain().reasons == ["torn"]


def test_a_whole_last_line_of_a_renamed_file_is_read(tmp_path: Path) -> None:
    """A writer that ends without a newline loses nothing."""
    clock = Clock()
    live, reader = tmp_path / "app.jsonl", Reader(tmp_path, ROTATED, clock=clock)
    live.write_bytes(line(1) + line(2).rstrip(b"\n"))
    reader.drain()
    live.rename(tmp_path / "app.jsonl.1")
    clock.ahead = 6

    assert reader.drain().serials == [1, 2]


def test_files_are_known_again_when_the_device_has_another_number(tmp_path: Path) -> None:
    """A volume mounted anew, or restored from a copy, is not read a second time."""
    (tmp_path / "old").mkdir()
    append(tmp_path / "old/app.jsonl", 1, 2)
    reader = Reader(tmp_path, FilesSettings(path="old/*")).drain()
    kept = reader.positions
    (only,) = kept.values()
    shutil.copyfile(tmp_path / "old/app.jsonl", tmp_path / "old/restored")
    (tmp_path / "old/app.jsonl").unlink()
    (tmp_path / "old/restored").rename(tmp_path / "old/app.jsonl")
    append(tmp_path / "old/app.jsonl", 3)

    assert only.done
    assert reader.drain().serials == [1, 2, 3]
