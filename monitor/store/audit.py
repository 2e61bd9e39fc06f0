"""Who did what, and when: each entry carries the SHA-256 of itself and of the one before it; entries stay for good.

A changed, removed, inserted or moved entry breaks the chain. What is cut off its end leaves a gap to the numbers that
SQLite has given out; where that was covered up too, only who noted the last digest elsewhere can tell. So can nobody
else where all of it was written anew: a chain has no key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, text

from monitor.instant import Instant
from monitor.store.schema import audit
from monitor.store.statement import from_json, page, to_json

_AT_ONCE = 1_000
CHANGED, CUT_OFF, HEAD_UNKNOWN = "changed", "cut_off", "head_unknown"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: at a wall time an actor did ``what``, with details; ``digest`` is that of the chain up to it."""

    seq: int
    at: Instant
    actor: str
    what: str
    detail: Mapping[str, Any]
    digest: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: the number of the last entry, 0 if there is none, and its digest."""

    seq: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of a look at the whole chain.

    Attributes
    ----------
    entries: how many there are. ``head``: the last of them.
    broken_at: the number of the first entry that does not fit the one before it, or is missing; ``None`` if all fit.
    why: ``changed``, ``cut_off`` or ``head_unknown``; ``None`` if all is well.
    """

    entries: int
    head: Head
    broken_at: int | None = None
    why: str | None = None


def append(connection: Connection, at: Instant, actor: str, what: str, detail: Mapping[str, Any]) -> None:
    """Add an entry at the end of the chain."""
    written = to_json(detail)
    digest = _digest(head(connection).digest, at, actor, what, written)
    connection.execute(audit.insert().values(at=at, actor=actor, what=what, detail=written, digest=digest))


def append_action(connection: Connection, at: Instant, actor: str, body: Mapping[str, Any]) -> None:
    """Add that an action stands as it does now: decided, ruled on, reported or given up; of a report no text."""
    told = {name: body.get(name) for name in ("id", "model", "version", "kind", "why", "trigger", "alert", "fence")}
    result = body.get("result") or {}
    made = {name: result[name] for name in ("version", "rows") if result.get(name) is not None}
    append(connection, at, actor, f"action_{body['status']}", told | ({"result": made} if made else {}))


def head(connection: Connection) -> Head:
    """Return the end of the chain."""
    row = connection.execute(select(audit.c.seq, audit.c.digest).order_by(audit.c.seq.desc()).limit(1)).first()
    return Head() if row is None else Head(row.seq, row.digest)


def list_entries(connection: Connection, limit: int = 100, cursor: str | None = None) -> tuple[list[Entry], str | None]:
    """Return entries, last first, and the cursor of the next.

    Raises
    ------
    ValueError: the cursor is not one of this list.
    """
    rows, following = page(connection, select(audit), (audit.c.seq, audit.c.digest), limit, cursor)
    return [_entry(row) for row in rows], following


def all_entries(connection: Connection) -> Iterator[Entry]:
    """Return every entry, first first."""
    return map(_entry, _rows(connection))


def verify(connection: Connection, noted: Head | None = None) -> Verified:
    """Look at every entry; ``noted`` is an end of the chain that was noted elsewhere and must still be in it."""
    before, entries, has_noted = Head(), 0, noted is None or noted == Head()
    for row in _rows(connection):
        if row.digest != _digest(before.digest, row.at, row.actor, row.what, row.detail):
            return Verified(entries, before, int(row.seq), CHANGED)
        before, entries = Head(row.seq, row.digest), entries + 1
        has_noted = has_noted or before == noted
    given_out = _given_out(connection)
    if given_out > before.seq:
        return Verified(entries, before, before.seq + 1, CUT_OFF)
    return Verified(entries, before, None, None if has_noted else HEAD_UNKNOWN)


def _rows(connection: Connection) -> Iterator[Row[Any]]:
    return iter(connection.execute(select(audit).order_by(audit.c.seq).execution_options(yield_per=_AT_ONCE)))


def _given_out(connection: Connection) -> int:
    """Return the last number that was given to an entry, as SQLite keeps it beside the table."""
    return int(connection.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")) or 0)


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.seq, row.at, row.actor, row.what, from_json(row.detail), row.digest)


def _digest(before: str, *parts: str | int) -> str:
    written = to_json({"before": before, "parts": parts})
    return hashlib.sha256(written.encode("ascii")).hexdigest()
