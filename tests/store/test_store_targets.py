from __future__ import annotations

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
