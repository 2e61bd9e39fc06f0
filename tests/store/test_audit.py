"""The chain of the audit, tampered with in the file of the state as somebody else's program would."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import pytest

from monitor.store import audit
from monitor.store.audit import Head
from monitor.store.database import State

ENTRIES = 5


@pytest.fixture
def noted(state: State) -> Head:
    """Write five entries, and return the end of the chain as somebody would note it."""
    with state.write() as connection:
        for at in range(ENTRIES):
            audit.append(connection, at, "kim", "action_requested", {"id": f"ac_{at}", "why": "ä"})
        return audit.head(connection)


def tamper(state: State, *statements: str) -> None:
    """Change the file past Driftline."""
    with closing(sqlite3.connect(state.path)) as file:
        for statement in statements:
            file.execute(statement)
        file.commit()


def verified(state: State, noted: Head | None = None) -> audit.Verified:
    """Look at the whole chain."""
    with state.read() as connection:
        return audit.verify(connection, noted)


def test_an_untouched_audit_verifies(state: State, noted: Head) -> None:
    """Entries come back last first, and their chain holds up to the end that was noted."""
    with state.read() as connection:
        items, _ = audit.list_entries(connection, limit=2)
    assert [entry.seq for entry in items] == [5, 4]
    assert verified(state, noted) == audit.Verified(ENTRIES, noted)


def test_an_end_that_was_noted_earlier_holds(state: State, noted: Head) -> None:
    """The chain has grown since."""
    with state.write() as connection:
        audit.append(connection, 9, "kim", "action_failed", {})
    assert verified(state, noted).why is None


def test_an_audit_without_entries_verifies(state: State) -> None:
    """Nothing was noted, and nothing is missing."""
    assert verified(state) == audit.Verified(0, Head())


_SWAP = (
    "UPDATE audit SET seq = -1 WHERE seq = 2",
    "UPDATE audit SET seq = 2 WHERE seq = 3",
    "UPDATE audit SET seq = 3 WHERE seq = -1",
)


@pytest.mark.parametrize(
    ("statements", "broken_at", "why"),
    [
        (["UPDATE audit SET actor = 'pat' WHERE seq = 2"], 2, "changed"),
        (["UPDATE audit SET at = at + 1 WHERE seq = 5"], 5, "changed"),
        (["UPDATE audit SET detail = replace(detail, 'ac_2', 'ac_9') WHERE seq = 3"], 3, "changed"),
        (["UPDATE audit SET digest = upper(digest) WHERE seq = 4"], 4, "changed"),
        (["DELETE FROM audit WHERE seq = 1"], 2, "changed"),
        (["DELETE FROM audit WHERE seq = 3"], 4, "changed"),
        (_SWAP, 2, "changed"),
        (["INSERT INTO audit SELECT 6, at, actor, what, detail, digest FROM audit WHERE seq = 5"], 6, "changed"),
        (["DELETE FROM audit WHERE seq >= 4"], 4, "cut_off"),
        (["DELETE FROM audit"], 1, "cut_off"),
    ],
)
def test_a_change_of_the_file_is_found(
    state: State, noted: Head, statements: list[str], broken_at: int, why: str
) -> None:
    """What was changed, removed, moved, inserted or cut off is found, with the number of the entry."""
    tamper(state, *statements)
    found = verified(state)
    assert (found.broken_at, found.why) == (broken_at, why)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE sqlite_sequence SET seq = 3 WHERE name = 'audit'", "DELETE FROM sqlite_sequence WHERE name = 'audit'"],
)
def test_an_end_cut_off_with_its_traces_needs_a_note(state: State, noted: Head, statement: str) -> None:
    """Where SQLite's own count was changed too, the chain holds by itself, and not up to the end that was noted."""
    tamper(state, "DELETE FROM audit WHERE seq > 3", statement)
    assert (verified(state).why, verified(state, noted).why) == (None, "head_unknown")


def test_a_chain_written_anew_needs_a_note(state: State, noted: Head) -> None:
    """Whoever can write the file can write another chain; an end that was noted is not in it."""
    tamper(state, "DELETE FROM audit", "DELETE FROM sqlite_sequence WHERE name = 'audit'")
    with state.write() as connection:
        for at in range(ENTRIES):
            audit.append(connection, at, "pat", "action_requested", {"id": f"ac_{at}"})
    assert (verified(state).why, verified(state, noted).why) == (None, "head_unknown")


def test_twenty_thousand_entries_are_verified_in_a_second(state: State) -> None:
    """A busy year is looked at within a second or two of one core."""
    digest, rows = "", []
    for at in range(20_000):
        digest = audit._digest(digest, at, "driftline", "delivery_delivered", '{"receiver":"team"}')  # noqa: SLF001
        rows.append((at, "driftline", "delivery_delivered", '{"receiver":"team"}', digest))
    with closing(sqlite3.connect(state.path)) as file:
        file.executemany("INSERT INTO audit (at, actor, what, detail, digest) VALUES (?, ?, ?, ?, ?)", rows)
        file.commit()
    began = time.process_time()
    found = verified(state)
    assert (found.entries, found.why) == (20_000, None)
    assert time.process_time() - began <= 2.0
