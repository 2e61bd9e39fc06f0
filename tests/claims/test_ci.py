"""What `.ci/run` promises: nothing is skipped unseen, and its lists say what the project really uses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
RUN = (PROJECT / ".ci" / "run").read_text("utf-8")
SYSTEM_PROGRAMS = re.findall(r"\[(\w+)\]=\w+", RUN)
SKIPS = {
    "a test": "import pytest\ndef test_one():\n    pytest.skip('no such program')\n",
    "a marked test": "import pytest\n@pytest.mark.skip(reason='no such program')\ndef test_one(): pass\n",
    "a fixture": "import pytest\n@pytest.fixture\ndef it(): pytest.skip('no such program')\ndef test_one(it): pass\n",
    "a whole file": "import pytest\npytest.skip('no such program', allow_module_level=True)\n",
}


def _pytest(folder: Path, source: str, no_skip: str) -> subprocess.CompletedProcess[str]:
    """Run one test file under the project's conftest.py in a folder of its own."""
    (folder / "conftest.py").write_text((PROJECT / "tests" / "conftest.py").read_text("utf-8"))
    (folder / "test_it.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    environment = {**os.environ, "DRIFTLINE_NO_SKIP": no_skip}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS)
def test_a_skip_fails_where_nothing_may_be_missing(tmp_path: Path, source: str) -> None:
    """With DRIFTLINE_NO_SKIP=1 whatever skips a test fails the run and says why it was skipped."""
    done = _pytest(tmp_path, source, "1")
    assert done.returncode in {1, 2}
    assert "no such program" in done.stdout


@pytest.mark.parametrize("source", [SKIPS["a test"], SKIPS["a marked test"], SKIPS["a fixture"]])
def test_a_skip_is_a_skip_elsewhere(tmp_path: Path, source: str) -> None:
    """On a machine that lacks a system package a test may skip."""
    assert _pytest(tmp_path, source, "").returncode == 0


def test_a_connection_elsewhere_is_refused(tmp_path: Path) -> None:
    """A test that leaves the machine fails, whatever library it uses."""
    source = "import socket\ndef test_one():\n    socket.create_connection(('192.0.2.1', 80), timeout=1)\n"
    done = _pytest(tmp_path, source, "")
    assert done.returncode == 1
    assert "a test may reach loopback only" in done.stdout


def test_a_lookup_of_a_foreign_name_is_refused(tmp_path: Path) -> None:
    """A test that asks a name server about the world fails."""
    source = "import socket\ndef test_one():\n    socket.getaddrinfo('driftline.example', 443)\n"
    done = _pytest(tmp_path, source, "")
    assert done.returncode == 1
    assert "a test may reach loopback only" in done.stdout


@pytest.mark.parametrize("program", SYSTEM_PROGRAMS)
def test_a_system_package_is_used(program: str) -> None:
    """What `.ci/run` installs on the machine is called by some test."""
    callers = [path for path in (PROJECT / "tests").rglob("*.py") if path != Path(__file__)]
    assert any(re.search(rf"\b{program}\b", path.read_text("utf-8")) for path in callers)


@pytest.mark.parametrize("path", [".ci/run", ".ci/lock"])
def test_a_script_is_strict_and_runs(path: str) -> None:
    """A script stops at the first fault, can be called as it is, and is bash that parses."""
    text = (PROJECT / path).read_text("utf-8")
    assert re.search(r"^set -E?euo pipefail$", text, re.MULTILINE)
    assert os.access(PROJECT / path, os.X_OK)
    assert subprocess.run(["bash", "-n", PROJECT / path], check=False).returncode == 0


def test_the_readme_says_what_is_run() -> None:
    """The test command of the README is the one that `.ci/run` calls."""
    assert '"$bin/python" -m pytest --cov' in RUN
    assert "python -m pytest --cov" in (PROJECT / "README.md").read_text("utf-8")
