"""Between closes: what was withheld is told once nothing withholds it, digests go out, and silence is escalated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.incidents.post import send, tell_news
from monitor.incidents.situation import load_situation
from monitor.instant import Instant
from monitor.notification import digest_message
from monitor.routing import Policy, Way
from monitor.store.database import Connection, State
from monitor.store.notice import Hearing, Notice, forget_gathered, load_due, load_hearings, load_notices
from monitor.withholding import Alert, Situation


@dataclass(frozen=True, slots=True)
class _Due:
    """That a receiver is to be told the last news of an alert now."""

    receiver: str
    way: Way
    notice: Notice


def make_rounds(state: State, policy: Policy, now: Instant) -> list[str]:
    """Queue what is due at an instant of wall time; return the receivers that have something new to send.

    Raises
    ------
    StoreBusy: the state cannot be read or written now.
    """
    with state.read() as connection:
        if not any(_news(connection, policy, now)) and not load_due(connection, now):
            return []
    with state.write() as connection:
        due = list(_news(connection, policy, now))
        for each in due:
            tell_news(connection, each.receiver, each.way, each.notice, now)
        return sorted({*(each.receiver for each in due), *_send_gathered(connection, policy, now)})


def _news(connection: Connection, policy: Policy, now: Instant) -> Iterator[_Due]:
    """Yield what firing alerts have to tell, to whom: those of them that nobody has in hand."""
    notices = load_notices(connection)
    if not notices:
        return
    situation = load_situation(connection, policy, now)
    hearings = load_hearings(connection, list(notices))
    for alert in situation.firing:
        notice = notices.get(alert["id"])
        if notice is not None and not alert["acknowledged_by"] and situation.of_all(alert) is None:
            yield from _untold(alert, notice, hearings.get(alert["id"], {}), situation)


def _untold(alert: Alert, notice: Notice, heard: dict[str, Hearing], situation: Situation) -> Iterator[_Due]:
    ways = situation.policy.ways(alert, situation.now)
    waited = None if notice.told_at is None else situation.now - notice.told_at
    for after, receiver in situation.policy.escalations(alert, situation.now):
        if waited is not None and waited >= after and receiver not in heard:
            ways.setdefault(receiver, Way())
    for receiver, way in ways.items():
        hearing = heard.get(receiver)
        is_told = hearing is not None and hearing.message_id == notice.message_id
        if not is_told and situation.of(alert, receiver) is None:
            yield _Due(receiver, way, notice)


def _send_gathered(connection: Connection, policy: Policy, now: Instant) -> list[str]:
    """Queue what has waited long enough: several messages as one, a single one as it is."""
    due = load_due(connection, now)
    for (receiver, key), waiting in due.items():
        if len(waiting) == 1:
            send(connection, receiver, waiting[0], now)
        else:
            bodies = [each.body for each in waiting]
            send(connection, receiver, digest_message(receiver, bodies, now, policy.page), now)
        forget_gathered(connection, receiver, key)
    return [receiver for receiver, _ in due]
