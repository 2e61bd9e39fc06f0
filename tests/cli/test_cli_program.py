from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from monitor import __version__
from monitor.cli import GROUPS, build
from monitor.cli.program import _end, options_first
from monitor.errors import ConfigError, FatalError, Fault, ReferenceUnusable, StoreBusy
from tests.cli.conftest import Answer

Driftline = Callable[..., Answer]
FAULT = Fault("E101", "config.yaml", 14, 7, "models[churn].x", "unknown key", 'did you mean "y"?')


def process(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "monitor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **more)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in GROUPS)], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: Sequence[str], project: Path) -> None:
    """The help of every command is told without loading Arrow, numpy, a database or a web server."""
    heavy = {"pandas", "scipy", "evidently", "numpy", "pyarrow", "sqlalchemy", "litestar", "rich", "monitor.config"}
    code = (
        f"import sys\nfrom monitor.cli.program import run\nassert run({list(arguments)!r}) == 0\n"
        f"assert not set(sys.modules) & {heavy!r}, set(sys.modules) & {heavy!r}"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", GROUPS)
def test_every_command_has_a_sentence(name: str, driftline: Driftline) -> None:
    """The list of commands says of each what it does."""
    line = next(line for line in driftline("--help").out.splitlines() if line.strip().startswith(f"{name} "))
    assert len(line.split()) > 3


def test_version_is_said(driftline: Driftline) -> None:
    """``--version`` names the program and its version."""
    assert driftline("--version") == Answer(0, f"driftline {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["check", "--nonsense"], ["check", "--format", "xml"], ["--log-format"], []]
)
def test_a_wrong_argument_is_two(driftline: Driftline, arguments: Sequence[str]) -> None:
    """An argument that cannot be read ends with 2 and a sentence."""
    done = driftline(*arguments)
    assert done.code == 2
    assert done.err or done.out


def test_a_near_command_is_named(driftline: Driftline) -> None:
    """A misspelt command is answered with the nearest one."""
    assert "check" in driftline("chekc").err


@pytest.mark.parametrize(
    ("arguments", "moved"),
    [
        (["check", "--debug"], ["--debug", "check"]),
        (["check", "--log-format", "json"], ["--log-format=json", "check"]),
        (["check", "--log-format=text", "-c", "x"], ["--log-format=text", "check", "-c", "x"]),
        (["check", "--", "--debug"], ["check", "--", "--debug"]),
        (["check", "--log-format"], ["check", "--log-format"]),
    ],
)
def test_common_options_may_stand_anywhere(arguments: list[str], moved: list[str]) -> None:
    """The options of every command are taken before and behind the command alike."""
    assert options_first(arguments) == moved


ENDS = {
    "a config": (ConfigError([FAULT]), 2, str(FAULT)),
    "a reference": (ReferenceUnusable("E162", "no", "do"), 2, "error[E162] reference: no\n  help: do"),
    "the state": (FatalError("E310", "held", "stop it"), 3, "fatal[E310]: held; help: stop it"),
    "a lasting failure": (StoreBusy("full"), 3, "fatal[E300]: full"),
    "the disk": (OSError(28, "No space left", "/x"), 3, "fatal[E300]: /x: No space left"),
    "an interrupt": (KeyboardInterrupt(), 130, "interrupted"),
}


@pytest.mark.parametrize(("error", "code", "words"), ENDS.values(), ids=ENDS.keys())
def test_every_end_has_a_code_and_a_sentence(
    error: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever ends a command is told in one sentence on stderr, with the exit code of its kind."""
    assert _end(error, []) == code
    assert capsys.readouterr() == ("", f"{words}\n")


def test_an_unexpected_exception_shows_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    """Of an exception that nobody expected the kind and the place are told, never its text or a traceback."""
    with pytest.raises(ValueError, match="hunter2") as caught:
        int("hunter2")
    assert _end(caught.value, []) == 3
    said = capsys.readouterr().err
    assert said.startswith("fatal[E300]: unexpected ValueError at test_cli_program.py:")
    assert "hunter2" not in said
    assert "Traceback" not in said


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """With ``--debug`` the traceback comes before the sentence."""
    _end(ValueError("x"), ["--debug"])
    assert "ValueError: x" in capsys.readouterr().err


def test_faults_are_json_lines_if_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """With ``--log-format json`` each fault is one JSON object on stderr, with the keys of ``check``."""
    _end(ConfigError([FAULT, FAULT]), ["--log-format=json"])
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["code"] for line in lines] == ["E101", "E101"]
    assert lines[0].keys() == {"code", "file", "line", "column", "path", "message", "help"}


def test_a_reader_that_leaves_is_no_error() -> None:
    """Where nobody reads stdout any more the command ends like others do, by 141, and without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "monitor", "schema"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_full_disk_is_told() -> None:
    """An answer that cannot be written is fatal, not lost."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "monitor", "schema"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (3, "fatal[E300]: No space left on device\n")


def test_ctrl_c_ends_a_command(config: Path) -> None:
    """SIGINT ends a command by 130, whatever it was doing, and without a traceback."""
    command = [sys.executable, "-m", "monitor", "check", "-c", str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        while "libarrow" not in Path(f"/proc/{running.pid}/maps").read_text():
            time.sleep(0.01)  # until it loads what the command needs
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert (running.returncode, "Traceback" in said) == (128 + signal.SIGINT, False)


def test_an_exit_code_of_a_command_is_kept(driftline: Driftline, tmp_path: Path) -> None:
    """What a command gives as its exit code is the program's."""
    assert driftline("check", "-c", tmp_path / "nowhere.yaml").code == 2


def test_the_program_is_built_of_its_groups() -> None:
    """Each file of commands that is listed gives its command."""
    program = build()
    commands = {command.name for command in program.registered_commands}
    assert commands | {group.name for group in program.registered_groups} >= set(GROUPS)
