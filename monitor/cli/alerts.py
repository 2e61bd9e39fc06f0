"""``driftline alerts``: what fires and who has it in hand; silences, and what they are about."""

from __future__ import annotations

import time
from datetime import timedelta
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

_MOST = 1000
_HINT = "driftline alerts list shows each alert, driftline alerts silences each silence"
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The alert's id, as alerts list shows it.")]
SilenceArgument = Annotated[str, typer.Argument(metavar="ID", help="The silence's id, as alerts silences shows it.")]
MatchersArgument = Annotated[
    list[str],
    typer.Argument(metavar="MATCHER...", help="Such as model=flight-delay severity!=critical 'column=~dep_.*'."),
]
AllOption = Annotated[bool, typer.Option("--all", help="Also those that are over.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        name="alerts",
        help="List alerts, take one in hand, and silence those that match.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command in (list_, show_, ack, silence, silences, unsilence):
        group.command(command.__name__.rstrip("_"))(command)
    app.add_typer(group, name="alerts")


def list_(
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = OutputFormat.TABLE,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="Most alerts, the last to fire first.")] = 100,
    *,
    everything: AllOption = False,
) -> None:
    """List alerts that fire, the last first, with who has them in hand and what withholds messages. Reads only."""
    from monitor.store.alert import list_alerts

    loaded = read_config(config)
    state = read_state(loaded)
    try:
        with state.read() as connection:
            found, _ = list_alerts(connection, state=None if everything else "firing", limit=limit)
            items = _shown(connection, loaded, found)
    finally:
        state.close()
    if format is OutputFormat.JSON:
        write_json({"kind": "alerts", "schema": 1, "items": items})
        return
    made = table("alerts", "id", "alert", "model", "version", "segment", "severity", "state", "since", "messages")
    for each in items:
        names = (each["id"], each["name"], each["model"], plain(each["version"]), plain(each["segment"] or ""))
        made.add_row(*names, each["severity"], each["state"], each["started_at"] or "", messages(each))
    show(made if items else "no alert was found" if everything else "no alert fires")


def _shown(connection: Any, loaded: Loaded, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from monitor.app.incidents import shown_alerts

    return shown_alerts(connection, loaded.config, found, time.time_ns() // 1000)


def messages(alert: dict[str, Any]) -> str:
    """Return what becomes of messages about an alert, in words."""
    withheld = alert["withheld"]
    if withheld is None:
        return ""
    if withheld["why"] == "acknowledged":
        return plain(f"in hand: {withheld['by']}")
    until = f" until {alert['silenced_until']}" if withheld["why"] == "silenced" else ""
    return plain(f"{withheld['why']}{until} ({withheld['by']})")


def show_(id: IdArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Show an alert as JSON, with its columns, its diagnosis, and what withholds messages about it. Reads only."""
    from monitor.store.alert import get_alert

    loaded = read_config(config)
    state = read_state(loaded)
    try:
        with state.read() as connection:
            found = get_alert(connection, id)
            items = [] if found is None else _shown(connection, loaded, [found])
    finally:
        state.close()
    if not items:
        raise FatalError("E350", "there is no such alert", _HINT)
    write_json(items[0])


def ack(
    id: IdArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    by: ByOption = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="What is done about it.")] = None,
) -> None:
    """Say that you have an alert in hand: it is not repeated and not escalated until it is over."""
    asked = Asked("POST", f"alerts/{segment(id)}/ack", {"by": who(by), "note": note})
    body = ask_daemon(read_config(config), ("ack", id), asked, _HINT)
    write(f"{body['id']} is in the hands of {plain(body['acknowledged_by'])}\n")


def silence(
    matchers: MatchersArgument,
    comment: Annotated[str, typer.Option(metavar="TEXT", help="Why.")],
    config: ConfigOption = DEFAULT_CONFIG,
    length: Annotated[str | None, typer.Option("--for", metavar="LENGTH", help="How long, such as 2h or 3d.")] = None,
    until: Annotated[str | None, typer.Option(metavar="INSTANT", help="Or until when, in UTC unless it says.")] = None,
    start: Annotated[str | None, typer.Option(metavar="INSTANT", help="From when; unset: from now on.")] = None,
    by: ByOption = None,
) -> None:
    """Tell nobody of alerts that fit all matchers, for a while; they fire and are recorded all the same.

    A matcher is model, version, alert, severity, segment, column or cause, then =, != or =~ (a pattern of RE2), then
    a word. The signs < and > mean nothing here, and * is for a shell to expand: put patterns in quotes.
    """
    from monitor.instant import to_text
    from monitor.silence import SilenceRefused, new_silence

    loaded, now = read_config(config), time.time_ns() // 1000
    span = _span(start, until, length, now)
    try:
        new_silence(matchers, span, who(by), comment, now)
    except SilenceRefused as refused:
        raise typer.BadParameter(str(refused), param_hint=f"'{refused.key}'") from None
    told = {"matchers": matchers, "by": who(by), "comment": comment, "ends_at": to_text(span[1])}
    told |= {} if start is None else {"starts_at": to_text(span[0])}
    body = ask_daemon(loaded, ("silence", "silences"), Asked("POST", "silences", told), _HINT)
    if body["everything"]:
        typer.echo("warning: this silence matches every alert of every model", err=True)
    write(f"{body['id']} is {body['state']}, and ends at {body['ends_at']}\n")


def _span(start: str | None, until: str | None, length: str | None, now: int) -> tuple[int, int]:
    """Return from when until when a silence lasts.

    Raises
    ------
    typer.BadParameter: an instant or a length is none, or there is not one end.
    """
    begins = now if start is None else _instant(start, "--start")
    if (until is None) == (length is None):
        raise typer.BadParameter("expected one of --for and --until", param_hint="'--for'")
    if until is not None:
        return begins, _instant(until, "--until")
    return begins, begins + _length(length)


def _instant(text: str, option: str) -> int:
    from monitor.instant import from_text

    try:
        return from_text(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter("not an instant; e.g. 2026-01-05T22:00:00Z", param_hint=f"'{option}'") from None


def _length(text: str | None) -> int:
    from monitor.instant import microseconds
    from monitor.settings import parse_duration

    try:
        found: timedelta = parse_duration(text)
        return microseconds(found)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="'--for'") from None


def silences(
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = OutputFormat.TABLE,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="Most silences, the last made first.")] = 100,
    *,
    everything: AllOption = False,
) -> None:
    """List silences that last or are to come, the last made first. Reads only."""
    from monitor.silence import silence_body
    from monitor.store.silence import list_silences

    state = read_state(read_config(config))
    try:
        with state.read() as connection:
            found, _ = list_silences(connection, limit)
    finally:
        state.close()
    bodies = [silence_body(each, time.time_ns() // 1000) for each in found]
    items = [body for body in bodies if everything or body["state"] != "expired"]
    if format is OutputFormat.JSON:
        write_json({"kind": "silences", "schema": 1, "items": items})
        return
    made = table("silences", "id", "state", "matchers", "from", "until", "by", "why")
    for each in items:
        matchers = " ".join(each["matchers"]) + (" (EVERYTHING)" if each["everything"] else "")
        texts = (matchers, each["starts_at"], each["ends_at"], each["created_by"], each["comment"])
        made.add_row(each["id"], each["state"], *(plain(text) for text in texts))
    show(made if items else "nothing is silenced")


def unsilence(id: SilenceArgument, config: ConfigOption = DEFAULT_CONFIG, by: ByOption = None) -> None:
    """End a silence now; what still fires and was not told yet is told."""
    asked = Asked("DELETE", f"silences/{segment(id)}?by={segment(who(by))}")
    body = ask_daemon(read_config(config), ("unsilence", id), asked, _HINT)
    write(f"{body['id']} is {body['state']}\n")
