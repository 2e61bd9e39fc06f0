"""Small facts of the whole state: the daemon's heartbeat and whatever else has one value, by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, select

from monitor.instant import Instant
from monitor.store.schema import meta
from monitor.store.statement import Body, from_json, to_json, upsert


@dataclass(frozen=True, slots=True)
class Daemon:
    """The daemon that last wrote here; whether it still runs is told by the lock."""

    pid: int
    version: str
    listen: str | None
    started_at: Instant
    heartbeat_at: Instant


def save_daemon(connection: Connection, daemon: Daemon) -> None:
    """Keep the daemon's heartbeat."""
    save_meta(connection, "daemon", asdict(daemon))


def load_daemon(connection: Connection) -> Daemon | None:
    """Return the last heartbeat, or ``None`` if no daemon ran yet."""
    body = load_meta(connection, "daemon")
    return None if body is None else Daemon(**body)


def save_meta(connection: Connection, name: str, body: Body) -> None:
    """Keep an object by name, over the one before."""
    upsert(connection, meta, [{"name": name, "body": to_json(body)}])


def load_meta(connection: Connection, name: str) -> Body | None:
    """Return the object of a name, or ``None``."""
    body = connection.scalar(select(meta.c.body).where(meta.c.name == name))
    return None if body is None else from_json(body)
