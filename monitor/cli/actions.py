"""``driftline actions``: what was asked for and what became of it; a person's word on it; the kill switch."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.asking import Asked, ByOption, ask_daemon, read_state, segment, who
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

if TYPE_CHECKING:
    from monitor.config import Loaded
    from monitor.web.view import Verb

_MOST = 1000
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The action's id, as actions list shows it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        name="actions",
        help="List retrainings, approve of or reject one that waits, and stop or allow all of them.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command in (list_, approve, reject, suspend, resume):
        group.command(command.__name__.rstrip("_"))(command)
    app.add_typer(group, name="actions")


def list_(
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = OutputFormat.TABLE,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="Most actions, the last requested first.")] = 100,
) -> None:
    """List actions, the last requested first, each with what was decided and why. Reads only."""
    from monitor.app.actions import shown
    from monitor.store.action import list_actions

    loaded = read_config(config)
    state = read_state(loaded)
    try:
        with state.read() as connection:
            found, _ = list_actions(connection, limit=limit)
    finally:
        state.close()
    items = [shown(body) for body in found]
    if format is OutputFormat.JSON:
        write_json({"kind": "actions", "schema": 1, "suspended": _is_suspended(loaded), "items": items})
    else:
        show(*_tables(items, suspended=_is_suspended(loaded)))


def approve(id: IdArgument, config: ConfigOption = DEFAULT_CONFIG, by: ByOption = None) -> None:
    """Approve of an action that waits; the running daemon looks at its gate once more and starts it."""
    from monitor.web.view import Verb

    _rule(read_config(config), id, Verb.APPROVE, by)


def reject(id: IdArgument, config: ConfigOption = DEFAULT_CONFIG, by: ByOption = None) -> None:
    """Reject an action that waits; it is not asked for again while its alert lasts."""
    from monitor.web.view import Verb

    _rule(read_config(config), id, Verb.REJECT, by)


def suspend(config: ConfigOption = DEFAULT_CONFIG, by: ByOption = None) -> None:
    """Stop all actions from now on, with or without a daemon; alerts go on."""
    path = _switch(read_config(config))
    from monitor.store.directory import create_private

    told = json.dumps({"by": who(by), "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})
    try:
        descriptor = create_private(path, os.O_EXCL | os.O_NOFOLLOW)
    except FileExistsError:
        write("actions are suspended already\n")
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{told}\n")
    write("actions are suspended; driftline actions resume allows them again\n")


def resume(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Allow actions again, as their gate decides."""
    path = _switch(read_config(config))
    try:
        path.unlink()
    except FileNotFoundError:
        write("actions are not suspended\n")
        return
    write("actions are allowed again, as the gate decides\n")


def _switch(loaded: Loaded) -> Path:
    from monitor.pipeline.gating import SWITCH

    directory = loaded.root / loaded.config.state.directory
    if not directory.is_dir():
        raise FatalError("E314", f"there is no state in {directory}", "start the daemon with driftline run")
    return directory / SWITCH


def _is_suspended(loaded: Loaded) -> bool:
    from monitor.pipeline.gating import is_suspended

    return is_suspended(_switch(loaded))


def _tables(items: list[dict[str, Any]], *, suspended: bool) -> list[Any]:
    made = table("actions", "id", "model", "version", "asked by", "status", "why", "requested", "ruled by", "recovery")
    for each in items:
        names = (each["id"], each["model"], plain(each["version"]), each["trigger"] or "")
        ruled = (each["status"], each["why"], each["requested_at"], plain(each["by"] or ""))
        made.add_row(*names, *ruled, plain(_recovery(each["recovery"])))
    line = ["actions are suspended; driftline actions resume allows them again"] if suspended else []
    return [*line, made if items else "no action was asked for yet"]


def _recovery(told: dict[str, Any] | None) -> str:
    """Say whether a retraining helped, or how far that is known."""
    if told is None:
        return ""
    return told["text"] or f"waiting until {told['until']}: {told['windows']} of {told['needed']} windows held"


def _rule(loaded: Loaded, id: str, verb: Verb, by: str | None) -> None:
    """Tell the running daemon what a person decided, and print the action as it stands then.

    Raises
    ------
    FatalError: E350, no daemon can be asked, or it refuses, and why.
    """
    asked = Asked("POST", f"actions/{segment(id)}/{verb.value}", {"by": who(by)})
    body = ask_daemon(loaded, (verb.value, id), asked, "driftline actions list shows each action and why")
    write(f"{body['id']} is {body['status']} ({body['why']})\n")
