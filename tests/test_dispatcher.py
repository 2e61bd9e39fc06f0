from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from monitor.dispatch import Desk, Dispatcher
from tests.outbox import (
    FullDisk,
    desk,
    firing,
    full_disk,
    kept,
    queue,
    wall,
    webhook,
)
from tests.scripted_http import answer, scripted, silent


@pytest.fixture
def state(tmp_path: Path) -> Iterator[FullDisk]:
    """Yield a state that was begun just now, on a disk that can be filled."""
    opened = full_disk(tmp_path)
    yield opened
    opened.close()


@contextmanager
def running(*desks: Desk) -> Iterator[Dispatcher]:
    """Run a dispatcher until the block ends."""
    dispatcher = Dispatcher(desks)
    dispatcher.start()
    yield dispatcher
    assert dispatcher.stop(5)


def eventually(holds: Callable[[], Any], seconds: float = 3.0) -> bool:
    """Return whether something comes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.01)
    return False


def test_a_queued_message_leaves_when_the_bell_rings(state: FullDisk) -> None:
    """A message queued while the dispatcher sleeps goes out as soon as it is woken."""
    with scripted(answer(200)) as server, running(desk(state, webhook(server), wall)) as dispatcher:
        time.sleep(0.1)
        id_ = queue(state, firing(), wall)
        dispatcher.wake(["job"])
        assert eventually(lambda: kept(state, id_).status == "delivered", 2)
    assert dispatcher.health() == {"job": None}


def test_a_black_hole_delays_nobody_else(state: FullDisk) -> None:
    """While one receiver swallows a message without an answer, another gets its own within a second."""
    with scripted(silent) as hole, scripted(answer(200)) as server:
        queue(state, firing(), wall, "hole")
        id_ = queue(state, firing(), wall, "job")
        began = time.monotonic()
        with running(desk(state, webhook(hole, "hole", "2s"), wall), desk(state, webhook(server), wall)):
            assert eventually(lambda: kept(state, id_).status == "delivered")
            assert time.monotonic() - began < 1.0


def test_stop_sends_what_is_due(state: FullDisk) -> None:
    """What is due when the daemon stops is still sent, and every thread ends."""
    with scripted(answer(200)) as server:
        ids = [queue(state, firing(str(place)), wall) for place in range(20)]
        dispatcher = Dispatcher([desk(state, webhook(server), wall)])
        dispatcher.start()
        assert dispatcher.stop(10)
    assert [kept(state, id_).status for id_ in ids] == ["delivered"] * 20


def test_stop_does_not_wait_for_a_dead_receiver(state: FullDisk) -> None:
    """At the end of the drain time stop returns, and the message is still in the outbox."""
    with scripted(silent) as hole:
        id_ = queue(state, firing(), wall)
        dispatcher = Dispatcher([desk(state, webhook(hole, timeout="2s"), wall)])
        dispatcher.start()
        assert eventually(lambda: hole.requests)
        began = time.monotonic()
        assert dispatcher.stop(0.3) is False
        assert time.monotonic() - began < 0.8
    assert kept(state, id_).status == "pending"
    assert eventually(lambda: dispatcher.stop(0))


def test_a_successor_does_not_send_what_is_on_its_way(state: FullDisk) -> None:
    """After a reload, a receiver that still thinks about a message is not sent the same one again."""

    def slow(opened: socket.socket, over: threading.Event) -> None:
        over.wait(0.5)
        answer(200)(opened, over)

    with scripted(slow) as server:
        id_ = queue(state, firing(), wall)
        old = Dispatcher([desk(state, webhook(server, timeout="3s"), wall)])
        old.start()
        assert eventually(lambda: server.requests)
        old.stop(0.0)
        new = Dispatcher([desk(state, webhook(server, timeout="3s"), wall)])
        new.start(after=old)
        assert eventually(lambda: kept(state, id_).status == "delivered")
        assert new.stop(5)
    assert (len(server.requests), kept(state, id_).attempts) == (1, 1)


def test_a_sleeping_dispatcher_stops_at_once(state: FullDisk) -> None:
    """A dispatcher with nothing to do does not use its drain time."""
    with scripted(answer(200)) as server:
        dispatcher = Dispatcher([desk(state, webhook(server), wall)])
        dispatcher.start()
        time.sleep(0.1)
        began = time.monotonic()
        assert dispatcher.stop(10)
        assert time.monotonic() - began < 1.0


def test_a_full_disk_does_not_end_a_dispatcher(state: FullDisk) -> None:
    """A turn that the state does not allow is counted, and the thread goes on when there is space again."""
    with scripted(answer(200)) as server:
        id_ = queue(state, firing(), wall)
        state.refusals = 1
        with running(desk(state, webhook(server), wall)) as dispatcher:
            assert eventually(lambda: kept(state, id_).status == "delivered", 4)
    assert (dispatcher.broken, len(server.requests)) == (1, 1)


def test_a_failing_receiver_is_named_with_its_reason(state: FullDisk) -> None:
    """The status of a receiver is the reason of its last failure."""
    with scripted(answer(503)) as server:
        queue(state, firing(), wall)
        with running(desk(state, webhook(server), wall)) as dispatcher:
            assert eventually(lambda: dispatcher.health() == {"job": "unavailable"})
