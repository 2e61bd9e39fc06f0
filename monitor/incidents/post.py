"""As a window closes: what it tells is queued, gathered or withheld, in the same transaction that writes it down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from monitor.alert import Change
from monitor.incidents.situation import load_situation
from monitor.instant import Instant
from monitor.notification import Message
from monitor.routing import Policy, Way
from monitor.store.database import Connection
from monitor.store.delivery import QueuedDelivery, enqueue
from monitor.store.notice import (
    Hearing,
    Notice,
    Waiting,
    count_withheld,
    forget_notice,
    gather,
    load_hearings,
    load_notices,
    note_told,
    save_hearing,
    save_notice,
)
from monitor.withholding import Situation, Withheld

Json = Mapping[str, Any]
_OVER = frozenset({Change.RESOLVED, Change.VERSION_RETIRED})


@dataclass(frozen=True, slots=True)
class Told:
    """A message that a close gives rise to.

    ``receivers`` are all that may ever be told. ``alert`` and ``change`` say what of; without them it asks a job for
    something, and nothing withholds it.
    """

    message: Message
    receivers: tuple[str, ...]
    alert: Json | None = None
    change: Change | None = None


def post(connection: Connection, told: Iterable[Told], policy: Policy, wall: Instant) -> None:
    """Queue what a close tells, or withhold it, counted with its reason.

    Messages about faults of the data go first: whoever is told of one is spared what it explains.
    """
    for each in sorted(told, key=_rank):
        if each.alert is None or each.change is None:
            for receiver in each.receivers:
                send(connection, receiver, each.message, wall)
        elif each.change in _OVER:
            _tell_the_end(connection, each, each.alert, wall)
        else:
            _tell(connection, each, load_situation(connection, policy, wall, each.alert["model"]))


def _rank(told: Told) -> int:
    alert = told.alert or {}
    return {"quality": 0, "drift": 1 if alert.get("segment") is None else 2}.get(str(alert.get("name")), 3)


def send(connection: Connection, receiver: str, message: Message | Notice | Waiting, wall: Instant) -> None:
    """Queue a message for a receiver, once."""
    ident = message.id if isinstance(message, Message) else message.message_id
    enqueue(connection, QueuedDelivery(receiver, ident, message.time, message.body, wall))


def _tell(connection: Connection, told: Told, situation: Situation) -> None:
    alert, change = told.alert or {}, told.change
    ident = str(alert["id"])
    known = load_notices(connection, [ident]).get(ident)
    if change is not Change.REPEAT_DUE or known is None:
        known = Notice(ident, told.message.id, told.message.time, told.message.body)
        save_notice(connection, known)
    now = replace(known, message_id=told.message.id, time=told.message.time, body=told.message.body)
    ways, of_all = situation.policy.ways(alert, situation.now), situation.of_all(alert)
    acknowledged = change is Change.REPEAT_DUE and _is_acknowledged(alert, situation)
    for receiver in told.receivers:
        because = of_all or situation.of(alert, receiver)
        why = because.why if because is not None else Withheld.ACKNOWLEDGED if acknowledged else None
        if why is None and receiver not in ways:
            why = Withheld.OUT_OF_HOURS
        if why is not None:
            count_withheld(connection, alert["model"], why.value)
            continue
        hand(connection, receiver, ways[receiver], now, situation.now)
        save_hearing(connection, _heard(known, receiver, ways[receiver]))


def _is_acknowledged(alert: Json, situation: Situation) -> bool:
    """Say whether somebody has an alert in hand: the state knows, the body that moved does not."""
    return any(each["id"] == alert["id"] and each["acknowledged_by"] for each in situation.firing)


def hand(connection: Connection, receiver: str, way: Way, notice: Notice, now: Instant) -> None:
    """Queue a message, or have it wait for others, and note that its alert was told."""
    note_told(connection, notice.alert, now)
    if not way.wait:
        send(connection, receiver, notice, now)
        return
    parts = (notice.message_id, notice.time, notice.body)
    gather(connection, Waiting(receiver, way.key, now + way.wait, *parts))


def _heard(notice: Notice, receiver: str, way: Way) -> Hearing:
    return Hearing(notice.alert, receiver, notice.message_id, way.wait, way.key)


def tell_news(connection: Connection, receiver: str, way: Way, notice: Notice, now: Instant) -> None:
    """Tell a receiver the last news of an alert, and note that it was told."""
    hand(connection, receiver, way, notice, now)
    save_hearing(connection, _heard(notice, receiver, way))


def _tell_the_end(connection: Connection, told: Told, alert: Json, wall: Instant) -> None:
    """Tell the end of an alert to everyone who was told of it, in the way in which they were, and to nobody else.

    An alert of which no news was kept fired before news were kept: then whoever is routed may have been told.
    """
    ident = str(alert["id"])
    known = ident in load_notices(connection, [ident])
    heard = load_hearings(connection, [ident]).get(ident, {})
    if not known:
        heard = {name: Hearing(ident, name, "", 0, "") for name in told.receivers}
    end = Notice(ident, told.message.id, told.message.time, told.message.body)
    for receiver, hearing in heard.items():
        hand(connection, receiver, Way(hearing.wait, hearing.key), end, wall)
    missed = len(set(told.receivers) - set(heard))
    if missed:
        count_withheld(connection, alert["model"], Withheld.NEVER_TOLD.value, missed)
    forget_notice(connection, ident)
