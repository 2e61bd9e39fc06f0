"""Who did what, and when: each entry carries a digest of itself and of the one before it.

A changed, removed or inserted entry breaks the chain; what is cut off its end can only be missed by who noted the last
digest elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from monitor.instant import Instant
from monitor.store.schema import audit
from monitor.store.statement import from_json, page, to_json


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: at a wall time an actor did ``what``, with details."""

    seq: int
    at: Instant
    actor: str
    what: str
    detail: Mapping[str, Any]


def append(connection: Connection, at: Instant, actor: str, what: str, detail: Mapping[str, Any]) -> None:
    """Add an entry at the end of the chain."""
    before = connection.scalar(select(audit.c.digest).order_by(audit.c.seq.desc()).limit(1)) or ""
    text = to_json(detail)
    digest = _digest(before, at, actor, what, text)
    connection.execute(audit.insert().values(at=at, actor=actor, what=what, detail=text, digest=digest))


def list_entries(connection: Connection, limit: int = 100, cursor: str | None = None) -> tuple[list[Entry], str | None]:
    """Return entries, last first, and the cursor of the next.

    Raises
    ------
    ValueError: the cursor is not one of this list.
    """
    rows, following = page(connection, select(audit), (audit.c.seq, audit.c.digest), limit, cursor)
    return [Entry(row.seq, row.at, row.actor, row.what, from_json(row.detail)) for row in rows], following


def verify(connection: Connection) -> int | None:
    """Return the number of the first entry that does not fit the one before it, or ``None`` if all do."""
    before = ""
    for row in connection.execute(select(audit).order_by(audit.c.seq)):
        if row.digest != _digest(before, row.at, row.actor, row.what, row.detail):
            return int(row.seq)
        before = row.digest
    return None


def _digest(before: str, *parts: str | int) -> str:
    text = to_json({"before": before, "parts": parts})
    return hashlib.sha256(text.encode("ascii")).hexdigest()
