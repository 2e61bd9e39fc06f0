"""``driftline audit``: who did what and when, and whether any of it was changed since."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    from monitor.store.audit import Entry, Head, Verified
    from monitor.store.database import State

_BROKEN = "E360"
_MOST = 10_000
_HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        name="audit",
        help="Show who did what and when, and verify that nobody has changed it since.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command in (list_, export, verify_):
        group.command(command.__name__.rstrip("_"))(command)
    app.add_typer(group, name="audit")


def list_(
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = OutputFormat.TABLE,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="Most entries, the last first.")] = 100,
) -> None:
    """List entries, the last first. Reads only."""
    from monitor.store.audit import list_entries

    state = _state(config)
    try:
        with state.read() as connection:
            found, _ = list_entries(connection, limit)
    finally:
        state.close()
    if format is OutputFormat.JSON:
        write_json({"kind": "audit", "schema": 1, "items": [_body(entry) for entry in found]})
        return
    made = table("audit", "no.", "at", "by", "what", "details")
    for entry in found:
        body = _body(entry)
        details = ", ".join(f"{name} {value}" for name, value in body["detail"].items() if value is not None)
        made.add_row(str(entry.seq), body["at"], plain(entry.actor), entry.what, plain(details))
    show(made if found else "nothing was noted yet")


def export(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Write every entry to stdout, the first first, one JSON object a line. Reads only."""
    import json

    from monitor.store.audit import all_entries

    state = _state(config)
    try:
        with state.read() as connection:
            for entry in all_entries(connection):
                sys.stdout.write(json.dumps(_body(entry), separators=(",", ":")) + "\n")
    finally:
        state.close()


def verify_(
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = OutputFormat.TABLE,
    noted: Annotated[
        str | None,
        typer.Option("--head", metavar="NUMBER:DIGEST", help="An end that was noted before, as in the daemon's log."),
    ] = None,
) -> None:
    """Verify that every entry fits the one before it; ends with code 3 where one does not. Reads only."""
    from monitor.store.audit import verify

    expected = _read_head(noted)
    state = _state(config)
    try:
        with state.read() as connection:
            found = verify(connection, expected)
    finally:
        state.close()
    head = f"{found.head.seq}:{found.head.digest}" if found.head.seq else None
    if format is OutputFormat.JSON:
        told = {"holds": found.why is None, "entries": found.entries, "head": head}
        write_json({"kind": "audit_verified", "schema": 1, **told, "broken_at": found.broken_at, "why": found.why})
    if found.why is not None:
        raise FatalError(_BROKEN, *_broken(found))
    if format is OutputFormat.TABLE:
        write(f"{found.entries} entries hold; the head is {head or 'none'}\n")


def _broken(found: Verified) -> tuple[str, str]:
    """Return what is wrong with a chain, and what to do."""
    what = {
        "changed": f"entry {found.broken_at} of the audit was changed, moved, or the one before it is missing",
        "cut_off": f"the audit is cut off: it ends before entry {found.broken_at}, which there was",
        "head_unknown": "the audit has not the end that was noted: it was cut off or written anew",
    }
    return what[str(found.why)], "keep the state as it is, and compare it with a backup and with the log"


def _read_head(text: str | None) -> Head | None:
    from monitor.store.audit import Head

    if text is None:
        return None
    match = _HEAD.fullmatch(text.strip())
    if match is None:
        expected = "not an end of the audit; expected its number, a colon and 64 hex digits"
        raise typer.BadParameter(expected, param_hint="--head")
    return Head(int(match[1]), match[2])


def _body(entry: Entry) -> dict[str, Any]:
    from monitor.instant import to_text

    told = {"seq": entry.seq, "at": to_text(entry.at), "actor": entry.actor, "what": entry.what}
    return {**told, "detail": dict(entry.detail), "digest": entry.digest}


def _state(config: Any) -> State:
    from monitor.store.database import open_state

    loaded = read_config(config)
    return open_state(loaded.config.state, loaded.root, exclusive=False)
