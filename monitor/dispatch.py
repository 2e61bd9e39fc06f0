"""Sends what is due: a thread a receiver, so that one that answers nothing delays nobody else.

The outcome of an attempt is a transaction of its own. If the process dies between a receiver's answer and that
transaction, the same message goes out again under the same id.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from monitor import receivers
from monitor.delivery import Decision, Outcome, Reason, decide, is_expired
from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.instant import SECOND, Instant, to_text
from monitor.notification import expiry
from monitor.receivers import Network, ReceiverSettings
from monitor.standing import standing_of
from monitor.store.audit import append
from monitor.store.database import State
from monitor.store.delivery import Delivery, due, mark_dead, mark_delivered, mark_retry, next_due_at

POLL_SECONDS = 5.0  # how late a message is seen that another process queued, or that waits for a clock set back
_LONGEST_PAUSE_SECONDS = 60.0
_JOIN_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, as metrics and logs tell of it.

    Attributes
    ----------
    attempts: made of this delivery, this one included.
    next_at: when the next is due; ``None`` unless it is retried.
    detail: of a failure, without any secret; empty for a success.
    """

    receiver: str
    message_id: str
    outcome: Outcome
    reason: str
    attempts: int
    next_at: Instant | None
    detail: str


def _unobserved(_attempt: Attempt) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the deliveries of one receiver need.

    Attributes
    ----------
    clock: the wall clock; receivers compare a signature's second with theirs.
    rng: spreads retries.
    observe: is told of every attempt, once its outcome is on disk.
    """

    state: State
    settings: ReceiverSettings
    network: Network
    clock: Callable[[], Instant]
    rng: random.Random
    observe: Callable[[Attempt], None] = _unobserved


class Passage:
    """The deliveries of one receiver, one at a time. ``why`` is the reason of the last failure, ``None`` when well."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._unsettled: tuple[Delivery, Decision, str] | None = None
        self._standing = standing_of(desk.settings)
        self.name = desk.settings.name
        self.why: str | None = None
        self.disabled = False

    def turn(self) -> bool:
        """Make one attempt and write its outcome; return whether there was one to make.

        An outcome that could not be written is kept: the next turn writes it, and sends nothing.

        Raises
        ------
        StoreBusy: the state cannot be read or written now.
        """
        if self._unsettled is None:
            delivery = None if self.disabled else self._next()
            if delivery is None:
                self._tell_again()
                return False
            self._unsettled = (delivery, *self._attempt(delivery))
        delivery, decision, detail = self._unsettled
        self._settle(delivery, decision)
        self._unsettled = None
        if self._standing is not None and decision.outcome is Outcome.DELIVERED:
            self._standing.note(delivery, self._desk.clock())
        self._tell(delivery, decision, detail)
        return True

    def wait_seconds(self) -> float:
        """Return how long there is nothing to do, at most ``POLL_SECONDS``."""
        if self.disabled:
            return POLL_SECONDS
        with self._desk.state.read() as connection:
            next_at = next_due_at(connection, self.name)
        if next_at is None:
            return POLL_SECONDS
        return min(max((next_at - self._desk.clock()) / SECOND, 0.0), POLL_SECONDS)

    def _next(self) -> Delivery | None:
        with self._desk.state.read() as connection:
            waiting = due(connection, self.name, self._desk.clock(), 1)
        return waiting[0] if waiting else None

    def _tell_again(self) -> None:
        """Tell a receiver that forgets what still holds, while nothing new waits for it; what fails is told later."""
        desk = self._desk
        if self._standing is None or self.disabled:
            return
        with desk.state.read() as connection:
            if next_due_at(connection, self.name) is not None:
                return
        for delivery in self._standing.due(desk.state, desk.clock()):
            try:
                receivers.send(desk.settings, delivery.message_id, delivery.body, desk.clock(), desk.network)
                self.why = None
            except (DeliveryFailed, DeliveryRefused) as error:
                self.why = error.reason
                return

    def _attempt(self, delivery: Delivery) -> tuple[Decision, str]:
        desk, failure, expires_at = self._desk, None, None
        try:
            expires_at = expiry(delivery.body)
            if is_expired(desk.clock(), expires_at):
                return Decision(Outcome.DEAD, Reason.EXPIRED), "nobody wants it any more"
            receivers.send(desk.settings, delivery.message_id, delivery.body, desk.clock(), desk.network)
        except (DeliveryFailed, DeliveryRefused) as error:
            failure = error
        except Exception as error:  # noqa: BLE001  the edge of one delivery: counted by its outcome, and tried again
            structlog.get_logger(__name__).exception("delivery_broke", receiver=self.name, message=delivery.message_id)
            failure = DeliveryFailed(Reason.UNEXPECTED, f"an unexpected {type(error).__name__}")
        decision = decide(delivery.attempts + 1, failure, desk.clock(), desk.rng, expires_at)
        return decision, "" if failure is None else failure.message

    def _settle(self, delivery: Delivery, decision: Decision) -> None:
        now = self._desk.clock()
        with self._desk.state.write() as connection:
            if decision.outcome is Outcome.DELIVERED:
                mark_delivered(connection, delivery.id, now)
            elif decision.next_at is None:
                mark_dead(connection, delivery.id, now, decision.reason)
            else:
                mark_retry(connection, delivery.id, decision.next_at, decision.reason)
                return
            told = {"receiver": self.name, "message": delivery.message_id, "attempts": delivery.attempts + 1}
            append(connection, now, "driftline", f"delivery_{decision.outcome}", told | {"why": decision.reason})

    def _tell(self, delivery: Delivery, decision: Decision, detail: str) -> None:
        delivered = decision.outcome is Outcome.DELIVERED
        self.why = None if delivered else decision.reason
        self.disabled = decision.disable
        attempt = Attempt(
            self.name,
            delivery.message_id,
            decision.outcome,
            decision.reason,
            delivery.attempts + 1,
            decision.next_at,
            detail,
        )
        _log(attempt)
        self._desk.observe(attempt)


def dispatch_due(desk: Desk) -> int:
    """Make every attempt that is due now for a receiver; return how many there were.

    Raises
    ------
    StoreBusy: the state cannot be read or written now.
    """
    passage = Passage(desk)
    made = 0
    while passage.turn():
        made += 1
    return made


class Dispatcher:
    """A thread a receiver, from ``start`` to ``stop``. ``broken`` counts turns that the state did not allow."""

    def __init__(self, desks: Sequence[Desk]) -> None:
        self._passages = [Passage(desk) for desk in desks]
        self._bells = {passage.name: threading.Event() for passage in self._passages}
        self._threads: dict[str, threading.Thread] = {}
        self._stopping = threading.Event()
        self._end = float("inf")
        self.broken = 0

    def start(self, after: Dispatcher | None = None) -> None:
        """Start the threads; they are daemons: a receiver that hangs does not keep the process.

        Parameters
        ----------
        after: one that was stopped for this one, as by a reload. Where it still waits for a receiver's answer, that
            receiver's next message waits too, or the same one would go out twice.
        """
        before = {} if after is None else after._threads  # noqa: SLF001  of the same class
        for passage in self._passages:
            arguments = (passage, before.get(passage.name))
            thread = threading.Thread(target=self._run, args=arguments, name=f"dispatch-{passage.name}", daemon=True)
            self._threads[passage.name] = thread
            thread.start()

    def wake(self, names: Iterable[str] | None = None) -> None:
        """Tell that messages were queued for these receivers, or for any."""
        for name in self._bells if names is None else names:
            if name in self._bells:
                self._bells[name].set()

    def stop(self, drain_seconds: float) -> bool:
        """Send what is due, for so long at most, and end the threads; return whether all have ended.

        What remains stays in the outbox. A second call, also from a signal's handler, can only shorten the wait.
        """
        self._end = min(self._end, time.monotonic() + drain_seconds)
        self._stopping.set()
        self.wake()
        for thread in self._threads.values():
            self._await(thread)
        return not any(thread.is_alive() for thread in self._threads.values())

    def health(self) -> dict[str, str | None]:
        """Return why a receiver's last attempt failed, by name; ``None`` if it did not."""
        return {passage.name: passage.why for passage in self._passages}

    def _await(self, thread: threading.Thread) -> None:
        while thread.is_alive() and time.monotonic() < self._end:
            thread.join(_JOIN_SECONDS)

    def _run(self, passage: Passage, before: threading.Thread | None) -> None:
        if before is not None:
            self._await(before)
        bell, pause_seconds = self._bells[passage.name], 0.0
        while time.monotonic() < self._end:
            bell.clear()
            try:
                pause_seconds = 0.0 if passage.turn() else passage.wait_seconds()
                if pause_seconds and self._stopping.is_set():
                    return
            except Exception:  # noqa: BLE001  the edge of one turn: a full disk must not end the thread
                if self._stopping.is_set():
                    return
                self.broken += 1
                pause_seconds = min(max(2 * pause_seconds, 1.0), _LONGEST_PAUSE_SECONDS)
                structlog.get_logger(__name__).exception("dispatch_broke", receiver=passage.name)
            bell.wait(pause_seconds)


def _log(attempt: Attempt) -> None:
    log = structlog.get_logger(__name__).bind(
        receiver=attempt.receiver, message=attempt.message_id, attempts=attempt.attempts
    )
    match attempt.outcome:
        case Outcome.DELIVERED:
            log.info("delivered")
        case Outcome.RETRIED:
            next_at = None if attempt.next_at is None else to_text(attempt.next_at)
            log.warning("delivery_failed", why=attempt.reason, detail=attempt.detail, next_at=next_at)
        case Outcome.DEAD:
            log.error("delivery_dead", why=attempt.reason, detail=attempt.detail)
