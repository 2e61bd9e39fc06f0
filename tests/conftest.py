"""What holds for every test: it reaches nothing but this machine, and in CI it is not skipped."""

from __future__ import annotations

import ipaddress
import logging
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings

# Two shared cores make a deadline a coin toss; in CI the same examples run every time.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

_NAMES = {"localhost", "localhost.localdomain", ""}
_LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname"}


def _is_here(host: object) -> bool:
    if host is None or not isinstance(host, str | bytes):
        return True
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    try:
        address = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return text.lower() in _NAMES
    return address.is_loopback or address.is_unspecified


def _stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse what would leave the machine: a test that needs the network fails on the day it is written."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event in _LOOKUPS:
        host = arguments[0]
    else:
        return
    if not _is_here(host):
        raise PermissionError(f"a test may reach loopback only, not {host!r}")


sys.addaudithook(_stay_here)


@pytest.fixture(scope="module", autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Give every file the logging that the process began with, whatever the file before it set up."""
    root, manager = logging.getLogger(), logging.root.manager
    loggers = [root, *(one for one in manager.loggerDict.values() if isinstance(one, logging.Logger))]
    before = [(one, one.level, one.handlers[:], one.filters[:], one.propagate, one.disabled) for one in loggers]
    disabled = manager.disable
    yield
    manager.disable = disabled
    for one, level, handlers, filters, propagate, is_disabled in before:
        one.setLevel(level)
        one.handlers[:], one.filters[:] = handlers, filters
        one.propagate, one.disabled = propagate, is_disabled
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def project() -> Path:
    """Return the root of the project."""
    return Path(__file__).parent.parent


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("DRIFTLINE_NO_SKIP") != "1" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"a skip counts as a failure while DRIFTLINE_NO_SKIP=1: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failure where everything it needs was to be installed."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a skipped file into a failure, as a skipped test."""
    report = yield
    _fail_if_skipped(report)
    return report
