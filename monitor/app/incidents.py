"""What a person says of alerts, silences and deliveries, with a token that only who reads the state can make."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from itertools import product
from typing import Any, get_args

from monitor.app.actions import token_of
from monitor.config import Config
from monitor.incidents.situation import load_situation, with_operators
from monitor.instant import Instant, to_text
from monitor.plans import policy_of
from monitor.routing import AlertName, Severity
from monitor.silence import SilenceRefused, new_silence, silence_body, state_of, with_reach
from monitor.store import audit
from monitor.store.alert import acknowledge, get_alert
from monitor.store.database import Connection, State
from monitor.store.delivery import Delivery, get_delivery, revive
from monitor.store.silence import end_silence, get_silence, lasting_silences, save_silence
from monitor.web.problems import Problem, not_found, unauthorized
from monitor.web.view import Acknowledgement, SilenceAsked

Json = dict[str, Any]
SILENCES = "silences"
"""What the token to make a silence is of."""
_ANYTHING = "\x00any"
"""Stands for every version, segment, column and cause that there can be: no name holds such a character."""


def operator_token(key: bytes, verb: str, subject: str) -> str:
    """Return the token with which a person says something of an alert, a silence or a delivery."""
    return token_of(key, f"{verb} {subject}")


def check(expected: str, token: str) -> None:
    """Let nobody by but who has the token.

    Raises
    ------
    Problem: 401, it is another one.
    """
    if not hmac.compare_digest(expected.encode(), token.encode("utf-8", "surrogatepass")):
        raise unauthorized()


def shown_alerts(connection: Connection, config: Config, alerts: list[Json], now: Instant) -> list[Json]:
    """Return alerts as users see them: also what operators and the config have to do with their messages."""
    situation = load_situation(connection, policy_of(config), now)
    return [with_operators(alert, situation) for alert in alerts]


def take_acknowledgement(state: State, id: str, said: Acknowledgement, now: Instant) -> Json:
    """Note that somebody has an alert in hand, and return the alert.

    Raises
    ------
    Problem: 404 there is no such alert; 409 it is over.
    """
    with state.write() as connection:
        alert = get_alert(connection, id)
        if alert is None:
            raise not_found("alert")
        if alert["state"] != "firing":
            raise Problem(409, "alert_over", f"the alert is {alert['state']} and needs nobody")
        acknowledge(connection, id, said.by, said.note, now)
        audit.append(connection, now, said.by, "alert_acknowledged", {"alert": id, "note": said.note})
        return get_alert(connection, id) or alert


def take_silence(state: State, config: Config, asked: SilenceAsked, now: Instant) -> Json:
    """Keep a silence, and return it.

    Raises
    ------
    Problem: 422, it cannot be meant.
    """
    span = (now if asked.starts_at is None else asked.starts_at, asked.ends_at)
    try:
        made = with_reach(new_silence(asked.matchers, span, asked.by, asked.comment, now), _every_kind(config))
    except SilenceRefused as refused:
        raise Problem(422, refused.code, str(refused), f"/{refused.key}") from None
    body = silence_body(made, now)
    with state.write() as connection:
        save_silence(connection, made)
        audit.append(connection, now, asked.by, "silence_made", body)
    return body


def _every_kind(config: Config) -> Iterator[Json]:
    """Yield an alert of every model, name and severity that there can be; of the rest nothing that anybody names."""
    for model, name, severity in product(config.models, get_args(AlertName), get_args(Severity)):
        causes = [{"kind": _ANYTHING}]
        yield {
            "model": model.name,
            "version": _ANYTHING,
            "name": name,
            "severity": severity,
            "segment": _ANYTHING,
            "columns": [_ANYTHING],
            "diagnosis": {"class": _ANYTHING, "causes": causes},
        }


def take_end(state: State, id: str, by: str, now: Instant) -> Json:
    """End a silence, and return it.

    Raises
    ------
    Problem: 404 there is no such silence; 409 it has ended already.
    """
    with state.write() as connection:
        found = get_silence(connection, id)
        if found is None:
            raise not_found("silence")
        if state_of(found, now) == "expired":
            raise Problem(409, "silence_over", f"the silence ended at {to_text(found.ends_at)}")
        ended = end_silence(connection, found, by, now)
        audit.append(connection, now, by, "silence_ended", {"silence": id})
    return silence_body(ended, now)


def take_retry(state: State, id: str, by: str, now: Instant) -> Delivery:
    """Queue a delivery anew that was given up, or let one that waits go at once; return it.

    Raises
    ------
    Problem: 404 there is no such delivery; 409 it was delivered.
    """
    with state.write() as connection:
        if get_delivery(connection, id) is None:
            raise not_found("delivery")
        if not revive(connection, id, now):
            raise Problem(409, "delivered_already", "the message was delivered already")
        audit.append(connection, now, by, "delivery_retried", {"delivery": id})
        found = get_delivery(connection, id)
    if found is None:
        raise not_found("delivery")
    return found


def delivery_body(entry: Delivery) -> Json:
    """Return a delivery as users see it."""
    return {
        "id": entry.id,
        "receiver": entry.receiver,
        "message_id": entry.message_id,
        "status": entry.status,
        "attempts": entry.attempts,
        "queued_at": to_text(entry.queued_at),
        "next_at": to_text(entry.next_at),
        "ended_at": None if entry.ended_at is None else to_text(entry.ended_at),
        "reason": entry.reason,
    }


def lasting_bodies(connection: Connection, now: Instant) -> list[Json]:
    """Return the silences that have not ended, as users see them."""
    return [silence_body(each, now) for each in lasting_silences(connection, now)]
