from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.errors import FatalError
from monitor.store.daemon import load_meta, save_meta
from monitor.store.database import StateSettings, open_state
from monitor.store.target import save_targets


def _make(root: Path) -> Path:
    """Begin a state with 20,000 targets, close it and return its file."""
    state = open_state(StateSettings(), root)
    with state.write() as connection:
        save_targets(connection, "m", [(f"{number:08}", "0", number) for number in range(20_000)])
        save_meta(connection, "x", {"n": 1})
    state.close()
    return state.path


def _zero(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(4096, len(content), 4096):
        content[place : place + 64] = bytes(byte ^ 0xFF for byte in content[place : place + 64])
    path.write_bytes(content)


def _truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _scribble(path: Path) -> None:
    path.write_text("hello, I am no database\n" * 100)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("damage", [_zero, _scribble, lambda path: path.write_bytes(b"")])
def test_what_is_no_database_is_told_of_and_left_alone(
    tmp_path: Path, damage: Callable[[Path], None], exclusive: bool
) -> None:
    """An emptied, zeroed or overwritten file stops the start with what to do, and is not touched."""
    path = _make(tmp_path)
    damage(path)
    before = path.read_bytes()
    with pytest.raises(FatalError) as caught:
        open_state(StateSettings(), tmp_path, exclusive=exclusive)
    assert (caught.value.code, path.read_bytes() == before) == ("E312", True)
    assert "restore" in caught.value.hint


@pytest.mark.parametrize("damage", [_flip, _truncate])
def test_damaged_pages_are_found_at_the_start(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """Flipped bytes and a lost half are found before anything is judged from them, and the file is not touched."""
    path = _make(tmp_path)
    damage(path)
    before = path.read_bytes()
    with pytest.raises(FatalError) as caught:
        open_state(StateSettings(), tmp_path)
    assert (caught.value.code, path.read_bytes() == before) == ("E312", True)


def test_a_start_that_failed_holds_no_lock(tmp_path: Path) -> None:
    """After the file is moved away, as the error says, the next start begins anew."""
    path = _make(tmp_path)
    _zero(path)
    with pytest.raises(FatalError):
        open_state(StateSettings(), tmp_path)
    path.rename(tmp_path / "aside")
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    open_state(StateSettings(), tmp_path).close()


def _crash(root: Path) -> None:
    """Commit once more in a process that is killed, so that the newest commit is in the log only."""
    program = """
import os, sys
from pathlib import Path
from monitor.store.daemon import save_meta
from monitor.store.database import StateSettings, open_state
state = open_state(StateSettings(), Path(sys.argv[1]))
with state.write() as connection:
    save_meta(connection, "x", {"n": 2})
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", program, str(root)], check=False)


def _value(root: Path) -> object:
    state = open_state(StateSettings(), root)
    with state.read() as connection:
        body = load_meta(connection, "x")
    state.close()
    return body


def test_the_log_of_a_killed_process_is_read(tmp_path: Path) -> None:
    """A commit that is in the log only is there after the next start."""
    _make(tmp_path)
    _crash(tmp_path)
    assert _value(tmp_path) == {"n": 2}


@pytest.mark.parametrize("keep", [0, 0.5])
def test_a_lost_log_gives_the_state_before_it(tmp_path: Path, keep: float) -> None:
    """With the log deleted or cut, the start goes on from the last commit that is whole."""
    path = _make(tmp_path)
    _crash(tmp_path)
    log = path.with_name("state.db-wal")
    log.write_bytes(log.read_bytes()[: int(log.stat().st_size * keep)])
    assert _value(tmp_path) == {"n": 1}


def test_a_log_without_its_file_is_not_played_into_a_new_one(tmp_path: Path) -> None:
    """When the file is gone and its log is there, the start stops: old pages must not come up in a new state."""
    path = _make(tmp_path)
    _crash(tmp_path)
    path.unlink()
    with pytest.raises(FatalError) as caught:
        open_state(StateSettings(), tmp_path)
    assert caught.value.code == "E312"


def test_damage_met_while_reading_is_fatal(tmp_path: Path) -> None:
    """A page that goes bad under a running daemon stops the read with E312, not with the driver's error."""
    path = _make(tmp_path)
    state = open_state(StateSettings(), tmp_path, exclusive=False)
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(FatalError) as caught, state.read() as connection:
        load_meta(connection, "x")
    state.close()
    assert caught.value.code == "E312"


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("version", ["9999", "3f2a8c"])
def test_a_newer_schema_is_left_alone(tmp_path: Path, version: str, exclusive: bool) -> None:
    """A state that a newer Driftline wrote stops the start with E311, byte for byte as it was."""
    path = _make(tmp_path)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(FatalError) as caught:
        open_state(StateSettings(), tmp_path, exclusive=exclusive)
    assert (caught.value.code, path.read_bytes() == before) == ("E311", True)


def test_the_database_of_another_program_is_not_ours(tmp_path: Path) -> None:
    """A SQLite file without our tables is neither used nor changed."""
    directory = tmp_path / ".driftline"
    directory.mkdir()
    connection = sqlite3.connect(directory / "state.db")
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    with pytest.raises(FatalError) as caught:
        open_state(StateSettings(), tmp_path)
    assert caught.value.code == "E312"


def test_a_begin_that_was_cut_short_is_begun_again(tmp_path: Path) -> None:
    """What a crash left of a half-made state is thrown away: it held nothing."""
    directory = tmp_path / ".driftline"
    directory.mkdir()
    (directory / "state.db.new").write_bytes(b"SQLite fo")
    (directory / "state.db.new-wal").write_bytes(b"x" * 50)
    open_state(StateSettings(), tmp_path).close()
    assert sorted(path.name for path in directory.iterdir()) == ["lock", "state.db"]
