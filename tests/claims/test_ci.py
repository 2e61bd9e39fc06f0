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
SYSTEM_PROGRAMS = re.findall(r"\[([\w-]+)\]=[\w-]+", RUN)
SKIPPING = {
    "call": "import pytest\ndef test_one():\n    pytest.skip('no such program')\n",
    "mark": "import pytest\n@pytest.mark.skip(reason='no such program')\ndef test_one(): pass\n",
    "fixture": "import pytest\n@pytest.fixture\ndef it(): pytest.skip('no such program')\ndef test_one(it): pass\n",
    "file": "import pytest\npytest.skip('no such program', allow_module_level=True)\n",
}
LEAVING = {
    "connect": "import socket\ndef test_one():\n    socket.create_connection(('192.0.2.1', 80), timeout=1)\n",
    "look_up": "import socket\ndef test_one():\n    socket.getaddrinfo('driftline.example', 443)\n",
}
STAYING = {
    "loopback": "import socket\ndef test_one():\n    with socket.create_server(('127.0.0.1', 0)) as server:\n"
    "        socket.create_connection(server.getsockname()).close()\n",
    "look_up_here": "import socket\ndef test_one():\n    assert socket.getaddrinfo('localhost', 443)\n",
}


def _outcomes(folder: Path, no_skip: str) -> dict[str, str]:
    """Run every file above under the project's conftest.py in a folder of its own; return what became of each."""
    (folder / "conftest.py").write_text((PROJECT / "tests" / "conftest.py").read_text("utf-8"))
    for name, source in {**SKIPPING, **LEAVING, **STAYING}.items():
        (folder / f"test_{name}.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "--tb=no", "--rootdir", str(folder)]
    environment = {**os.environ, "DRIFTLINE_NO_SKIP": no_skip, "COLUMNS": "200"}
    done = subprocess.run(
        [*command, "--continue-on-collection-errors", str(folder)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    told = re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED) (?:\[1\] )?test_(\w+)\.py(.*)", done.stdout, re.MULTILINE)
    return {name: f"{outcome} {why}" for outcome, name, why in told}


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what becomes of the files as `.ci/run` runs tests."""
    return _outcomes(tmp_path_factory.mktemp("strict"), "1")


@pytest.mark.parametrize("name", SKIPPING)
def test_a_skip_fails_where_nothing_may_be_missing(strict: dict[str, str], name: str) -> None:
    """With DRIFTLINE_NO_SKIP=1 whatever skips a test fails the run and says why it was skipped."""
    assert re.match(r"(FAILED|ERROR) .*a skip counts as a failure.*no such program", strict[name])


@pytest.mark.parametrize("name", LEAVING)
def test_what_leaves_the_machine_is_refused(strict: dict[str, str], name: str) -> None:
    """A test that connects to another machine, or asks for its address, fails."""
    assert re.match(r"FAILED .*a test may reach loopback only", strict[name])


@pytest.mark.parametrize("name", STAYING)
def test_loopback_is_open(strict: dict[str, str], name: str) -> None:
    """A test may connect to this machine."""
    assert strict[name].startswith("PASSED")


def test_a_skip_is_a_skip_elsewhere(tmp_path: Path) -> None:
    """On a machine that lacks a system package a test may skip."""
    outcomes = _outcomes(tmp_path, "")
    assert {outcomes[name].split()[0] for name in SKIPPING} == {"SKIPPED"}


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


@pytest.mark.parametrize("name", ["tests", "demo"])
def test_a_command_of_the_readme_is_run(name: str) -> None:
    """`.ci/run` runs the commands that the README gives a newcomer, read from it and only put into another venv."""
    command = re.search(rf"<!-- command: {name} -->\n```sh\n(.+)\n```\n", (PROJECT / "README.md").read_text("utf-8"))
    source = re.search(r"^readme\(\).*?^}", RUN, re.MULTILINE | re.DOTALL)
    assert command is not None
    assert source is not None
    asked = ["bash", "-c", f"{source[0]}\nreadme {name} /a/venv"]
    done = subprocess.run(asked, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == command[1].replace(".venv", "/a/venv")
    assert f"$(readme {name} " in RUN
