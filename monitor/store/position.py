"""Where each source goes on: the next to read, by model, role and file."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, select

from monitor.store.schema import position
from monitor.store.statement import Body, from_json, to_json, upsert


def load_positions(connection: Connection, model: str, role: str) -> dict[str, Body]:
    """Return the position of every file of a source."""
    rows = connection.execute(
        select(position.c.file, position.c.body).where(position.c.model == model, position.c.role == role)
    )
    return {_name(row.file): from_json(row.body) for row in rows}


def save_position(connection: Connection, model: str, role: str, file: str, body: Body) -> None:
    """Keep the position of a file, over the one before."""
    upsert(connection, position, [{"model": model, "role": role, "file": _key(file), "body": to_json(body)}])


def delete_positions(connection: Connection, model: str, role: str, files: Iterable[str]) -> None:
    """Forget files that are gone."""
    keys = [_key(file) for file in files]
    connection.execute(
        delete(position).where(position.c.model == model, position.c.role == role, position.c.file.in_(keys))
    )


def _key(file: str) -> bytes:
    return file.encode("utf-8", "surrogatepass")


def _name(key: bytes) -> str:
    return key.decode("utf-8", "surrogatepass")
