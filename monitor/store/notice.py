"""What there is to tell of firing alerts, who was told of it, what waits to be told together, and what was withheld."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from monitor.instant import Instant
from monitor.store.schema import gathered, hearing, notice, withheld
from monitor.store.statement import insert_into, upsert


@dataclass(frozen=True, slots=True)
class Notice:
    """The last news of a firing alert: the message of its start, or of a change in it.

    ``told_at`` is the wall time at which anybody was first told of the alert, or ``None``.
    """

    alert: str
    message_id: str
    time: Instant
    body: bytes
    told_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Hearing:
    """That a receiver was told of an alert: by which message last, after what wait, and gathered under which key."""

    alert: str
    receiver: str
    message_id: str
    wait: int
    key: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits for others that are to go to its receiver with it."""

    receiver: str
    key: str
    due_at: Instant
    message_id: str
    time: Instant
    body: bytes


def save_notice(connection: Connection, kept: Notice) -> None:
    """Keep the last news of an alert over those before; when it was first told stays."""
    names = ("alert", "message_id", "time", "body")
    upsert(connection, notice, [{name: getattr(kept, name) for name in names}])


def note_told(connection: Connection, alert: str, now: Instant) -> None:
    """Note when anybody was first told of an alert."""
    first = (notice.c.alert == alert) & notice.c.told_at.is_(None)
    connection.execute(update(notice).where(first).values(told_at=now))


def load_notices(connection: Connection, alerts: Iterable[str] | None = None) -> dict[str, Notice]:
    """Return the last news of these alerts, or of all that fire, by the alert's id."""
    statement = select(notice)
    if alerts is not None:
        statement = statement.where(notice.c.alert.in_([*alerts]))
    return {row.alert: Notice(**row._mapping) for row in connection.execute(statement)}  # noqa: SLF001 - a public name


def forget_notice(connection: Connection, alert: str) -> None:
    """Forget the news of an alert, and who was told of it: it is over."""
    for table in (notice, hearing):
        connection.execute(delete(table).where(table.c.alert == alert))


def save_hearing(connection: Connection, kept: Hearing) -> None:
    """Note that a receiver was told."""
    names = ("alert", "receiver", "message_id", "wait", "key")
    upsert(connection, hearing, [{name: getattr(kept, name) for name in names}])


def load_hearings(connection: Connection, alerts: Sequence[str]) -> dict[str, dict[str, Hearing]]:
    """Return who was told of these alerts, by alert and receiver."""
    found: defaultdict[str, dict[str, Hearing]] = defaultdict(dict)
    statement = select(hearing).where(hearing.c.alert.in_(alerts)).order_by(hearing.c.alert, hearing.c.receiver)
    for row in connection.execute(statement):
        found[row.alert][row.receiver] = Hearing(**row._mapping)  # noqa: SLF001 - a public name
    return dict(found)


def gather(connection: Connection, waiting: Waiting) -> None:
    """Add a message to those that wait for the same receiver under the same key; the first says when they go."""
    same = (gathered.c.receiver == waiting.receiver) & (gathered.c.key == waiting.key)
    first = connection.scalar(select(gathered.c.due_at).where(same).order_by(gathered.c.seq).limit(1))
    names = ("receiver", "key", "message_id", "time", "body")
    row = {name: getattr(waiting, name) for name in names} | {"due_at": first or waiting.due_at}
    connection.execute(insert_into(gathered, connection.dialect.name), row)


def load_due(connection: Connection, now: Instant) -> dict[tuple[str, str], list[Waiting]]:
    """Return what has waited long enough, by receiver and key, each in the order in which it happened."""
    found: defaultdict[tuple[str, str], list[Waiting]] = defaultdict(list)
    for row in connection.execute(select(gathered).where(gathered.c.due_at <= now).order_by(gathered.c.seq)):
        facts = {name: value for name, value in row._mapping.items() if name != "seq"}  # noqa: SLF001 - a public name
        found[row.receiver, row.key].append(Waiting(**facts))
    return dict(found)


def forget_gathered(connection: Connection, receiver: str, key: str) -> None:
    """Forget what waited: it was queued."""
    connection.execute(delete(gathered).where(gathered.c.receiver == receiver, gathered.c.key == key))


def count_withheld(connection: Connection, model: str, why: str, messages: int = 1) -> None:
    """Count messages that were withheld."""
    statement = insert_into(withheld, connection.dialect.name)
    more = statement.on_conflict_do_update(
        index_elements=["model", "why"], set_={"messages": withheld.c.messages + statement.excluded.messages}
    )
    connection.execute(more, {"model": model, "why": why, "messages": messages})


def load_withheld(connection: Connection) -> Mapping[str, Mapping[str, int]]:
    """Return how many messages were withheld since the state began, by model and reason."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(select(withheld)):
        found[row.model][row.why] = row.messages
    return dict(found)
