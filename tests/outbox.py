"""A state, a clock and a message, for the tests of the dispatcher."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from monitor.dispatch import Attempt, Desk
from monitor.errors import StoreBusy
from monitor.instant import SECOND
from monitor.notification import Content, Message, MessageType, message
from monitor.receivers import Network, ReceiverSettings, WebhookSettings
from monitor.store import directory as directories
from monitor.store.database import State, StateSettings, open_state
from monitor.store.delivery import Delivery, QueuedDelivery, delivery_id, enqueue, get_delivery
from tests.scripted_http import ScriptedServer

SECRET = "whsec_" + base64.b64encode(b"secretcanary-0123456789abcdef").decode()
ALERT = {"name": "drift", "model": "churn", "version": "3", "state": "firing", "started_at": "2013-07-01T10:05:00Z"}
WINDOW = {"id": "churn~3~20130701T090000Z~20130701T100000Z", "end": "2013-07-01T10:00:00Z"}
ACTION = {"id": "ac_a", "kind": "retrain", "status": "requested", "expires_at": "2026-01-05T08:00:00Z"}
EXPIRES_AT = 1_767_600_000 * SECOND


class Clock:
    """A clock that is turned by hand."""

    def __init__(self, at: int = EXPIRES_AT - 7200 * SECOND) -> None:
        self.at = at

    def __call__(self) -> int:
        """Return now."""
        return self.at

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.at += round(seconds * SECOND)


class FullDisk(State):
    """A state on a disk that is full for the next ``refusals`` writes."""

    refusals = 0

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """Write, or refuse."""
        if self.refusals:
            self.refusals -= 1
            raise StoreBusy("the disk is full")
        with super().write(durable=durable) as connection:
            yield connection


def full_disk(root: Path) -> FullDisk:
    """Begin a state on a disk that can be filled."""
    settings = StateSettings()
    open_state(settings, root).close()
    directory = root / settings.directory
    return FullDisk(directory, lock=directories.lock(directory))


def webhook(server: ScriptedServer, name: str = "job", timeout: str = "1s") -> WebhookSettings:
    """Return a receiver at a scripted server."""
    given = {"name": name, "type": "webhook", "url": server.url, "secret": SECRET, "timeout": timeout}
    return WebhookSettings.model_validate(given)


def desk(state: State, settings: ReceiverSettings, clock: Callable[[], int], seen: list[Attempt] | None = None) -> Desk:
    """Return a desk whose retries do not depend on chance; what it tells of attempts is appended to ``seen``."""
    told = [] if seen is None else seen
    return Desk(state, settings, Network(), clock, random.Random(7), told.append)


def firing(reason: str = "first_time") -> Message:
    """Return the message of an alert."""
    return message(MessageType.FIRING, Content(ALERT | {"reason": reason}, WINDOW))


def queue(state: State, told: Message, clock: Callable[[], int], receiver: str = "job") -> str:
    """Queue a message and return the delivery's id."""
    with state.write() as connection:
        enqueue(connection, QueuedDelivery(receiver, told.id, told.time, told.body, clock()))
    return delivery_id(receiver, told.id)


def kept(state: State, id_: str) -> Delivery:
    """Return what the outbox says of a delivery."""
    with state.read() as connection:
        found = get_delivery(connection, id_)
    assert found is not None
    return found


def wall() -> int:
    """Return the wall clock."""
    return time.time_ns() // 1000
