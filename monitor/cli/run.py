"""``driftline run``: the daemon, from its start to its last transaction."""

from __future__ import annotations

import os
import signal
import sys
import threading
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import DEFAULT_CONFIG, ConfigOption, options, read_config

if TYPE_CHECKING:
    from types import FrameType

    from monitor.app.daemon import Daemon

_TICK_SECONDS = 1.0
_SWITCH_SECONDS = 0.0005
"""A thread that answers waits so long for one that reads or judges, and not the 5 ms that Python would have it wait."""


class Role(StrEnum):
    """What a process does of the work; a fleet that shares it out needs a shared database."""

    BOTH = "both"


RoleOption = Annotated[Role, typer.Option("--role", help="both: profile and judge. This version has no other.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(context: typer.Context, config: ConfigOption = DEFAULT_CONFIG, role: RoleOption = Role.BOTH) -> None:
    """Watch the models of a config until SIGTERM or SIGINT; SIGHUP reads the config again."""
    del role
    signals = Signals()

    from monitor.app.lean import begin_lean

    begin_lean()
    sys.setswitchinterval(_SWITCH_SECONDS)
    given = options(context)
    loaded = read_config(config)

    from monitor import logs
    from monitor.app.daemon import Daemon

    redactor = logs.configure(given.log_format.value, "debug" if given.debug else "info", loaded.secrets)
    supervise(Daemon(loaded, os.environ, learn_secrets=redactor.add), signals)


class Signals:
    """What the process was told from outside, from the first moment on.

    Until a daemon works there is nothing to finish: SIGTERM and SIGINT then end the process at once, with 0. Where the
    code that is interrupted swallows that, the daemon ends as soon as it has started.
    """

    def __init__(self) -> None:
        self.halt, self.reload = threading.Event(), threading.Event()
        self._daemon: Daemon | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)

    def serve(self, daemon: Daemon) -> None:
        """Stop and hasten this daemon from now on, instead of ending the process."""
        self._daemon = daemon

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        is_second = self.halt.is_set()
        self.halt.set()
        if self._daemon is None:
            raise SystemExit(0)
        if is_second:
            self._daemon.hasten()

    def _on_reload(self, _number: int, _frame: FrameType | None) -> None:
        self.reload.set()


def supervise(daemon: Daemon, signals: Signals) -> None:
    """Start a daemon, and keep it until a signal ends it; a second signal hastens the end."""
    signals.serve(daemon)
    try:
        daemon.start()
        while not signals.halt.wait(_TICK_SECONDS):
            daemon.tick()
            if signals.reload.is_set():
                signals.reload.clear()
                daemon.reload()
    finally:
        daemon.stop()
