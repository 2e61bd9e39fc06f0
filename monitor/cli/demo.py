"""``driftline demo``: the whole job, end to end, on real flights."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from monitor.cli.common import Options, options, write_json

if TYPE_CHECKING:
    from monitor.demo.monitoring import Monitor
    from monitor.demo.scene import Screen
    from monitor.demo.story import Story

DAY_A_SECOND = 86_400.0
_FATAL = 3

DirOption = Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where logs, references and state go.")]
PortOption = Annotated[int, typer.Option(min=0, max=65_535, help="Port of page and /metrics; 0 takes a free one.")]
SpeedOption = Annotated[
    float | None,
    typer.Option(
        min=0, metavar="X", help="Simulated seconds a second; 0: unpaced (with --once). Else: a day a second."
    ),
]
OnceOption = Annotated[bool, typer.Option("--once", help="End when the loop has closed, with one JSON line.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    context: typer.Context,
    directory: DirOption = Path("driftline-demo"),
    port: PortOption = 10464,
    speed: SpeedOption = None,
    *,
    once: OnceOption = False,
) -> None:
    """Train a real model, serve it, watch it drift, retrain it and see it recover; it shows all there is."""
    from monitor.demo.data import require_extra
    from monitor.demo.result import demo_body
    from monitor.demo.setup import prepare
    from monitor.demo.story import Staging, Story

    require_extra()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    pace = speed if speed is not None else 0.0 if once else DAY_A_SECOND
    with ExitStack() as stack:
        folder = stack.enter_context(prepare(directory))
        screen = _screen(options(context), folder.path, stack)
        story = Story(Staging(folder, port, pace, _open_monitor), screen)
        if once:
            stack.callback(lambda: write_json(demo_body(story.scene, time.monotonic() - began)))
        stack.callback(screen.close)
        stack.callback(story.close)
        _play(story, once=once)
    if not story.scene.closed:
        raise typer.Exit(_FATAL)


def _play(story: Story, *, once: bool) -> None:
    """Tell the story; without ``once``, go on until Ctrl-C."""
    try:
        story.run()
        if story.scene.closed and not once:
            story.encore()
            threading.Event().wait()
    except KeyboardInterrupt:
        if once or not story.scene.closed:
            raise


def _open_monitor(config: Path) -> Monitor:
    from monitor.app.stepped import SteppedDaemon

    return SteppedDaemon(config, os.environ)


def _screen(given: Options, directory: Path, stack: ExitStack) -> Screen:
    """Return the panel on a terminal, whose log goes to a file then; elsewhere a log of what happens."""
    from monitor import logs

    level: logs.Level = "debug" if given.debug else "info"
    screen: Screen
    if sys.stderr.isatty() and given.log_format == "auto":
        from monitor.demo.screen import LiveScreen

        file: TextIO = stack.enter_context((directory / "driftline.log").open("w", encoding="utf-8"))
        logs.configure("text", level, stream=file)
        screen = LiveScreen()
    else:
        from monitor.demo.plain import PlainScreen

        logs.configure(given.log_format.value, level)
        screen = PlainScreen()
    return screen
