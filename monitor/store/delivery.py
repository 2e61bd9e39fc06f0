"""The outbox: messages on disk before anything is sent, one row a message and receiver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, case, func, select, update

from monitor.identity import digest_id
from monitor.instant import Instant
from monitor.store.schema import delivery
from monitor.store.statement import insert_into, page

_PENDING, _DELIVERED, _DEAD = "pending", "delivered", "dead"


@dataclass(frozen=True, slots=True)
class QueuedDelivery:
    """A message for one receiver, frozen: a resend is byte for byte the same."""

    receiver: str
    message_id: str
    time: Instant
    body: bytes
    queued_at: Instant


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the outbox.

    Attributes
    ----------
    seq: the order of queueing.
    status: pending, delivered or dead.
    attempts: how many were made. ``next_at``: when the next may be.
    ended_at: when it was delivered or given up, or ``None``.
    reason: of the last failure, or ``None``.
    """

    seq: int
    id: str
    receiver: str
    message_id: str
    time: Instant
    body: bytes
    status: str
    attempts: int
    queued_at: Instant
    next_at: Instant
    ended_at: Instant | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Outbox:
    """What waits for a receiver, what was given up, and when it last took something."""

    receiver: str
    pending: int
    dead: int
    oldest_pending_at: Instant | None
    last_delivered_at: Instant | None


def delivery_id(receiver: str, message_id: str) -> str:
    """Return the id of a message's passage to a receiver: the same on every replica."""
    return digest_id("dl", receiver, message_id)


def enqueue(connection: Connection, queued: QueuedDelivery) -> bool:
    """Queue a message for a receiver once; return whether it was new."""
    statement = insert_into(delivery, connection.dialect.name).on_conflict_do_nothing(index_elements=["id"])
    row = {
        "id": delivery_id(queued.receiver, queued.message_id),
        "receiver": queued.receiver,
        "message_id": queued.message_id,
        "time": queued.time,
        "body": queued.body,
        "status": _PENDING,
        "attempts": 0,
        "queued_at": queued.queued_at,
        "next_at": queued.queued_at,
    }
    return connection.execute(statement, row).rowcount > 0


def due(connection: Connection, receiver: str, now: Instant, limit: int = 1) -> list[Delivery]:
    """Return what may be sent to a receiver now, in order of queueing.

    The first that has to wait holds back those behind it: a receiver is never told of an end before its beginning.
    """
    head = _pending(connection, receiver, limit)
    waiting = next((place for place, row in enumerate(head) if row.next_at > now), len(head))
    return head[:waiting]


def next_due_at(connection: Connection, receiver: str) -> Instant | None:
    """Return when the first pending message of a receiver may be sent, or ``None`` if there is none."""
    head = _pending(connection, receiver, 1)
    return head[0].next_at if head else None


def mark_delivered(connection: Connection, id: str, at: Instant) -> bool:
    """Note that a receiver took a message; return whether it was pending."""
    return _mark(connection, id, status=_DELIVERED, ended_at=at, reason=None)


def mark_retry(connection: Connection, id: str, next_at: Instant, reason: str) -> bool:
    """Note that an attempt failed, why, and when the next may be made; return whether it was pending."""
    return _mark(connection, id, next_at=next_at, reason=reason)


def mark_dead(connection: Connection, id: str, at: Instant, reason: str) -> bool:
    """Give a message up and note why; return whether it was pending."""
    return _mark(connection, id, status=_DEAD, ended_at=at, reason=reason)


def revive(connection: Connection, id: str, now: Instant) -> bool:
    """Queue a dead message anew, or let a waiting one go at once; return whether there was one.

    It keeps its place, its id and its body; the attempts are counted from 0.
    """
    done = connection.execute(
        update(delivery)
        .where(delivery.c.id == id, delivery.c.status.in_((_PENDING, _DEAD)))
        .values(status=_PENDING, attempts=0, next_at=now, ended_at=None)
    )
    return done.rowcount > 0


def get_delivery(connection: Connection, id: str) -> Delivery | None:
    """Return a delivery, or ``None``."""
    row = connection.execute(select(delivery).where(delivery.c.id == id)).first()
    return None if row is None else _delivery(row)


def list_deliveries(
    connection: Connection,
    receiver: str | None = None,
    status: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> tuple[list[Delivery], str | None]:
    """Return deliveries, last queued first, and the cursor of the next.

    Raises
    ------
    ValueError: the cursor is not one of this list.
    """
    statement = select(delivery)
    if receiver is not None:
        statement = statement.where(delivery.c.receiver == receiver)
    if status is not None:
        statement = statement.where(delivery.c.status == status)
    rows, following = page(connection, statement, (delivery.c.seq, delivery.c.id), limit, cursor)
    return [_delivery(row) for row in rows], following


def pending_counts(connection: Connection) -> list[Outbox]:
    """Return the outbox of every receiver that ever had a message, by name."""
    is_pending, is_dead = delivery.c.status == _PENDING, delivery.c.status == _DEAD
    statement = select(
        delivery.c.receiver,
        func.count(case((is_pending, 1))).label("pending"),
        func.count(case((is_dead, 1))).label("dead"),
        func.min(case((is_pending, delivery.c.queued_at))).label("oldest"),
        func.max(case((delivery.c.status == _DELIVERED, delivery.c.ended_at))).label("delivered"),
    ).group_by(delivery.c.receiver)
    rows = connection.execute(statement.order_by(delivery.c.receiver))
    return [Outbox(row.receiver, row.pending, row.dead, row.oldest, row.delivered) for row in rows]


def _mark(connection: Connection, id: str, **values: Any) -> bool:
    statement = update(delivery).where(delivery.c.id == id, delivery.c.status == _PENDING)
    return connection.execute(statement.values(attempts=delivery.c.attempts + 1, **values)).rowcount > 0


def _pending(connection: Connection, receiver: str, limit: int) -> list[Delivery]:
    statement = select(delivery).where(delivery.c.receiver == receiver, delivery.c.status == _PENDING)
    return [_delivery(row) for row in connection.execute(statement.order_by(delivery.c.seq).limit(limit))]


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(**row._mapping)  # noqa: SLF001  the public name of a row as a mapping
