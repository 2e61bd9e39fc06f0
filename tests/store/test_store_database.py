from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from monitor.errors import FatalError, StoreBusy
from monitor.store.daemon import Daemon, load_daemon, load_meta, save_daemon, save_meta
from monitor.store.database import State, StateSettings, open_state
from monitor.store.segment import write_segment
from monitor.store.target import count_targets, save_targets


def _modes(directory: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in directory.rglob("*") if path.is_file()}


def _save_and_fail(state: State) -> None:
    with state.write() as connection:
        save_meta(connection, "x", {"n": 1})
        raise ZeroDivisionError


def _save_within_pages(state: State, rows: list[tuple[str, str, int]], pages: int) -> None:
    with state.write() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        save_targets(connection, "m", rows)


def test_what_is_written_is_read_after_a_restart(tmp_path: Path) -> None:
    """What a transaction wrote is there when the state is opened again."""
    first = open_state(StateSettings(), tmp_path)
    with first.write() as connection:
        save_meta(connection, "x", {"n": 1})
    first.close()
    second = open_state(StateSettings(), tmp_path)
    with second.read() as connection:
        assert load_meta(connection, "x") == {"n": 1}
    second.close()


def test_an_exception_undoes_the_whole_transaction(state: State) -> None:
    """Nothing of a transaction that raised is kept."""
    with pytest.raises(ZeroDivisionError):
        _save_and_fail(state)
    with state.read() as connection:
        assert load_meta(connection, "x") is None


def test_a_reader_sees_one_snapshot(state: State) -> None:
    """A read that began before a commit does not see half of its rows, nor any."""
    with state.read() as reader:
        assert load_meta(reader, "x") is None
        with state.write() as writer:
            save_meta(writer, "x", {"n": 1})
        assert load_meta(reader, "x") is None
    with state.read() as reader:
        assert load_meta(reader, "x") == {"n": 1}


def test_a_reader_cannot_write(state: State) -> None:
    """The connection lent for reading refuses to write."""
    with pytest.raises(StoreBusy, match="read-only"), state.read() as connection:
        save_meta(connection, "x", {"n": 1})


def test_threads_write_in_turn(state: State) -> None:
    """Read-then-write transactions of several threads lose no update."""

    def add() -> None:
        for _ in range(50):
            with state.write() as connection:
                body = load_meta(connection, "n") or {"n": 0}
                save_meta(connection, "n", {"n": body["n"] + 1})

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with state.read() as connection:
        assert load_meta(connection, "n") == {"n": 200}


def test_a_write_within_a_write_is_refused(state: State) -> None:
    """A transaction within a transaction raises at once instead of waiting for itself for ever."""
    with state.write(), pytest.raises(RuntimeError, match="within"), state.write():
        pass


def test_a_durable_write_waits_for_the_disk_and_the_next_does_not(state: State) -> None:
    """``durable`` sets synchronous to FULL (2) for its own transaction, and NORMAL (1) holds after it."""
    with state.write(durable=True) as connection:
        within = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    with state.write() as connection:
        after = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    assert (within, after) == (2, 1)


def test_a_full_disk_is_busy_and_undone_and_the_next_write_works(state: State) -> None:
    """When the database cannot grow, a write raises StoreBusy and keeps nothing; with room it works again."""
    rows = [(str(number), "0", 0) for number in range(10_000)]
    with pytest.raises(StoreBusy, match="full"):
        _save_within_pages(state, rows, 60)
    full = state.writable
    with state.write() as connection:
        assert count_targets(connection, "m") == 0
        save_targets(connection, "m", rows)
    assert (full, state.writable) == (False, True)


def test_a_file_that_cannot_grow_is_busy(tmp_path: Path) -> None:
    """A write that the system refuses, here by a limit on file size, raises StoreBusy, not the driver's error."""
    program = f"""
import resource, signal
from pathlib import Path
from monitor.errors import StoreBusy
from monitor.store.database import StateSettings, open_state
from monitor.store.target import save_targets
state = open_state(StateSettings(), Path({str(tmp_path)!r}))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
try:
    with state.write() as connection:
        save_targets(connection, "m", [(str(number), "0", 0) for number in range(100_000)])
except StoreBusy as error:
    print("busy", state.writable)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "busy False\n"


def test_everything_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """Under umask 000 the directory is 0700 and every file in it 0600."""
    pa = pytest.importorskip("pyarrow")
    before = os.umask(0)
    try:
        state = open_state(StateSettings(), tmp_path)
        with state.write() as connection:
            save_meta(connection, "x", {})
        write_segment(state.directory, "m", "1", 0, pa.table({"timestamp": [1]}))
        folders = {stat.S_IMODE(path.stat().st_mode) for path in [state.directory, *state.directory.glob("rows/**")]}
        files = _modes(state.directory)
        state.close()
    finally:
        os.umask(before)
    assert (folders, files) == ({0o700}, {0o600})


def test_an_open_directory_of_ours_is_closed(tmp_path: Path) -> None:
    """A state directory that was made with rights for all loses them."""
    directory = tmp_path / ".driftline"
    directory.mkdir()
    directory.chmod(0o777)
    open_state(StateSettings(), tmp_path).close()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_closing_leaves_one_whole_file(tmp_path: Path) -> None:
    """After close the log is in the file, so that a copy of the directory is a copy of the state."""
    state = open_state(StateSettings(), tmp_path)
    with state.write() as connection:
        save_meta(connection, "x", {"n": 1})
    state.close()
    state.close()
    assert sorted(path.name for path in state.directory.iterdir()) == ["lock", "state.db"]


def test_a_closed_state_refuses_to_write(tmp_path: Path) -> None:
    """A write after close raises instead of opening the file behind the lock's back."""
    state = open_state(StateSettings(), tmp_path)
    state.close()
    with pytest.raises(RuntimeError, match="closed"), state.write():
        pass


def test_a_state_removed_in_use_is_fatal(state: State) -> None:
    """A write to a file whose name is gone stops the daemon: it would be kept nowhere."""
    shutil.rmtree(state.directory)
    with pytest.raises(FatalError) as caught, state.write():
        pass
    assert caught.value.code == "E316"


def test_status_reads_beside_a_running_daemon(state: State, tmp_path: Path) -> None:
    """The state opened without exclusive shows what the daemon commits, and cannot write."""
    beside = open_state(StateSettings(), tmp_path, exclusive=False)
    with state.write() as connection:
        save_daemon(connection, Daemon(4711, "0.1.0", "127.0.0.1:10464", 1, 2))
    with beside.read() as connection:
        assert load_daemon(connection) == Daemon(4711, "0.1.0", "127.0.0.1:10464", 1, 2)
    with pytest.raises(RuntimeError, match="reading only"), beside.write():
        pass
    beside.close()


def test_status_reads_without_a_daemon(tmp_path: Path) -> None:
    """The state opened without exclusive can be read after the daemon has gone."""
    state = open_state(StateSettings(), tmp_path)
    with state.write() as connection:
        save_meta(connection, "x", {"n": 1})
    state.close()
    beside = open_state(StateSettings(), tmp_path, exclusive=False)
    with beside.read() as connection:
        assert load_meta(connection, "x") == {"n": 1}
    beside.close()


def test_reading_where_nothing_is_begins_nothing(tmp_path: Path) -> None:
    """Without a state there is an error, and still no directory."""
    with pytest.raises(FatalError) as caught:
        open_state(StateSettings(), tmp_path, exclusive=False)
    assert (caught.value.code, list(tmp_path.iterdir())) == ("E314", [])


def test_a_directory_that_cannot_be_made_is_fatal(tmp_path: Path) -> None:
    """A file in the place of the directory is told of, with what to do."""
    (tmp_path / ".driftline").write_text("")
    with pytest.raises(FatalError) as caught:
        open_state(StateSettings(), tmp_path)
    assert caught.value.code == "E313"


def test_a_shared_database_is_refused(tmp_path: Path) -> None:
    """A setting that this version cannot follow stops it, and the address is not shown."""
    settings = StateSettings(database=SecretStr("postgresql://u:canary@db/x"))
    with pytest.raises(FatalError) as caught:
        open_state(settings, tmp_path)
    assert (caught.value.code, "canary" in str(caught.value)) == ("E315", False)


def test_a_path_may_hold_any_character(tmp_path: Path) -> None:
    """Characters that mean something in a URI are only letters of a directory's name."""
    odd = tmp_path / "a b?c#d%20é&mode=memory"
    odd.mkdir()
    open_state(StateSettings(), odd).close()
    with sqlite3.connect(odd / ".driftline" / "state.db") as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    connection.close()


def test_bytes_count_the_rows_too(state: State) -> None:
    """The size covers the database and its log."""
    assert state.bytes() >= state.path.stat().st_size > 0


def test_opening_loads_no_alembic(tmp_path: Path) -> None:
    """Neither beginning a state nor opening one of this schema imports Alembic."""
    program = f"""
import sys
from pathlib import Path
from monitor.store.database import StateSettings, open_state
for _ in range(2):
    open_state(StateSettings(), Path({str(tmp_path)!r})).close()
print([name for name in ("alembic", "mako", "pandas", "scipy", "pyarrow") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
