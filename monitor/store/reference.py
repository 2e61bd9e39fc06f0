"""References that were used, each known by a fingerprint of its data and settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from monitor.instant import Instant
from monitor.store.schema import reference
from monitor.store.statement import from_json, to_json, upsert


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference of one model and version; ``info`` is what users are shown, ``payload`` the engine's."""

    id: str
    model: str
    version: str
    saved_at: Instant
    info: Mapping[str, Any]
    payload: bytes = b""


def save_reference(connection: Connection, saved: Reference) -> None:
    """Keep a reference, over the one with its model, version and id."""
    row = {
        "model": saved.model,
        "version": saved.version,
        "id": saved.id,
        "saved_at": saved.saved_at,
        "info": to_json(saved.info),
        "payload": saved.payload,
    }
    upsert(connection, reference, [row])


def forget_rows(connection: Connection, model: str, version: str, id: str) -> None:
    """Keep of all references of a version but one no more than that there were such."""
    old = (reference.c.model == model, reference.c.version == version, reference.c.id != id)
    connection.execute(update(reference).where(*old).values(payload=b""))


def load_reference(connection: Connection, model: str, version: str, id: str | None = None) -> Reference | None:
    """Return a reference (the one saved last, without an id), or ``None``."""
    statement = select(reference).where(reference.c.model == model, reference.c.version == version)
    if id is not None:
        statement = statement.where(reference.c.id == id)
    row = connection.execute(statement.order_by(reference.c.saved_at.desc(), reference.c.id).limit(1)).first()
    if row is None:
        return None
    return Reference(row.id, row.model, row.version, row.saved_at, from_json(row.info), row.payload)


def list_references(connection: Connection, model: str | None = None) -> list[Reference]:
    """Return the references (of a model), last saved first, without their payload."""
    columns = [column for column in reference.c if column.name != "payload"]
    statement = select(*columns).order_by(reference.c.saved_at.desc(), reference.c.id)
    if model is not None:
        statement = statement.where(reference.c.model == model)
    rows = connection.execute(statement)
    return [Reference(row.id, row.model, row.version, row.saved_at, from_json(row.info)) for row in rows]
