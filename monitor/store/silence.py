"""Silences: kept until long after their end, so that what was withheld can be explained."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, Row, select

from monitor.instant import Instant
from monitor.silence import Silence, from_body, silence_body
from monitor.store.schema import silence
from monitor.store.statement import from_json, page, to_json, upsert


def save_silence(connection: Connection, kept: Silence) -> None:
    """Keep a silence over the one with its id."""
    facts = {name: getattr(kept, name) for name in ("id", "starts_at", "ends_at", "created_at")}
    upsert(connection, silence, [facts | {"body": to_json(silence_body(kept, kept.created_at))}])


def get_silence(connection: Connection, id: str) -> Silence | None:
    """Return a silence, or ``None``."""
    body = connection.scalar(select(silence.c.body).where(silence.c.id == id))
    return None if body is None else from_body(from_json(body))


def lasting_silences(connection: Connection, now: Instant) -> list[Silence]:
    """Return the silences that have not ended, the first to end first."""
    statement = select(silence.c.body).where(silence.c.ends_at > now).order_by(silence.c.ends_at, silence.c.id)
    return [from_body(from_json(body)) for body in connection.scalars(statement)]


def list_silences(
    connection: Connection, limit: int = 100, cursor: str | None = None
) -> tuple[list[Silence], str | None]:
    """Return silences, last made first, and the cursor of the next.

    Raises
    ------
    ValueError: the cursor is not one of this list.
    """
    rows, following = page(connection, select(silence), (silence.c.created_at, silence.c.id), limit, cursor)
    return [_silence(row) for row in rows], following


def end_silence(connection: Connection, kept: Silence, by: str, now: Instant) -> Silence:
    """End a silence now; one that has not begun never does."""
    ended = replace(kept, starts_at=min(kept.starts_at, now), ends_at=now, ended_by=by)
    save_silence(connection, ended)
    return ended


def _silence(row: Row[tuple[str]]) -> Silence:
    return from_body(from_json(row.body))
