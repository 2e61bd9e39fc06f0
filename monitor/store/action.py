"""Actions: what was asked for or withheld, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, func, select

from monitor.instant import Instant, from_text
from monitor.store.schema import action, fence
from monitor.store.statement import Body, Insert, from_json, insert_into, page, to_json, upsert

OPEN = ("requested", "awaiting_approval", "started")


def save_action(connection: Connection, body: Mapping[str, Any]) -> None:
    """Keep an action over the one with its id: ``model``, ``version``, ``kind``, ``status``, ``requested_at``, … ."""
    requested = from_text(body["requested_at"])
    updated = body.get("updated_at")
    row = {
        "id": body["id"],
        "model": body["model"],
        "version": body["version"],
        "kind": str(body["kind"]),
        "status": str(body["status"]),
        "requested_at": requested,
        "updated_at": from_text(updated) if updated else requested,
        "body": to_json(body),
    }
    upsert(connection, action, [row])


def get_action(connection: Connection, id: str) -> Body | None:
    """Return an action, or ``None``."""
    body = connection.scalar(select(action.c.body).where(action.c.id == id))
    return None if body is None else from_json(body)


def open_actions(connection: Connection, model: str | None = None) -> list[Body]:
    """Return the actions (of a model) that wait or run, first requested first."""
    statement = select(action.c.body).where(action.c.status.in_(OPEN))
    if model is not None:
        statement = statement.where(action.c.model == model)
    return [from_json(body) for body in connection.scalars(statement.order_by(action.c.requested_at, action.c.id))]


def actions_since(connection: Connection, model: str, since: Instant) -> list[Body]:
    """Return the actions of a model requested at or after an instant, first requested first."""
    statement = select(action.c.body).where(action.c.model == model, action.c.requested_at >= since)
    return [from_json(body) for body in connection.scalars(statement.order_by(action.c.requested_at, action.c.id))]


def last_actions(connection: Connection) -> list[Body]:
    """Return the last requested action of each model, by model."""
    last = select(action.c.model, func.max(action.c.requested_at).label("at")).group_by(action.c.model).subquery()
    statement = (
        select(action.c.model, action.c.body)
        .join(last, (action.c.model == last.c.model) & (action.c.requested_at == last.c.at))
        .order_by(action.c.model, action.c.id)
    )
    return [from_json(body) for body in {row.model: row.body for row in connection.execute(statement)}.values()]


def list_actions(
    connection: Connection, model: str | None = None, limit: int = 100, cursor: str | None = None
) -> tuple[list[Body], str | None]:
    """Return actions, last requested first, and the cursor of the next.

    Raises
    ------
    ValueError: the cursor is not one of this list.
    """
    statement = select(action)
    if model is not None:
        statement = statement.where(action.c.model == model)
    rows, following = page(connection, statement, (action.c.requested_at, action.c.id), limit, cursor)
    return [from_json(row.body) for row in rows], following


def next_fence(connection: Connection, model: str) -> int:
    """Return a number above every one given before for the model, so that a receiver can refuse the older of two."""
    return int(connection.execute(_next_fence(connection.dialect.name), {"model": model, "number": 1}).scalar_one())


@cache
def _next_fence(dialect: str) -> Any:
    statement: Insert = insert_into(fence, dialect)
    return statement.on_conflict_do_update(index_elements=["model"], set_={"number": fence.c.number + 1}).returning(
        fence.c.number
    )
