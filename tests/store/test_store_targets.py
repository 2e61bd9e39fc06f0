from __future__ import annotations

from monitor.store import audit
from monitor.store.database import State
from monitor.store.target import count_targets, delete_targets, load_targets, save_targets


def test_of_several_targets_for_one_id_the_last_wins(state: State) -> None:
    """The last row wins, within one call and over calls."""
    with state.write() as connection:
        save_targets(connection, "m", [("a", "0", 1), ("a", "1", 2), ("b", '"x"', 1)])
        save_targets(connection, "m", [("b", "null", 3)])
        assert load_targets(connection, "m", ["a", "b", "c"]) == {"a": "1", "b": "null"}
        assert count_targets(connection, "m") == 2


def test_targets_are_of_one_model(state: State) -> None:
    """The same id in two models has two targets."""
    with state.write() as connection:
        save_targets(connection, "m", [("a", "0", 1)])
        save_targets(connection, "n", [("a", "1", 1)])
        delete_targets(connection, "m", ["a"])
        found = (load_targets(connection, "m", ["a"]), load_targets(connection, "n", ["a"]))
    assert found == ({}, {"a": "1"})


def test_ids_are_looked_up_by_ten_thousands(state: State) -> None:
    """More ids than one query can carry are all found."""
    ids = [f"{number * 7919 % 1_000_003:x}" for number in range(40_000)]
    with state.write() as connection:
        save_targets(connection, "m", [(name, str(place), place) for place, name in enumerate(ids)])
    with state.read() as connection:
        found = load_targets(connection, "m", ids)
    assert found == {name: str(place) for place, name in enumerate(ids)}


def _write_audit(state: State) -> None:
    with state.write() as connection:
        for at, what in enumerate(("action_approved", "alert_acknowledged", "config_reloaded")):
            audit.append(connection, at, "kim", what, {"id": at})


def test_an_untouched_audit_verifies(state: State) -> None:
    """Entries come back last first, and their chain holds."""
    _write_audit(state)
    with state.read() as connection:
        items, _ = audit.list_entries(connection, limit=2)
        broken = audit.verify(connection)
    assert ([entry.what for entry in items], broken) == (["config_reloaded", "alert_acknowledged"], None)


def test_a_changed_audit_entry_is_found(state: State) -> None:
    """An entry that was changed by hand is named."""
    _write_audit(state)
    with state.write() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'pat' WHERE seq = 2")
        assert audit.verify(connection) == 2


def test_a_removed_audit_entry_is_found(state: State) -> None:
    """The entry after one that was removed no longer fits."""
    _write_audit(state)
    with state.write() as connection:
        connection.exec_driver_sql("DELETE FROM audit WHERE seq = 2")
        assert audit.verify(connection) == 3
