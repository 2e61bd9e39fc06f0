from __future__ import annotations

from dataclasses import replace

from monitor.store.database import State
from monitor.store.delivery import (
    Outbox,
    QueuedDelivery,
    delivery_id,
    due,
    enqueue,
    get_delivery,
    list_deliveries,
    mark_dead,
    mark_delivered,
    mark_retry,
    next_due_at,
    pending_counts,
    revive,
)

_ID = delivery_id("team", "evt_1")
_ONE = QueuedDelivery("team", "evt_1", 5, b'{"id":"evt_1"}', 100)


def _queue(state: State, *messages: str, receiver: str = "team") -> None:
    with state.write() as connection:
        for place, message in enumerate(messages):
            enqueue(connection, QueuedDelivery(receiver, message, 5, b"{}", 100 + place))


def _due(state: State, now: int, receiver: str = "team", limit: int = 10) -> list[str]:
    with state.read() as connection:
        return [row.message_id for row in due(connection, receiver, now, limit)]


def test_a_message_is_queued_once_for_a_receiver(state: State) -> None:
    """Queueing the same message again changes nothing, not even with another body; another receiver gets its own."""
    with state.write() as connection:
        new = [
            enqueue(connection, _ONE),
            enqueue(connection, replace(_ONE, body=b"other", queued_at=200)),
            enqueue(connection, replace(_ONE, receiver="pager")),
        ]
        found = get_delivery(connection, delivery_id("team", "evt_1"))
    assert new == [True, False, True]
    assert found is not None
    assert (found.body, found.queued_at, found.status, found.attempts) == (_ONE.body, 100, "pending", 0)


def test_a_delivered_message_is_not_queued_again(state: State) -> None:
    """A replay after a crash does not send again what was delivered."""
    with state.write() as connection:
        enqueue(connection, _ONE)
        mark_delivered(connection, delivery_id("team", "evt_1"), 200)
        assert not enqueue(connection, _ONE)
    assert _due(state, 1_000) == []


def test_deliveries_are_due_in_order_of_queueing(state: State) -> None:
    """The first queued is sent first, whatever its id, and only to its own receiver."""
    _queue(state, "evt_b", "evt_a", "evt_c")
    _queue(state, "evt_z", receiver="pager")
    assert _due(state, 1_000, limit=2) == ["evt_b", "evt_a"]


def test_what_waits_holds_back_those_behind_it(state: State) -> None:
    """While the first waits for its next attempt, nothing after it goes to that receiver."""
    _queue(state, "evt_1", "evt_2")
    _queue(state, "evt_1", receiver="pager")
    with state.write() as connection:
        mark_retry(connection, delivery_id("team", "evt_1"), 500, "http_503")
        wait = next_due_at(connection, "team")
    assert (_due(state, 499), _due(state, 500), wait) == ([], ["evt_1", "evt_2"], 500)
    assert _due(state, 499, "pager") == ["evt_1"]


def test_the_dead_let_those_behind_them_go(state: State) -> None:
    """A message that was given up no longer holds the line."""
    _queue(state, "evt_1", "evt_2")
    with state.write() as connection:
        mark_dead(connection, delivery_id("team", "evt_1"), 300, "http_404")
    assert _due(state, 1_000) == ["evt_2"]


def test_attempts_and_reasons_are_kept(state: State) -> None:
    """A delivery knows how often it was tried, and why it failed last; the dead keep theirs."""
    _queue(state, "evt_1")
    with state.write() as connection:
        mark_retry(connection, _ID, 500, "timeout")
        mark_dead(connection, _ID, 600, "http_410")
        found = get_delivery(connection, _ID)
    assert found is not None
    assert (found.status, found.attempts, found.reason, found.ended_at) == ("dead", 2, "http_410", 600)


def test_an_outcome_is_marked_once(state: State) -> None:
    """A delivery that has ended takes no other outcome, so that a late answer cannot undo it."""
    _queue(state, "evt_1")
    with state.write() as connection:
        assert mark_delivered(connection, _ID, 300)
        assert not mark_retry(connection, _ID, 500, "timeout")
        assert not mark_dead(connection, _ID, 500, "timeout")
        assert not mark_delivered(connection, _ID, 500)


def test_the_dead_can_be_revived_in_their_place(state: State) -> None:
    """A dead message sent anew is the same message, at once due, ahead of those queued after it."""
    _queue(state, "evt_1", "evt_2")
    with state.write() as connection:
        mark_dead(connection, _ID, 300, "http_404")
        revived = (revive(connection, _ID, 700), revive(connection, "dl_none", 700))
    assert (revived, _due(state, 700)) == ((True, False), ["evt_1", "evt_2"])


def test_the_delivered_cannot_be_revived(state: State) -> None:
    """What a receiver has taken is not sent to it again by hand."""
    _queue(state, "evt_1")
    with state.write() as connection:
        mark_delivered(connection, delivery_id("team", "evt_1"), 300)
        assert not revive(connection, delivery_id("team", "evt_1"), 700)


def test_outboxes_tell_what_waits_and_what_died(state: State) -> None:
    """Each receiver has its counts, the oldest that waits, and when it last took something."""
    _queue(state, "evt_1", "evt_2", "evt_3", "evt_4")
    _queue(state, "evt_1", receiver="pager")
    with state.write() as connection:
        mark_delivered(connection, delivery_id("team", "evt_1"), 300)
        mark_dead(connection, delivery_id("team", "evt_2"), 400, "http_404")
        mark_delivered(connection, delivery_id("pager", "evt_1"), 500)
        found = pending_counts(connection)
    assert found == [Outbox("pager", 0, 0, None, 500), Outbox("team", 2, 1, 102, 300)]


def test_deliveries_are_listed_last_queued_first(state: State) -> None:
    """Pages follow on each other in falling order of queueing, by receiver and status if asked."""
    _queue(state, "evt_1", "evt_2", "evt_3")
    _queue(state, "evt_9", receiver="pager")
    with state.write() as connection:
        mark_dead(connection, delivery_id("team", "evt_2"), 400, "http_404")
    with state.read() as connection:
        first, cursor = list_deliveries(connection, limit=3)
        second, end = list_deliveries(connection, limit=3, cursor=cursor)
        dead, _ = list_deliveries(connection, receiver="team", status="dead")
    assert [row.message_id for row in [*first, *second]] == ["evt_9", "evt_3", "evt_2", "evt_1"]
    assert (end, [row.message_id for row in dead]) == (None, ["evt_2"])
