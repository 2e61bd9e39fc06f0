"""Targets by the id of their record; of several for one id the last wins."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import islice

from sqlalchemy import Connection, func, select

from monitor.instant import Instant
from monitor.store.schema import target
from monitor.store.statement import upsert_many

_AT_ONCE = 10_000
"""Ids in one query: more are no faster."""
_SELECT = select(target.c.id, target.c.body, target.c.at)
_BY_IDS = (  # the ids lead: IN would sort them first, which takes a third longer
    "SELECT target.id, body, at FROM json_each(?2) AS wanted CROSS JOIN target"
    " ON target.model = ?1 AND target.id = wanted.value"
)


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
        if connection.dialect.name == "sqlite":  # 5 times quicker than a list of parameters
            rows = connection.exec_driver_sql(_BY_IDS, (model, json.dumps(wanted)))
        else:
            rows = connection.execute(_SELECT.where(target.c.model == model, target.c.id.in_(wanted)))
        found.update({id_: (body, at) for id_, body, at in rows.all()})
    return found


def count_targets(connection: Connection, model: str) -> int:
    """Return how many targets of a model are kept."""
    return connection.scalar(select(func.count()).select_from(target).where(target.c.model == model)) or 0


def delete_targets(connection: Connection, model: str, ids: Sequence[str]) -> int:
    """Forget the targets of those ids; return how many there were."""
    done = connection.execute(target.delete().where(target.c.model == model, target.c.id.in_(ids)))
    return done.rowcount
