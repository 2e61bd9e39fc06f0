from __future__ import annotations

import pyarrow as pa

from monitor.instant import to_text
from monitor.store.action import list_actions, save_action
from monitor.store.alert import list_alerts, save_alert
from monitor.store.database import State
from monitor.store.delivery import QueuedDelivery, delivery_id, enqueue, list_deliveries, mark_dead, mark_delivered
from monitor.store.pane import load_panes, save_pane
from monitor.store.reference import Reference, list_references, save_reference
from monitor.store.retention import Expired, expire
from monitor.store.segment import OUTCOMES, ROWS, add_segment, segments, write_segment
from monitor.store.target import count_targets, load_targets, save_targets
from monitor.store.window import list_windows, save_performance, save_window


def test_old_data_of_a_model_goes(state: State) -> None:
    """Panes, windows, performance, targets and rows before the instant go, with their files; what is at it stays."""
    for at in (99, 100):
        segment = write_segment(state.directory, "m", "1", at, pa.table({"timestamp": [at]}))
        body = {
            "id": f"w{at}",
            "model": "m",
            "version": "1",
            "start": to_text(0),
            "end": to_text(at),
            "verdict": "stable",
        }
        with state.write() as connection:
            save_pane(connection, "m", "1", at, 1, b"")
            save_window(connection, body)
            save_performance(connection, {"at": to_text(at), "window": f"w{at}", "performance": []}, final=True)
            save_targets(connection, "m", [(f"t{at}", "0", at)])
            add_segment(connection, segment)
    gone = expire(state, {"m": 100}, 0)
    with state.read() as connection:
        assert [pane.start for pane in load_panes(connection, "m", 0)] == [100]
        assert [body["id"] for body in list_windows(connection)[0]] == ["w100"]
        assert load_targets(connection, "m", ["t99", "t100"]) == {"t100": "0"}
        kept = segments(connection, "m", 0, 1_000)
    files = [path.name for path in state.directory.rglob("*.parquet")]
    assert files == [kept[0].name.partition("/")[2]]
    assert gone == Expired(panes=1, windows=1, performance=1, targets=1, segments=1, segment_bytes=gone.segment_bytes)


def test_a_reference_goes_after_the_last_window_of_its_version(state: State) -> None:
    """What the reference of a version was made of is kept while it has windows, and while it is new."""
    body = {"id": "w", "model": "m", "start": to_text(0), "verdict": "stable"}
    with state.write() as connection:
        save_window(connection, {**body, "version": "live", "end": to_text(100)})
        for version, saved_at in (("live", 1), ("gone", 1), ("new", 50)):
            save_reference(connection, Reference("sha256:a", "m", version, saved_at, {}, b"rows"))
    gone = expire(state, {"m": 100}, 50)
    with state.read() as connection:
        assert sorted(each.version for each in list_references(connection, "m")) == ["live", "new"]
    assert gone.references == 1


def test_a_reference_that_was_made_anew_goes_when_it_is_old(state: State) -> None:
    """That there was one before is known for the retention; the one in use stays however old it is."""
    body = {"id": "w", "model": "m", "version": "1", "start": to_text(0), "end": to_text(100), "verdict": "stable"}
    with state.write() as connection:
        save_window(connection, body)
        for id_, saved_at, payload in (("old", 1, b""), ("before", 60, b""), ("now", 1, b"rows")):
            save_reference(connection, Reference(id_, "m", "1", saved_at, {}, payload))
    gone = expire(state, {"m": 100}, 50)
    with state.read() as connection:
        assert sorted(each.id for each in list_references(connection, "m")) == ["before", "now"]
    assert gone.references == 1


def test_models_expire_by_their_own_time(state: State) -> None:
    """A model whose logs are of years ago keeps them as long as any other: each has its own instant."""
    with state.write() as connection:
        for model in ("m", "n"):
            save_pane(connection, model, "1", 50, 1, b"")
    expire(state, {"m": 100, "n": 50}, 0)
    with state.read() as connection:
        assert (len(load_panes(connection, "m", 0)), len(load_panes(connection, "n", 0))) == (0, 1)


def test_open_alerts_and_actions_outlast_the_retention(state: State) -> None:
    """However old, what is pending, firing, waiting or running stays; what has ended goes."""
    body = {"model": "m", "version": "1", "name": "drift", "kind": "retrain", "resolved_at": None}
    with state.write() as connection:
        for place, word in enumerate(("pending", "firing", "resolved")):
            save_alert(connection, {**body, "id": f"al_{place}", "state": word, "started_at": to_text(1)})
        for place, word in enumerate(("requested", "awaiting_approval", "started", "failed", "withheld")):
            save_action(connection, {**body, "id": f"ac_{place}", "status": word, "requested_at": to_text(1)})
    gone = expire(state, {"m": 100}, 0)
    with state.read() as connection:
        assert {alert["state"] for alert in list_alerts(connection)[0]} == {"pending", "firing"}
        assert {action["status"] for action in list_actions(connection)[0]} == {
            "requested",
            "awaiting_approval",
            "started",
        }
    assert (gone.alerts, gone.actions) == (1, 2)


def test_an_alert_goes_by_its_end(state: State) -> None:
    """An alert that began long ago and was resolved lately stays."""
    body = {"id": "al_a", "model": "m", "version": "1", "name": "drift", "state": "resolved", "started_at": to_text(1)}
    with state.write() as connection:
        save_alert(connection, {**body, "resolved_at": to_text(100)})
    assert expire(state, {"m": 100}, 0).alerts == 0
    assert expire(state, {"m": 101}, 0).alerts == 1


def test_deliveries_go_when_they_have_ended(state: State) -> None:
    """Delivered and dead messages go by the wall time of their end; a pending one stays."""
    with state.write() as connection:
        for message in ("evt_1", "evt_2", "evt_3", "evt_4"):
            enqueue(connection, QueuedDelivery("team", message, 0, b"{}", 1))
        mark_delivered(connection, delivery_id("team", "evt_1"), 99)
        mark_dead(connection, delivery_id("team", "evt_2"), 99, "http_404")
        mark_delivered(connection, delivery_id("team", "evt_3"), 100)
    gone = expire(state, {}, 100)
    with state.read() as connection:
        left = {row.message_id for row in list_deliveries(connection)[0]}
    assert (gone.deliveries, left) == (2, {"evt_3", "evt_4"})


def _pages(state: State) -> int:
    with state.read() as connection:
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())


def test_many_rows_go_and_give_their_room_back(state: State) -> None:
    """More rows than one transaction takes go, and the database is smaller afterwards."""
    with state.write() as connection:
        save_targets(connection, "m", [(f"{number:032x}", '{"a":"b"}' * 10, number) for number in range(60_000)])
    before = _pages(state)
    gone = expire(state, {"m": 59_000}, 0)
    with state.read() as connection:
        left = count_targets(connection, "m")
    assert (gone.targets, left) == (59_000, 1_000)
    assert _pages(state) < before / 2


def test_answers_go_when_nobody_asks_for_them(state: State) -> None:
    """Answers before the instant from which they may be asked for go, and rows to retrain with stay."""
    with state.write() as connection:
        for kind in (ROWS, OUTCOMES):
            for at in (150, 250):
                add_segment(
                    connection, write_segment(state.directory, "m", "1", at, pa.table({"timestamp": [at]}), kind)
                )
    assert expire(state, {"m": 100}, 0, {"m": 200}).segments == 1
    with state.read() as connection:
        assert [each.pane_at for each in segments(connection, "m", 0, 1_000, kind=OUTCOMES)] == [250]
        assert len(segments(connection, "m", 0, 1_000, kind=ROWS)) == 2
