from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.errors import FatalError
from monitor.store.database import State, StateSettings, open_state
from monitor.store.directory import holder

_HOLD = """
import sys
from pathlib import Path
from monitor.store.database import StateSettings, open_state
state = open_state(StateSettings(), Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def _daemon(root: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


def test_a_second_daemon_names_the_first(tmp_path: Path) -> None:
    """Within a second, a daemon on a held state stops with the number of the process that holds it."""
    with _daemon(tmp_path) as first:
        began = time.monotonic()
        with pytest.raises(FatalError) as caught:
            open_state(StateSettings(), tmp_path)
        seconds = time.monotonic() - began
    assert caught.value.code == "E310"
    assert f"process {first.pid} on " in str(caught.value)
    assert seconds < 1


def test_a_killed_daemon_lets_go(tmp_path: Path) -> None:
    """After kill -9 the state can be opened at once: no lock file has to be removed by hand."""
    with _daemon(tmp_path):
        pass
    open_state(StateSettings(), tmp_path).close()


def test_a_refused_daemon_leaves_the_first_its_lock(tmp_path: Path) -> None:
    """A refusal does not let a third in, nor forget who holds the state."""
    with _daemon(tmp_path) as first:
        for _ in range(2):
            with pytest.raises(FatalError, match=str(first.pid)):
                open_state(StateSettings(), tmp_path)


def test_the_holder_is_seen_while_it_lives(tmp_path: Path) -> None:
    """The lock tells whether a daemon runs, and not a number left in a file."""
    directory = tmp_path / ".driftline"
    before = holder(directory)
    with _daemon(tmp_path) as process:
        during = holder(directory)
    after = holder(directory)
    assert during is not None
    assert (before, during.pid, after) == (None, process.pid, None)


def test_one_process_holds_a_state_once(state: State, tmp_path: Path) -> None:
    """A second opening in the same process is refused too."""
    with pytest.raises(FatalError, match=str(os.getpid())):
        open_state(StateSettings(), tmp_path)
