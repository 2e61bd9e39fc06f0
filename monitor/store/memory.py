"""What a model's engine remembers between windows: opaque pieces, by version and name."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from monitor.store.schema import memory
from monitor.store.statement import upsert


def save_memory(connection: Connection, model: str, version: str, name: str, payload: bytes) -> None:
    """Keep a piece, over the one before."""
    upsert(connection, memory, [{"model": model, "version": version, "name": name, "payload": payload}])


def load_memory(connection: Connection, model: str) -> dict[tuple[str, str], bytes]:
    """Return every piece of a model by (version, name)."""
    rows = connection.execute(select(memory).where(memory.c.model == model).order_by(memory.c.version, memory.c.name))
    return {(row.version, row.name): row.payload for row in rows}


def load_piece(connection: Connection, model: str, version: str, name: str) -> bytes | None:
    """Return one piece, or ``None`` if there is none."""
    where = (memory.c.model == model, memory.c.version == version, memory.c.name == name)
    return connection.execute(select(memory.c.payload).where(*where)).scalar_one_or_none()


def delete_memory(connection: Connection, model: str, version: str, name: str | None = None) -> None:
    """Forget one piece, or all of a version."""
    statement = delete(memory).where(memory.c.model == model, memory.c.version == version)
    connection.execute(statement if name is None else statement.where(memory.c.name == name))
