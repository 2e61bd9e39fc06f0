"""Profiles of panes, opaque here, by model, version and start."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from monitor.instant import Instant
from monitor.store.schema import pane
from monitor.store.statement import upsert


@dataclass(frozen=True, slots=True)
class Pane:
    """A pane's profile and how many rows it is of."""

    model: str
    version: str
    start: Instant
    rows: int
    payload: bytes


def save_pane(connection: Connection, model: str, version: str, start: Instant, rows: int, payload: bytes) -> None:
    """Keep a pane, over the one before."""
    row = {"model": model, "version": version, "start_at": start, "rows": rows, "payload": payload}
    upsert(connection, pane, [row])


def load_panes(connection: Connection, model: str, since: Instant, until: Instant | None = None) -> list[Pane]:
    """Return the panes of a model that start in [since, until), by start, then version."""
    statement = select(pane).where(pane.c.model == model, pane.c.start_at >= since)
    if until is not None:
        statement = statement.where(pane.c.start_at < until)
    rows = connection.execute(statement.order_by(pane.c.start_at, pane.c.version))
    return [Pane(row.model, row.version, row.start_at, row.rows, row.payload) for row in rows]


def delete_panes(connection: Connection, model: str, before: Instant, version: str | None = None) -> int:
    """Forget the panes of a model (or of one version) that start before an instant; return how many."""
    statement = delete(pane).where(pane.c.model == model, pane.c.start_at < before)
    if version is not None:
        statement = statement.where(pane.c.version == version)
    return connection.execute(statement).rowcount
