"""Alerts, one row an episode, and what operators said of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select, update

from monitor.instant import Instant, from_text, to_text
from monitor.store.schema import alert
from monitor.store.statement import Body, from_json, page, to_json, upsert

OPEN = ("pending", "firing")
_OPERATORS = ("acknowledged_by", "acknowledged_at", "note", "silenced_until", "withheld")


def save_alert(connection: Connection, body: Mapping[str, Any]) -> None:
    """Keep an alert over the one with its id: ``model``, ``version``, ``name``, ``state``, ``started_at``, … .

    ``acknowledged_by``, ``acknowledged_at`` and ``note`` in it are ignored: ``acknowledge`` writes them, so that a
    cycle that began before an operator spoke does not undo it.
    """
    started = body.get("started_at") or body.get("began_at")
    resolved = body.get("resolved_at")
    row = {
        "id": body["id"],
        "model": body["model"],
        "version": body["version"],
        "name": str(body["name"]),
        "state": str(body["state"]),
        "started_at": from_text(started) if started else 0,
        "resolved_at": from_text(resolved) if resolved else None,
        "body": to_json({name: value for name, value in body.items() if name not in _OPERATORS}),
    }
    upsert(connection, alert, [row])


def get_alert(connection: Connection, id: str) -> Body | None:
    """Return an alert, or ``None``."""
    row = connection.execute(select(alert).where(alert.c.id == id)).first()
    return None if row is None else _body(row)


def open_alerts(connection: Connection, model: str | None = None) -> list[Body]:
    """Return every pending and firing alert (of a model), in order of their start."""
    statement = select(alert).where(alert.c.state.in_(OPEN))
    if model is not None:
        statement = statement.where(alert.c.model == model)
    return [_body(row) for row in connection.execute(statement.order_by(alert.c.started_at, alert.c.id))]


def list_alerts(
    connection: Connection,
    state: str | None = None,
    model: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> tuple[list[Body], str | None]:
    """Return alerts, last start first, and the cursor of the next.

    Raises
    ------
    ValueError: the cursor is not one of this list.
    """
    statement = select(alert)
    if state is not None:
        statement = statement.where(alert.c.state == state)
    if model is not None:
        statement = statement.where(alert.c.model == model)
    rows, following = page(connection, statement, (alert.c.started_at, alert.c.id), limit, cursor)
    return [_body(row) for row in rows], following


def acknowledge(connection: Connection, id: str, by: str | None, note: str | None, at: Instant) -> bool:
    """Note who has an alert in hand (``None``: nobody), since when and why; return whether there is such an alert."""
    values = {"acknowledged_by": by, "acknowledged_at": at, "note": note}
    return connection.execute(update(alert).where(alert.c.id == id).values(values)).rowcount > 0


def _body(row: Row[Any]) -> Body:
    at = None if row.acknowledged_at is None else to_text(row.acknowledged_at)
    return from_json(row.body) | {"acknowledged_by": row.acknowledged_by, "acknowledged_at": at, "note": row.note}
