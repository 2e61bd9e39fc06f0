"""``driftline deliveries``: what was sent to whom, what waits, what was given up; and once more, please."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

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

_MOST = 1000
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The delivery's id, as deliveries list shows it.")]
ReceiverOption = Annotated[str | None, typer.Option(metavar="NAME", help="To this receiver only.")]


class Standing(StrEnum):
    """How a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        name="deliveries",
        help="List messages and what became of them, and send one again.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command in (list_, retry):
        group.command(command.__name__.rstrip("_"))(command)
    app.add_typer(group, name="deliveries")


def list_(
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = OutputFormat.TABLE,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="Most deliveries, the last queued first.")] = 100,
    receiver: ReceiverOption = None,
    status: Annotated[Standing | None, typer.Option(help="That stand so only; dead ones were given up.")] = None,
) -> None:
    """List deliveries, the last queued first, each with what became of it. Reads only."""
    from monitor.app.incidents import delivery_body
    from monitor.store.delivery import list_deliveries

    state = read_state(read_config(config))
    try:
        with state.read() as connection:
            found, _ = list_deliveries(connection, receiver, None if status is None else status.value, limit)
    finally:
        state.close()
    items = [delivery_body(entry) for entry in found]
    if format is OutputFormat.JSON:
        write_json({"kind": "deliveries", "schema": 1, "items": items})
        return
    made = table("deliveries", "id", "receiver", "message", "status", "tries", "queued", "next", "last failure")
    for each in items:
        following = each["next_at"] if each["status"] == "pending" else ""
        texts = (each["status"], str(each["attempts"]), each["queued_at"], following, each["reason"] or "")
        made.add_row(each["id"], plain(each["receiver"]), each["message_id"], *texts)
    show(made if items else "nothing was sent yet")


def retry(id: IdArgument, config: ConfigOption = DEFAULT_CONFIG, by: ByOption = None) -> None:
    """Send a message again that was given up, or one that waits, at once; it keeps its id and its body."""
    asked = Asked("POST", f"deliveries/{segment(id)}/retry", {"by": who(by)})
    body = ask_daemon(read_config(config), ("retry", id), asked, "driftline deliveries list shows each delivery")
    write(f"{body['id']} to {plain(body['receiver'])} is {body['status']}\n")
