"""``driftline run``: the daemon, from its start to its last transaction."""

from __future__ import annotations

import os
import signal
import threading
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import DEFAULT_CONFIG, ConfigOption, options, read_config

if TYPE_CHECKING:
    from types import FrameType

    from monitor.app.daemon import Daemon

_TICK_SECONDS = 1.0


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
    given = options(context)
    loaded = read_config(config)

    from monitor.app.lean import keep_out_pandas

    keep_out_pandas()

    from monitor import logs
    from monitor.app.daemon import Daemon

    logs.configure(given.log_format.value, "debug" if given.debug else "info", loaded.secrets)
    daemon = Daemon(loaded, os.environ)
    supervise(daemon)


def supervise(daemon: Daemon) -> None:
    """Start a daemon, and keep it until a signal ends it; a second signal hastens the end."""
    halt, reload = threading.Event(), threading.Event()

    def on_stop(_number: int, _frame: FrameType | None) -> None:
        if halt.is_set():
            daemon.hasten()
        halt.set()

    def on_reload(_number: int, _frame: FrameType | None) -> None:
        reload.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_stop)
    signal.signal(signal.SIGHUP, on_reload)
    daemon.start()
    while not halt.wait(_TICK_SECONDS):
        daemon.tick()
        if reload.is_set():
            reload.clear()
            daemon.reload()
    daemon.stop()
