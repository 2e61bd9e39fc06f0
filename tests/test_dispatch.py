from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.delivery import Outcome
from monitor.dispatch import Attempt, Passage, dispatch_due
from monitor.errors import StoreBusy
from monitor.instant import SECOND
from monitor.notification import Content, MessageType, message
from monitor.receivers import LogSettings
from monitor.store.database import StateSettings, open_state
from monitor.store.delivery import QueuedDelivery, enqueue
from tests.outbox import (
    ACTION,
    ALERT,
    EXPIRES_AT,
    SECRET,
    WINDOW,
    Clock,
    FullDisk,
    desk,
    firing,
    full_disk,
    kept,
    queue,
    wall,
    webhook,
)
from tests.scripted_http import answer, hang_up, scripted


@pytest.fixture
def state(tmp_path: Path) -> Iterator[FullDisk]:
    """Yield a state that was begun just now, on a disk that can be filled."""
    opened = full_disk(tmp_path)
    yield opened
    opened.close()


def test_what_is_due_is_delivered(state: FullDisk) -> None:
    """A queued message is sent once and noted as delivered."""
    clock, told = Clock(), firing()
    id_ = queue(state, told, clock)
    with scripted(answer(200)) as server:
        assert dispatch_due(desk(state, webhook(server), clock)) == 1
    assert (server.requests[0].body, kept(state, id_).status) == (told.body, "delivered")


def test_nothing_due_sends_nothing(state: FullDisk) -> None:
    """An empty outbox makes no connection."""
    with scripted(answer(200)) as server:
        assert dispatch_due(desk(state, webhook(server), Clock())) == 0
    assert server.connections == 0


def test_messages_go_out_in_the_order_of_queueing(state: FullDisk) -> None:
    """A receiver is told of a beginning before its end."""
    clock = Clock()
    messages = [firing(reason) for reason in ("first_time", "changed", "resolved")]
    for told in messages:
        queue(state, told, clock)
    with scripted(answer(200)) as server:
        dispatch_due(desk(state, webhook(server), clock))
    assert [request.headers["webhook-id"] for request in server.requests] == [told.id for told in messages]


def test_a_failure_waits_for_its_time(state: FullDisk) -> None:
    """After a 503 the message stays in the outbox and goes out again when its wait is over, not before."""
    clock = Clock()
    id_ = queue(state, firing(), clock)
    with scripted(answer(503, "Retry-After: 60"), answer(200)) as server:
        work = desk(state, webhook(server), clock)
        dispatch_due(work)
        waiting = kept(state, id_)
        clock.forward(59)
        early = dispatch_due(work)
        clock.forward(1)
        dispatch_due(work)
    assert (waiting.status, waiting.reason, waiting.next_at - waiting.queued_at) == (
        "pending",
        "unavailable",
        60 * SECOND,
    )
    assert (early, kept(state, id_).status, kept(state, id_).attempts) == (0, "delivered", 2)


def test_a_resend_is_the_same_message_with_a_signature_of_its_own(state: FullDisk) -> None:
    """Every try has the same id and the same bytes, and a signature that holds for its own second."""
    clock = Clock()
    queue(state, firing(), clock)
    with scripted(hang_up, answer(500), answer(200)) as server:
        work = desk(state, webhook(server), clock)
        for _ in range(3):
            dispatch_due(work)
            clock.forward(60)
    first, *rest = server.requests
    assert [(again.body, again.headers["webhook-id"]) for again in rest] == [
        (first.body, first.headers["webhook-id"])
    ] * 2
    assert len({request.headers["webhook-signature"] for request in server.requests}) == 3


def test_a_receiver_that_never_comes_back_ends_after_nine_tries(state: FullDisk) -> None:
    """The schedule's eight waits are made, within its eighteen hours, and then the message is dead."""
    clock = Clock()
    began = clock()
    id_ = queue(state, firing(), clock)
    with scripted(answer(500)) as server:
        work = desk(state, webhook(server), clock)
        while kept(state, id_).status == "pending":
            clock.at = max(clock.at, kept(state, id_).next_at)
            dispatch_due(work)
    assert (len(server.requests), kept(state, id_).status, kept(state, id_).reason) == (9, "dead", "unavailable")
    assert clock() - began < 18 * 3600 * SECOND


def test_a_refusal_is_dead_after_one_try(state: FullDisk) -> None:
    """After a 404 the message is dead, and its reason is on disk."""
    clock = Clock()
    id_ = queue(state, firing(), clock)
    with scripted(answer(404)) as server:
        dispatch_due(desk(state, webhook(server), clock))
    assert (kept(state, id_).status, kept(state, id_).reason, len(server.requests)) == ("dead", "rejected", 1)


def test_after_gone_the_receiver_is_left_alone(state: FullDisk) -> None:
    """After a 410 nothing more is sent; what waits stays in the outbox for a receiver that is set up anew."""
    clock = Clock()
    queue(state, firing(), clock)
    id_ = queue(state, firing("changed"), clock)
    with scripted(answer(410)) as server:
        passage = Passage(desk(state, webhook(server), clock))
        assert [passage.turn(), passage.turn()] == [True, False]
    assert (len(server.requests), passage.why, kept(state, id_).status) == (1, "gone", "pending")


def test_an_action_that_expired_is_not_sent(state: FullDisk) -> None:
    """A retraining that nobody wants any more is dead without a connection."""
    clock = Clock(EXPIRES_AT)
    id_ = queue(state, message(MessageType.ACTION, Content(ALERT, WINDOW, action=ACTION)), clock)
    with scripted(answer(200)) as server:
        dispatch_due(desk(state, webhook(server), clock))
    assert (server.connections, kept(state, id_).status, kept(state, id_).reason) == (0, "dead", "expired")


def test_an_action_in_time_is_sent(state: FullDisk) -> None:
    """A retraining is sent until the instant before its expiry."""
    clock = Clock(EXPIRES_AT - 1)
    id_ = queue(state, message(MessageType.ACTION, Content(ALERT, WINDOW, action=ACTION)), clock)
    with scripted(answer(200)) as server:
        dispatch_due(desk(state, webhook(server), clock))
    assert kept(state, id_).status == "delivered"


def test_a_process_that_dies_before_the_outcome_sends_the_same_again(state: FullDisk) -> None:
    """If the outcome of a success was never written, the next process sends the same id and bytes: dedupe is easy."""
    clock = Clock()
    id_ = queue(state, firing(), clock)
    with scripted(answer(200)) as server:
        work = desk(state, webhook(server), clock)
        state.refusals = 1
        with pytest.raises(StoreBusy):
            dispatch_due(work)
        dispatch_due(work)
    first, again = server.requests
    assert (first.body, first.headers["webhook-id"]) == (again.body, again.headers["webhook-id"])
    assert kept(state, id_).status == "delivered"


CHILD = """
import random, sys, time
from pathlib import Path
from monitor.dispatch import Desk, dispatch_due
from monitor.receivers import Network, WebhookSettings
from monitor.store.database import StateSettings, open_state
state = open_state(StateSettings(), Path(sys.argv[1]))
settings = WebhookSettings.model_validate_json(sys.argv[2])
dispatch_due(Desk(state, settings, Network(), lambda: time.time_ns() // 1000, random.Random(7)))
"""


@pytest.mark.fault
def test_kill_between_answer_and_outcome_sends_the_same_message_again(tmp_path: Path) -> None:
    """A process killed while the receiver answers is followed by one that sends the same id and bytes, once."""
    state = open_state(StateSettings(), tmp_path)
    id_ = queue(state, firing(), wall)
    state.close()
    children: list[subprocess.Popen[bytes]] = []

    def kill(opened: socket.socket, over: threading.Event) -> None:
        children[0].kill()
        children[0].wait()
        answer(200)(opened, over)

    with scripted(kill, answer(200)) as server:
        given = {"name": "job", "type": "webhook", "url": server.url, "secret": SECRET}
        for _ in range(2):
            command = [sys.executable, "-c", CHILD, str(tmp_path), json.dumps(given)]
            children.append(subprocess.Popen(command, cwd=Path(__file__).parent.parent))
            children[-1].wait(30)
    state = open_state(StateSettings(), tmp_path)
    first, again = server.requests
    assert (first.body, first.headers["webhook-id"]) == (again.body, again.headers["webhook-id"])
    assert ([child.returncode for child in children], kept(state, id_).status) == ([-signal.SIGKILL, 0], "delivered")
    state.close()


def test_a_full_disk_does_not_repeat_what_was_delivered(state: FullDisk) -> None:
    """While the outcome cannot be written it is kept, and the receiver hears nothing twice."""
    clock = Clock()
    id_ = queue(state, firing(), clock)
    with scripted(answer(200)) as server:
        passage = Passage(desk(state, webhook(server), clock))
        state.refusals = 2
        for _ in range(2):
            with pytest.raises(StoreBusy):
                passage.turn()
        passage.turn()
    assert (len(server.requests), kept(state, id_).status) == (1, "delivered")


def test_what_nobody_expected_is_counted_and_tried_again(state: FullDisk) -> None:
    """A body that breaks the receiver's code is a failure like any other, and its text shows none of the body."""
    clock, seen = Clock(), list[Attempt]()
    with state.write() as connection:
        enqueue(connection, QueuedDelivery("journal", "evt_broken", 0, b'{"type": bodycanary', clock()))
    with capture_logs() as lines:
        dispatch_due(desk(state, LogSettings(name="journal"), clock, seen))
    assert (seen[0].outcome, seen[0].reason) == (Outcome.RETRIED, "unexpected")
    assert "bodycanary" not in str([{**line, "exc_info": None} for line in lines]) + str(seen)


def test_every_attempt_is_told(state: FullDisk) -> None:
    """Metrics learn of each attempt: its outcome, reason and number."""
    clock, seen = Clock(), list[Attempt]()
    queue(state, firing(), clock)
    with scripted(answer(503), answer(200)) as server:
        work = desk(state, webhook(server), clock, seen)
        dispatch_due(work)
        clock.forward(60)
        dispatch_due(work)
    told = [(attempt.receiver, attempt.outcome, attempt.reason, attempt.attempts) for attempt in seen]
    assert told == [("job", "retried", "unavailable", 1), ("job", "delivered", "accepted", 2)]


@pytest.mark.parametrize("status", [200, 404, 503])
def test_the_log_of_an_attempt_shows_no_secret(state: FullDisk, status: int) -> None:
    """What is logged of an attempt names the receiver, and neither path, key nor token."""
    clock = Clock()
    action = ACTION | {"callback": {"url": "https://monitor.example/", "token": "tokencanary"}}
    queue(state, message(MessageType.ACTION, Content(ALERT, WINDOW, action=action)), clock)
    with scripted(answer(status)) as server, capture_logs() as lines:
        dispatch_due(desk(state, webhook(server), clock))
    assert [line["receiver"] for line in lines] == ["job"]
    assert "canary" not in str(lines)


def test_the_wait_is_until_the_next_try_but_never_long(state: FullDisk) -> None:
    """A dispatcher sleeps until its next delivery is due, and looks into the outbox every five seconds anyway."""
    clock = Clock()
    with scripted(answer(503, "Retry-After: 3600")) as server:
        passage = Passage(desk(state, webhook(server), clock))
        assert passage.wait_seconds() == 5.0
        id_ = queue(state, firing(), clock)
        assert passage.wait_seconds() == 0.0
        passage.turn()
        assert passage.wait_seconds() == 5.0
        clock.at = kept(state, id_).next_at - 2 * SECOND
        assert passage.wait_seconds() == 2.0
