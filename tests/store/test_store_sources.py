from __future__ import annotations

import pytest

from monitor.record import Reason
from monitor.store.counts import Counts, add_counts, load_counts, save_accepted_at
from monitor.store.database import State
from monitor.store.memory import delete_memory, load_memory, save_memory
from monitor.store.pane import Pane, delete_panes, load_panes, save_pane
from monitor.store.position import delete_positions, load_positions, save_position
from monitor.store.reference import Reference, list_references, load_reference, save_reference


@pytest.mark.parametrize("file", ["logs/a.jsonl", "logs/é 1.jsonl", "logs/\udcff.jsonl", "s3://b/k?x=%20"])
def test_a_position_comes_back_under_the_name_of_its_file(state: State, file: str) -> None:
    """Any name that a file system holds, valid Unicode or not, finds its position again."""
    with state.write() as connection:
        save_position(connection, "m", "records", file, {"offset": 1})
        save_position(connection, "m", "records", file, {"offset": 2, "newest": None})
    with state.read() as connection:
        assert load_positions(connection, "m", "records") == {file: {"offset": 2, "newest": None}}


def test_positions_are_of_one_model_and_role(state: State) -> None:
    """A source sees no position of another, though the file is the same."""
    with state.write() as connection:
        save_position(connection, "m", "records", "f", {"offset": 1})
        save_position(connection, "m", "targets", "f", {"offset": 2})
        save_position(connection, "n", "records", "f", {"offset": 3})
    with state.read() as connection:
        assert load_positions(connection, "m", "targets") == {"f": {"offset": 2}}


def test_positions_of_files_that_are_gone_can_be_forgotten(state: State) -> None:
    """Forgetting one file leaves the others."""
    with state.write() as connection:
        for file in ("a", "b"):
            save_position(connection, "m", "records", file, {})
        delete_positions(connection, "m", "records", ["a", "never"])
        assert set(load_positions(connection, "m", "records")) == {"b"}


def test_counts_add_up(state: State) -> None:
    """Counts of one source add up over transactions, those by reason too."""
    for _ in range(2):
        with state.write() as connection:
            add_counts(connection, "m", "records", accepted=5, late=1, sampled=4, rejected={Reason.JSON_SYNTAX: 2})
    with state.write() as connection:
        add_counts(connection, "m", "records", rejected={"duplicate": 3})
    with state.read() as connection:
        assert load_counts(connection) == [Counts("m", "records", 10, 2, 8, {"duplicate": 3, "json_syntax": 4})]


def test_the_last_accepted_instant_stays_with_the_counts(state: State) -> None:
    """Noting when a row was accepted changes no count, and counting does not forget it."""
    with state.write() as connection:
        save_accepted_at(connection, "m", "records", 77)
        add_counts(connection, "m", "records", accepted=1)
        assert load_counts(connection) == [Counts("m", "records", accepted=1, accepted_at=77)]


def test_panes_come_back_in_order_of_their_start(state: State) -> None:
    """Panes of [since, until) come back by start, then version, each with its last payload."""
    with state.write() as connection:
        for start in (30, 10, 20):
            save_pane(connection, "m", "2", start, 1, b"b")
            save_pane(connection, "m", "1", start, 1, b"a")
        save_pane(connection, "m", "1", 20, 2, b"again")
        save_pane(connection, "n", "1", 20, 2, b"other")
    with state.read() as connection:
        assert load_panes(connection, "m", 20, until=30) == [
            Pane("m", "1", 20, 2, b"again"),
            Pane("m", "2", 20, 1, b"b"),
        ]


def test_old_panes_are_forgotten_by_model_or_version(state: State) -> None:
    """Panes that start before an instant go, of one version only if it is named."""
    with state.write() as connection:
        for start in (10, 20):
            for version in ("1", "2"):
                save_pane(connection, "m", version, start, 1, b"")
        by_version = delete_panes(connection, "m", 20, "1")
        by_model = delete_panes(connection, "m", 20)
        left = [(pane.version, pane.start) for pane in load_panes(connection, "m", 0)]
    assert (by_version, by_model, left) == (1, 1, [("1", 20), ("2", 20)])


def test_memory_is_kept_by_version_and_name(state: State) -> None:
    """A piece is written over by its own name only, and a version's pieces can be forgotten together."""
    with state.write() as connection:
        save_memory(connection, "m", "1", "engine", b"old")
        save_memory(connection, "m", "1", "engine", b"\x00new")
        save_memory(connection, "m", "1", "step", b"")
        save_memory(connection, "m", "2", "engine", b"two")
    with state.write() as connection:
        before = load_memory(connection, "m")
        delete_memory(connection, "m", "1")
        after = load_memory(connection, "m")
    assert before == {("1", "engine"): b"\x00new", ("1", "step"): b"", ("2", "engine"): b"two"}
    assert after == {("2", "engine"): b"two"}


def test_the_reference_saved_last_is_loaded_unless_one_is_named(state: State) -> None:
    """Of a model and version the newest reference is loaded; an older one by its id, to redo a verdict."""
    old = Reference("sha256:a", "m", "1", 1, {"rows": 3}, b"old")
    new = Reference("sha256:b", "m", "1", 2, {"rows": 4}, b"new")
    with state.write() as connection:
        save_reference(connection, new)
        save_reference(connection, old)
    with state.read() as connection:
        assert load_reference(connection, "m", "1") == new
        assert load_reference(connection, "m", "1", "sha256:a") == old
        assert load_reference(connection, "m", "2") is None
        assert [each.id for each in list_references(connection, "m")] == ["sha256:b", "sha256:a"]
