"""The commands: one file a group. Each parses, calls, prints and gives an exit code; none computes.

A command's file is imported for ``--help`` too: what is heavy is imported inside its functions. To add a command,
write ``monitor/cli/<name>.py`` with a function ``register(app)``, and its name to ``GROUPS``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from monitor import __version__
from monitor.cli.common import LogFormat, Options

GROUPS = (
    "demo",
    "init",
    "check",
    "compare",
    "backtest",
    "run",
    "status",
    "alerts",
    "actions",
    "deliveries",
    "receivers",
    "audit",
    "rules",
    "dashboards",
    "schema",
)
"""The files of commands, in the order that ``--help`` lists them."""

HELP = "Watch models in production: drift, alerts one can trust, and retraining started safely."
EXIT_CODES = """\
Exit codes: 0 fine; 1 the answer is drift (compare, backtest --fail-on-alert); 2 a fault in the config, an argument \
or a named file; 3 anything fatal after that; 4 compare could judge no column."""


def build() -> typer.Typer:
    """Return the program with all its commands."""
    app = typer.Typer(
        name="driftline",
        help=HELP,
        epilog=EXIT_CODES,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,  # plain help comes in a third of the time
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_options)
    for name in GROUPS:
        import_module(f"monitor.cli.{name}").register(app)
    return app


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer hands an option's value over so
    if wanted:
        typer.echo(f"driftline {__version__}")
        raise typer.Exit


def _options(
    context: typer.Context,
    log_format: Annotated[
        LogFormat, typer.Option(help="Logs and faults on stderr; auto: text on a terminal, else JSON for logs.")
    ] = LogFormat.AUTO,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks, and log more.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback has answered
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    context.obj = Options(log_format, debug)
