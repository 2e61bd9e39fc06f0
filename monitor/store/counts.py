"""How many rows of each source were accepted, late, sampled and rejected, since the state began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from sqlalchemy import Connection, select, update

from monitor.instant import Instant
from monitor.store.schema import counts, rejection
from monitor.store.statement import Insert, insert_into


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one source; ``accepted_at`` is the wall time of the last accepted one, or ``None``."""

    model: str
    role: str
    accepted: int = 0
    late: int = 0
    sampled: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    accepted_at: Instant | None = None


def add_counts(
    connection: Connection,
    model: str,
    role: str,
    accepted: int = 0,
    late: int = 0,
    sampled: int = 0,
    rejected: Mapping[str, int] | None = None,
) -> None:
    """Add rows to a source's counts; ``rejected`` by reason."""
    source = {"model": model, "role": str(role)}
    row = {**source, "accepted": accepted, "late": late, "sampled": sampled}
    connection.execute(_add_counts(connection.dialect.name), row)
    reasons = [{**source, "reason": str(reason), "rows": rows} for reason, rows in (rejected or {}).items()]
    if reasons:
        connection.execute(_add_rejected(connection.dialect.name), reasons)


def save_accepted_at(connection: Connection, model: str, role: str, at: Instant) -> None:
    """Note the wall time at which a source last gave an accepted row."""
    add_counts(connection, model, role)
    connection.execute(update(counts).where(counts.c.model == model, counts.c.role == str(role)).values(accepted_at=at))


def load_counts(connection: Connection) -> list[Counts]:
    """Return the counts of every source, by model and role."""
    rejected: dict[tuple[str, str], dict[str, int]] = {}
    for row in connection.execute(select(rejection).order_by(rejection.c.reason)):
        rejected.setdefault((row.model, row.role), {})[row.reason] = row.rows
    rows = connection.execute(select(counts).order_by(counts.c.model, counts.c.role))
    return [
        Counts(
            row.model,
            row.role,
            row.accepted,
            row.late,
            row.sampled,
            rejected.get((row.model, row.role), {}),
            row.accepted_at,
        )
        for row in rows
    ]


@cache
def _add_counts(dialect: str) -> Insert:
    statement = insert_into(counts, dialect)
    added = statement.excluded
    changed = {name: counts.c[name] + added[name] for name in ("accepted", "late", "sampled")}
    return statement.on_conflict_do_update(index_elements=["model", "role"], set_=changed)


@cache
def _add_rejected(dialect: str) -> Insert:
    statement = insert_into(rejection, dialect)
    return statement.on_conflict_do_update(
        index_elements=["model", "role", "reason"], set_={"rows": rejection.c.rows + statement.excluded.rows}
    )
