"""Closed windows as users see them, and the performance that is known of them later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from monitor.instant import Instant, from_text
from monitor.store.schema import performance, window
from monitor.store.statement import Body, pack, page, unpack, upsert

_WITH_PERFORMANCE = select(window, performance.c.body.label("later")).join_from(
    window, performance, performance.c.window == window.c.id, isouter=True
)


def save_window(connection: Connection, body: Mapping[str, Any]) -> None:
    """Keep a closed window: the ``window`` object, which names its id, model, version, start, end and verdict."""
    row = {
        "id": body["id"],
        "model": body["model"],
        "version": body["version"],
        "start_at": from_text(body["start"]),
        "end_at": from_text(body["end"]),
        "verdict": str(body["verdict"]),
        "body": pack(body),
    }
    upsert(connection, window, [row])


def save_performance(connection: Connection, body: Mapping[str, Any], *, final: bool) -> None:
    """Keep the ``performance`` object of a window, over the one before; ``final``: it will not change any more.

    A window that is not there (any more) keeps none.
    """
    of = connection.execute(
        select(window.c.model, window.c.version, window.c.end_at).where(window.c.id == body["window"])
    ).first()
    if of is None:
        return
    row = {
        "window": body["window"],
        "model": of.model,
        "version": of.version,
        "end_at": of.end_at,
        "at": from_text(body["at"]),
        "final": int(final),
        "body": pack(body),
    }
    upsert(connection, performance, [row])


def get_window(connection: Connection, id: str) -> Body | None:
    """Return a window with the performance known by now, or ``None``."""
    row = connection.execute(_WITH_PERFORMANCE.where(window.c.id == id)).first()
    return None if row is None else _body(row)


def list_windows(
    connection: Connection,
    model: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
    version: str | None = None,
) -> tuple[list[Body], str | None]:
    """Return windows, last end first, with the performance known by now, and the cursor of the next.

    Raises
    ------
    ValueError: the cursor is not one of this list.
    """
    statement = _of(_WITH_PERFORMANCE, model, version)
    rows, following = page(connection, statement, (window.c.end_at, window.c.id), limit, cursor)
    return [_body(row) for row in rows], following


def windows_between(
    connection: Connection, model: str, start: Instant, end: Instant, version: str | None = None
) -> list[Body]:
    """Return the windows that end in (start, end], first end first, with the performance known by now."""
    statement = _of(_WITH_PERFORMANCE, model, version).where(window.c.end_at > start, window.c.end_at <= end)
    return [_body(row) for row in connection.execute(statement.order_by(window.c.end_at, window.c.id))]


def last_windows(connection: Connection) -> dict[tuple[str, str], Body]:
    """Return the last window of each (model, version)."""
    last = (
        select(window.c.model, window.c.version, func.max(window.c.end_at).label("end_at"))
        .group_by(window.c.model, window.c.version)
        .subquery()
    )
    statement = _WITH_PERFORMANCE.join(
        last,
        (window.c.model == last.c.model) & (window.c.version == last.c.version) & (window.c.end_at == last.c.end_at),
    )
    rows = connection.execute(statement.order_by(window.c.model, window.c.version, window.c.start_at))
    return {(row.model, row.version): _body(row) for row in rows}


def last_performances(connection: Connection) -> dict[tuple[str, str], Body]:
    """Return the ``performance`` object of the newest scored window of each (model, version)."""
    last = (
        select(performance.c.model, performance.c.version, func.max(performance.c.end_at).label("end_at"))
        .group_by(performance.c.model, performance.c.version)
        .subquery()
    )
    statement = select(performance).join(
        last,
        (performance.c.model == last.c.model)
        & (performance.c.version == last.c.version)
        & (performance.c.end_at == last.c.end_at),
    )
    rows = connection.execute(statement.order_by(performance.c.model, performance.c.version))
    return {(row.model, row.version): unpack(row.body) for row in rows}


def unfinished_windows(connection: Connection, model: str, since: Instant) -> list[str]:
    """Return the ids of windows that end after ``since`` and have no final performance, first end first."""
    statement = (
        select(window.c.id)
        .join_from(window, performance, performance.c.window == window.c.id, isouter=True)
        .where(window.c.model == model, window.c.end_at > since, func.coalesce(performance.c.final, 0) == 0)
    )
    return list(connection.scalars(statement.order_by(window.c.end_at, window.c.id)))


def _of(statement: Select[Any], model: str | None, version: str | None) -> Select[Any]:
    if model is not None:
        statement = statement.where(window.c.model == model)
    if version is not None:
        statement = statement.where(window.c.version == version)
    return statement


def _body(row: Row[Any]) -> Body:
    body = unpack(row.body)
    if row.later is not None:
        later = unpack(row.later)
        body |= {name: later[name] for name in ("performance", "targets_coverage_ratio", "fairness") if name in later}
    return body
