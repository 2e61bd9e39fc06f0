"""Targets by the id of their record; of several for one id the last wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from sqlalchemy import Connection, func, select

from monitor.instant import Instant
from monitor.store.schema import target
from monitor.store.statement import upsert_many

_AT_ONCE = 1_000  # ids in one query: SQLite allows 32,766 variables, and a longer list is no faster


def save_targets(connection: Connection, model: str, rows: Iterable[tuple[str, str, Instant]]) -> None:
    """Keep targets, each (id of its record, target as JSON, instant), over those before."""
    upsert_many(connection, target, ((model, *row) for row in rows))


def load_targets(connection: Connection, model: str, ids: Iterable[str]) -> dict[str, str]:
    """Return the targets as JSON of those ids that have one."""
    return {id_: body for id_, (body, _) in load_dated_targets(connection, model, ids).items()}


def load_dated_targets(connection: Connection, model: str, ids: Iterable[str]) -> dict[str, tuple[str, Instant]]:
    """Return the targets as JSON of those ids that have one, and when each was known."""
    found: dict[str, tuple[str, Instant]] = {}
    remaining = iter(ids)
    while wanted := list(islice(remaining, _AT_ONCE)):
        rows = connection.execute(
            select(target.c.id, target.c.body, target.c.at).where(target.c.model == model, target.c.id.in_(wanted))
        )
        found.update((row.id, (row.body, row.at)) for row in rows)
    return found


def count_targets(connection: Connection, model: str) -> int:
    """Return how many targets of a model are kept."""
    return connection.scalar(select(func.count()).select_from(target).where(target.c.model == model)) or 0


def delete_targets(connection: Connection, model: str, ids: Sequence[str]) -> int:
    """Forget the targets of those ids; return how many there were."""
    done = connection.execute(target.delete().where(target.c.model == model, target.c.id.in_(ids)))
    return done.rowcount
