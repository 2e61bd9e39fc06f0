from __future__ import annotations

from typing import Any

import pytest

from monitor.identity import window_id
from monitor.instant import SECOND, to_text
from monitor.store.action import (
    actions_since,
    get_action,
    last_actions,
    list_actions,
    next_fence,
    open_actions,
    save_action,
)
from monitor.store.alert import acknowledge, get_alert, list_alerts, open_alerts, save_alert
from monitor.store.database import State
from monitor.store.window import (
    get_window,
    last_windows,
    list_windows,
    save_performance,
    save_window,
    unfinished_windows,
    windows_between,
)

_HOUR = 3600 * SECOND


def _window(model: str, hour: int, version: str = "1", **facts: Any) -> dict[str, Any]:
    start, end = hour * _HOUR, (hour + 1) * _HOUR
    return {
        "kind": "window",
        "id": window_id(model, version, start, end),
        "model": model,
        "version": version,
        "start": to_text(start),
        "end": to_text(end),
        "verdict": "stable",
        "performance": [],
        "targets_coverage_ratio": None,
        **facts,
    }


def _alert(id: str, started: int, **facts: Any) -> dict[str, Any]:
    body = {"id": id, "model": "m", "version": "1", "segment": None, "name": "drift", "severity": "warning"}
    return body | {"state": "firing", "started_at": to_text(started), "resolved_at": None} | facts


def _action(id: str, requested: int, **facts: Any) -> dict[str, Any]:
    body = {"id": id, "model": "m", "version": "1", "kind": "retrain", "status": "requested", "why": "gate_open"}
    return body | {"requested_at": to_text(requested)} | facts


def test_a_window_comes_back_with_its_keys_in_order(state: State) -> None:
    """A window is read as it was written: every key, in order, with numbers bit for bit and any text."""
    body = _window("m", 0, evidence=0.1 + 0.2, columns=[{"name": "\ud800 é\u0000", "p_value": 5e-324}])
    with state.write() as connection:
        save_window(connection, body)
        found = get_window(connection, body["id"])
    assert found is not None
    assert list(found.items()) == list(body.items())


def test_a_number_that_is_not_finite_is_not_kept(state: State) -> None:
    """NaN in a window is a fault of ours and raises; unknown is null."""
    with pytest.raises(ValueError, match="not JSON compliant"), state.write() as connection:
        save_window(connection, _window("m", 0, evidence=float("nan")))


def test_windows_are_listed_newest_first_page_by_page(state: State) -> None:
    """Pages follow on each other without gap or repeat, though windows are added between them."""
    with state.write() as connection:
        for hour in range(5):
            save_window(connection, _window("m", hour))
            save_window(connection, _window("n", hour))
    seen: list[str] = []
    cursor: str | None = None
    for late in (10, 11, 12):
        with state.write() as connection:
            items, cursor = list_windows(connection, limit=4, cursor=cursor)
            save_window(connection, _window("m", late))
        seen += [item["id"] for item in items]
    expected = [_window(model, hour)["id"] for hour in range(4, -1, -1) for model in ("n", "m")]
    assert (seen, cursor) == (expected, None)


def test_windows_are_listed_by_model_and_version(state: State) -> None:
    """A list can be of one model, and of one of its versions."""
    with state.write() as connection:
        for model, version in (("m", "1"), ("m", "2"), ("n", "1")):
            save_window(connection, _window(model, 0, version))
        of_model = [item["version"] for item in list_windows(connection, "m")[0]]
        of_version = [item["version"] for item in list_windows(connection, "m", version="2")[0]]
    assert (of_model, of_version) == (["2", "1"], ["2"])


@pytest.mark.parametrize("cursor", ["", "x", "é", "bnVsbA", "WzEsbnVsbF0", "WzEsIDIsIDNd", "W1tdLCJhIl0", "{}"])
def test_a_cursor_that_is_not_ours_is_refused(state: State, cursor: str) -> None:
    """Anything else than a cursor of the list raises ValueError, and never a driver's error."""
    with state.read() as connection, pytest.raises(ValueError, match="cursor"):
        list_windows(connection, cursor=cursor)


def test_the_last_page_has_no_cursor(state: State) -> None:
    """A page that holds the last item ends the list, also when it is exactly full."""
    with state.write() as connection:
        for hour in range(2):
            save_window(connection, _window("m", hour))
        assert list_windows(connection, limit=2)[1] is None


def test_later_performance_is_shown_in_its_window(state: State) -> None:
    """What targets told of a window later takes the place of what was known when it closed."""
    body = _window("m", 0)
    later = {
        "at": to_text(_HOUR),
        "window": body["id"],
        "targets_coverage_ratio": 0.9,
        "performance": [{"metric": "f1"}],
    }
    with state.write() as connection:
        save_window(connection, body)
        save_performance(connection, later, final=False)
        found = get_window(connection, body["id"])
    assert found == body | {"targets_coverage_ratio": 0.9, "performance": [{"metric": "f1"}]}


def test_windows_wait_for_performance_until_it_is_final(state: State) -> None:
    """Windows without a final performance are unfinished, those that end later than asked for only."""
    with state.write() as connection:
        for hour in range(4):
            body = _window("m", hour)
            save_window(connection, body)
            if hour:
                later = {"at": to_text(0), "window": body["id"], "performance": []}
                save_performance(connection, later, final=hour == 2)
        assert unfinished_windows(connection, "m", _HOUR) == [_window("m", hour)["id"] for hour in (1, 3)]


def test_performance_of_an_unknown_window_is_not_kept(state: State) -> None:
    """A window that has expired keeps no performance behind."""
    with state.write() as connection:
        save_performance(connection, {"at": to_text(0), "window": "gone", "performance": []}, final=True)
        assert connection.exec_driver_sql("SELECT count(*) FROM performance").scalar_one() == 0


def test_windows_between_are_those_that_end_in_the_span(state: State) -> None:
    """A span from T to T+2h has the two windows that end within it, first first."""
    with state.write() as connection:
        for hour in range(4):
            save_window(connection, _window("m", hour))
        found = windows_between(connection, "m", _HOUR, 3 * _HOUR)
    assert [body["start"] for body in found] == [to_text(_HOUR), to_text(2 * _HOUR)]


def test_the_last_window_of_each_version_is_known(state: State) -> None:
    """Each model and version has its own last window."""
    with state.write() as connection:
        for version, hours in (("1", (0, 1)), ("2", (1, 2))):
            for hour in hours:
                save_window(connection, _window("m", hour, version))
        last = last_windows(connection)
    assert {key: body["end"] for key, body in last.items()} == {
        ("m", "1"): to_text(2 * _HOUR),
        ("m", "2"): to_text(3 * _HOUR),
    }


def test_open_alerts_are_pending_and_firing(state: State) -> None:
    """What an engine has to go on with is every pending and firing alert of its model, resolved ones not."""
    with state.write() as connection:
        for place, name in enumerate(("pending", "firing", "resolved", "inactive")):
            save_alert(connection, _alert(f"al_{place}", place, state=name))
        save_alert(connection, _alert("al_n", 0, model="n"))
        assert [alert["state"] for alert in open_alerts(connection, "m")] == ["pending", "firing"]
        assert len(open_alerts(connection)) == 3


def test_alerts_are_listed_newest_first_by_state_and_model(state: State) -> None:
    """Alerts come last start first; those that have not started yet last."""
    with state.write() as connection:
        save_alert(connection, _alert("al_a", 1))
        save_alert(connection, _alert("al_b", 2, model="n"))
        save_alert(connection, _alert("al_c", 0, state="pending", started_at=None))
        every, _ = list_alerts(connection)
        firing, _ = list_alerts(connection, state="firing", model="m")
    assert ([a["id"] for a in every], [a["id"] for a in firing]) == (["al_b", "al_a", "al_c"], ["al_a"])


def test_a_cycle_does_not_undo_what_an_operator_said(state: State) -> None:
    """Acknowledging outlasts the next save of the alert, whatever that carries."""
    with state.write() as connection:
        save_alert(connection, _alert("al_a", 1))
        told = acknowledge(connection, "al_a", "kim", "at it", _HOUR)
        save_alert(connection, _alert("al_a", 1, acknowledged_by=None, note=None, rows=7))
        found = get_alert(connection, "al_a")
    assert told is True
    said = {"acknowledged_by": "kim", "acknowledged_at": to_text(_HOUR), "note": "at it"}
    assert found == _alert("al_a", 1, rows=7) | said


def test_what_is_said_of_no_alert_is_told(state: State) -> None:
    """Acknowledging an id that is not there returns false."""
    with state.write() as connection:
        assert not acknowledge(connection, "al_x", "kim", None, 1)
        assert get_alert(connection, "al_x") is None


def test_open_actions_wait_or_run(state: State) -> None:
    """Requested, awaiting and started actions are open; withheld and ended ones are not."""
    words = ("requested", "withheld", "awaiting_approval", "started", "succeeded", "failed")
    with state.write() as connection:
        for place, word in enumerate(words):
            save_action(connection, _action(f"ac_{place}", place, status=word))
        found = [action["status"] for action in open_actions(connection, "m")]
    assert found == ["requested", "awaiting_approval", "started"]


def test_actions_since_count_the_instant_itself(state: State) -> None:
    """A budget over the last days sees the actions requested at its very edge, first first."""
    with state.write() as connection:
        for at in (3, 1, 2):
            save_action(connection, _action(f"ac_{at}", at))
        save_action(connection, _action("ac_n", 9, model="n"))
        assert [action["id"] for action in actions_since(connection, "m", 2)] == ["ac_2", "ac_3"]


def test_an_action_is_written_over_by_its_id(state: State) -> None:
    """An action that went on is one action."""
    with state.write() as connection:
        save_action(connection, _action("ac_a", 1))
        save_action(connection, _action("ac_a", 1, status="started", updated_at=to_text(5)))
        found = get_action(connection, "ac_a")
        items, following = list_actions(connection)
    assert (items, following) == ([found], None)
    assert found == _action("ac_a", 1, status="started", updated_at=to_text(5))


def test_the_last_action_of_each_model_is_known(state: State) -> None:
    """Each model has one last action, withheld or not."""
    with state.write() as connection:
        for name, at, model in (("ac_a", 1, "m"), ("ac_b", 2, "m"), ("ac_c", 1, "n")):
            save_action(connection, _action(name, at, model=model, status="withheld"))
        assert [action["id"] for action in last_actions(connection)] == ["ac_b", "ac_c"]


def test_fences_only_rise(state: State) -> None:
    """Each fence of a model is above all before it, and of its own model."""
    with state.write() as connection:
        given = [next_fence(connection, "m"), next_fence(connection, "n"), next_fence(connection, "m")]
    with state.write() as connection:
        given.append(next_fence(connection, "m"))
    assert given == [1, 1, 2, 3]
