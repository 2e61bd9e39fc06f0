"""Runs one command: whatever ends it gets a sentence and an exit code, and never a bare traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from traceback import extract_tb, print_exception

from monitor.cli import build
from monitor.cli.common import BROKEN_PIPE, LogFormat, show_faults
from monitor.errors import ConfigError, FatalError, Fault, MonitorError, ReferenceUnusable

FAULTY = 2
FATAL = 3
INTERRUPTED = 130
"""128 + SIGINT, as other programs end."""
_UNEXPECTED = "E300"
_EVERYWHERE = "--log-format"


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    given = options_first(arguments)
    try:
        code = _run(given)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - the outermost edge of the program
        return _end(error, given)
    return code


def options_first(arguments: Sequence[str]) -> list[str]:
    """Move the options of every command before the command, so that they may stand anywhere.

    >>> options_first(["run", "--log-format", "json", "-c", "a.yaml", "--", "--debug"])
    ['--log-format=json', 'run', '-c', 'a.yaml', '--', '--debug']
    """
    front: list[str] = []
    rest: list[str] = []
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            rest += [argument, *left]
        elif argument == _EVERYWHERE and (value := next(left, None)) is not None:
            front.append(f"{_EVERYWHERE}={value}")
        elif argument == "--debug" or argument.startswith(f"{_EVERYWHERE}="):
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest


def _run(arguments: list[str]) -> int:
    try:
        build()(args=arguments, prog_name="driftline")
    except SystemExit as end:
        cause = end.__context__
        if isinstance(cause, OSError) and cause.errno == errno.EPIPE:
            raise cause from None
        if end.code == INTERRUPTED:
            _say("interrupted")
        return end.code if isinstance(end.code, int) else FATAL if end.code else 0
    return 0


def _end(error: BaseException, arguments: Sequence[str]) -> int:
    """Say what ended the command, and return the exit code that goes with it."""
    if isinstance(error, BrokenPipeError):
        # What is still buffered would be written, and fail again, at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    if isinstance(error, KeyboardInterrupt):
        _say("interrupted")
        return INTERRUPTED
    if "--debug" in arguments:
        print_exception(error)
    if isinstance(error, ReferenceUnusable):
        error = ConfigError([Fault(error.code, None, None, None, "reference", error.message, error.hint or None)])
    if isinstance(error, ConfigError):
        show_faults(error.faults, as_json=f"{_EVERYWHERE}={LogFormat.JSON}" in arguments)
        return FAULTY
    _say(str(fatal(error)))
    return FATAL


def fatal(error: BaseException) -> FatalError:
    """Say what was fatal; of an unexpected one its kind and place only, as its text may quote the user's data."""
    if isinstance(error, FatalError):
        return error
    if isinstance(error, MonitorError):
        return FatalError(_UNEXPECTED, error.message, error.hint)
    if isinstance(error, OSError) and error.strerror:
        return FatalError(_UNEXPECTED, f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    frames = extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    message = f"unexpected {type(error).__name__}{where}"
    return FatalError(_UNEXPECTED, message, "run it again with --debug, and report what it says")


def _say(text: str) -> None:
    print(text, file=sys.stderr)
