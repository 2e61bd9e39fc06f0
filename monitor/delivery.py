"""The passage of a message to a receiver, decided: when to try again, and when to give up."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum

from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.instant import SECOND, Instant, from_datetime

MINUTE_SECONDS, HOUR_SECONDS = 60.0, 3600.0
SCHEDULE_SECONDS = (
    *(5.0, 30.0),
    *(2 * MINUTE_SECONDS, 10 * MINUTE_SECONDS, 30 * MINUTE_SECONDS),
    *(2 * HOUR_SECONDS, 5 * HOUR_SECONDS, 10 * HOUR_SECONDS),
)
RETRY_AFTER_SECONDS = HOUR_SECONDS  # the longest that a receiver can make us wait by asking

_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?")
_SUCCESS, _REDIRECTS = range(200, 300), range(300, 400)
_SERVER_ERROR = 500
_TRY_AGAIN = (408, 425)
_THROTTLED, _GONE = 429, 410


class Outcome(StrEnum):
    """What became of one attempt: a metric's label."""

    DELIVERED = "delivered"
    RETRIED = "retried"
    DEAD = "dead"


class Reason(StrEnum):
    """Why an attempt ended as it did."""

    ACCEPTED = "accepted"
    TIMEOUT = "timeout"
    DNS_FAILED = "dns_failed"
    CONNECT_FAILED = "connect_failed"
    TLS_FAILED = "tls_failed"
    CONNECTION_LOST = "connection_lost"
    PROTOCOL_ERROR = "protocol_error"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    REDIRECTED = "redirected"
    UNAUTHORIZED = "unauthorized"
    GONE = "gone"
    REJECTED = "rejected"
    ADDRESS_REFUSED = "address_refused"
    NOT_TAKEN = "not_taken"
    NOT_AN_ACTION = "not_an_action"
    TEMPLATE_FAILED = "template_failed"
    EXPIRED = "expired"
    UNEXPECTED = "unexpected"


_REFUSALS = {401: Reason.UNAUTHORIZED, 403: Reason.UNAUTHORIZED, _GONE: Reason.GONE}


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to a delivery after an attempt.

    Attributes
    ----------
    reason: a ``Reason``, or a receiver's own word.
    next_at: when to try again; ``None`` unless it is retried.
    disable: the receiver asked never to be called again.
    """

    outcome: Outcome
    reason: str
    next_at: Instant | None = None
    disable: bool = False


def decide(
    attempts: int,
    failure: DeliveryFailed | DeliveryRefused | None,
    now: Instant,
    rng: random.Random,
    expires_at: Instant | None = None,
) -> Decision:
    """Decide what follows an attempt.

    Parameters
    ----------
    attempts: how many were made, this one included.
    failure: what the attempt raised, or ``None`` if the receiver took the message.
    expires_at: from when on the message is of no use; it is given up as soon as the next try would come too late.
    """
    if failure is None:
        return Decision(Outcome.DELIVERED, Reason.ACCEPTED)
    if isinstance(failure, DeliveryRefused):
        return Decision(Outcome.DEAD, failure.reason, disable=failure.disable)
    wait_seconds = next_wait_seconds(attempts, failure.retry_after, rng)
    if wait_seconds is None:
        return Decision(Outcome.DEAD, failure.reason)
    next_at = now + round(wait_seconds * SECOND)
    if is_expired(next_at, expires_at):
        return Decision(Outcome.DEAD, Reason.EXPIRED)
    return Decision(Outcome.RETRIED, failure.reason, next_at)


def next_wait_seconds(attempts: int, retry_after: float | None, rng: random.Random) -> float | None:
    """Return the wait before the next try, or ``None`` when all tries are spent.

    Full jitter: uniform between 0 and the step of the schedule, so that many senders do not come back together.
    A receiver's wish makes the wait longer, never shorter: ``Retry-After: 0`` must not spend all tries in a second.
    """
    if attempts > len(SCHEDULE_SECONDS):
        return None
    jittered = rng.uniform(0.0, SCHEDULE_SECONDS[attempts - 1])
    return max(jittered, clamped(retry_after))


def clamped(retry_after: float | None) -> float:
    """Return a wish in seconds as far as it is granted: 0 to an hour.

    >>> clamped(None), clamped(-5.0), clamped(90.0), clamped(1e9)
    (0.0, 0.0, 90.0, 3600.0)
    """
    return min(max(retry_after or 0.0, 0.0), RETRY_AFTER_SECONDS)


def is_expired(at: Instant, expires_at: Instant | None) -> bool:
    """Say whether a message is of no use at an instant."""
    return expires_at is not None and at >= expires_at


def read_retry_after(value: str | None, now: Instant) -> float | None:
    """Read ``Retry-After``: seconds, whole or not, or an HTTP date; ``None`` if it is neither (RFC 9110, 10.2.3).

    >>> read_retry_after("120", 0), read_retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 0), read_retry_after("soon", 0)
    (120.0, 60.0, None)
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    at = from_datetime(date if date.tzinfo else date.replace(tzinfo=UTC))
    return (at - now) / SECOND


def judge_status(
    status: int, retry_after: str | None, now: Instant, address: str
) -> DeliveryFailed | DeliveryRefused | None:
    """Return what an HTTP status means for a delivery, or ``None`` for success.

    Retried: 408, 425, 429 and 5xx. Given up at once: every other 4xx, and 3xx, for no redirect is followed.

    Parameters
    ----------
    retry_after: the header of that name, or ``None``.
    address: of the receiver, as it may be shown.
    """
    text = f"{address} answered {status}"
    if status in _SUCCESS:
        return None
    if status == _THROTTLED:
        return DeliveryFailed(Reason.THROTTLED, text, read_retry_after(retry_after, now))
    if status in _TRY_AGAIN or status >= _SERVER_ERROR:
        return DeliveryFailed(Reason.UNAVAILABLE, text, read_retry_after(retry_after, now))
    if status in _REDIRECTS:
        return DeliveryRefused(Reason.REDIRECTED, f"{text}: a redirect, and none is followed")
    return DeliveryRefused(_REFUSALS.get(status, Reason.REJECTED), text, disable=status == _GONE)
