"""``driftline receivers``: where messages go, and whether they arrive."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated

import typer

from monitor.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    FormatOption,
    OutputFormat,
    plain,
    read_config,
    show,
    table,
    write,
    write_json,
)
from monitor.errors import FatalError

_REFUSED = "E351"
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The receiver's name, as receivers list shows it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        name="receivers",
        help="List where messages go, and send one a test message.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("list")(list_)
    group.command("test")(try_)
    app.add_typer(group, name="receivers")


def list_(config: ConfigOption = DEFAULT_CONFIG, format: FormatOption = OutputFormat.TABLE) -> None:
    """List receivers, where each leads and what it takes; names are resolved, and nothing is sent."""
    from monitor.app.receivers import receivers_body

    body = receivers_body(read_config(config), time.time_ns() // 1000)
    if format is OutputFormat.JSON:
        write_json(body)
        return
    shown = table("", "receiver", "type", "takes", "retrains", "address", "why not")
    for each in body["items"]:
        texts = (each["name"], each["kind"], each["takes"], ", ".join(each["retrains"]), each["address"], each["why"])
        shown.add_row(*(plain(text or "") for text in texts))
    show(shown)


def try_(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG, format: FormatOption = OutputFormat.TABLE) -> None:
    """Send a receiver one test message, now and once, and explain the answer. What starts jobs is sent none."""
    from monitor.app.receivers import try_receiver

    loaded = read_config(config)
    settings = {each.name: each for each in loaded.config.receivers}.get(name)
    if settings is None:
        known = ", ".join(each.name for each in loaded.config.receivers) or "none"
        raise typer.BadParameter(f"no receiver has this name; known: {known}", param_hint="NAME")
    tried = try_receiver(loaded, settings, time.time_ns() // 1000)
    if format is OutputFormat.JSON:
        write_json({"kind": "receiver_test", "schema": 1, **asdict(tried)})
    elif tried.why is None:
        write(f"{tried.name} ({tried.kind}) took the message {tried.message_id}\n")
    if tried.why is not None:
        raise FatalError(_REFUSED, f"{tried.name} ({tried.kind}): {tried.why}: {tried.detail}", tried.help or "")
