"""Alerts that move, a policy, and what then lies in the outbox: for the tests of who is told of what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from monitor.alert import Change
from monitor.incidents.post import Told, post
from monitor.incidents.rounds import make_rounds
from monitor.instant import SECOND, Instant, from_text, to_text
from monitor.notification import Content, MessageType, message
from monitor.routing import Policy, RouteSettings
from monitor.silence import new_silence
from monitor.store.alert import get_alert, save_alert
from monitor.store.database import State
from monitor.store.delivery import list_deliveries
from monitor.store.notice import load_withheld
from monitor.store.silence import save_silence

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
NOON = from_text("2026-01-05T12:00:00Z")
"""A Monday."""


def routed(*routes: Mapping[str, Any], receivers: tuple[str, ...] = ("team", "lead"), **more: Any) -> Policy:
    """Return a policy with these routes."""
    return Policy(tuple(map(RouteSettings.model_validate, routes)), receivers, **more)


def drift(**facts: Any) -> dict[str, Any]:
    """Return a firing drift alert, with some of its keys changed."""
    body: dict[str, Any] = {"id": "al_drift", "model": "shop", "version": "1", "segment": None, "name": "drift"}
    told = {"class": "population_change", "causes": []}
    body |= {"severity": "warning", "state": "firing", "started_at": to_text(NOON), "resolved_at": None}
    body |= {"columns": ["temp"], "diagnosis": told}
    return body | facts


def fault(**facts: Any) -> dict[str, Any]:
    """Return a firing alert of a fault of the data."""
    told = {"class": "data_fault", "causes": [{"kind": "missing", "column": "temp", "detail": "", "factor": None}]}
    return drift(id="al_fault", name="quality", diagnosis=told) | facts


class Desk:
    """Closes that tell of alerts, rounds between, and the outbox after both."""

    def __init__(self, state: State, policy: Policy | None = None, now: Instant = NOON) -> None:
        self.state, self.policy, self.now = state, policy or Policy((), ("team",)), now
        self.seen: set[str] = set()

    def close(self, *moved: tuple[Mapping[str, Any], Change], failing: Exception | None = None) -> list[str]:
        """Close a window in which alerts move; return what is new in the outbox. ``failing``: at the commit."""
        told = [self._told(alert, change) for alert, change in moved]
        with self.state.write() as connection:
            for each in told:
                save_alert(connection, each.alert or {})
            post(connection, told, self.policy, self.now)
            if failing is not None:
                raise failing
        return self.outbox()

    def _told(self, alert: Mapping[str, Any], change: Change) -> Told:
        over = change in (Change.RESOLVED, Change.VERSION_RETIRED)
        body = dict(alert) | {"state": "resolved" if over else "firing", "reason": change.value}
        window = {"id": f"w{self.now}", "end": to_text(self.now)}
        kind = MessageType.RESOLVED if over else MessageType.FIRING
        content = Content(body, window, diagnosis=body["diagnosis"])
        return Told(message(kind, content), self.policy.everyone(body), body, change)

    def rounds(self, later: int = 0) -> list[str]:
        """Let time pass and make rounds; return what is new in the outbox."""
        self.now += later
        woken = make_rounds(self.state, self.policy, self.now)
        found = self.outbox()
        assert sorted({each.partition(":")[0] for each in found}) == woken
        return found

    def outbox(self) -> list[str]:
        """Return what is new in the outbox, the first queued first: receiver, and what it is told."""
        with self.state.read() as connection:
            rows, _ = list_deliveries(connection, limit=1000)
        new = [row for row in reversed(rows) if row.id not in self.seen]
        self.seen |= {row.id for row in new}
        return [f"{row.receiver}:{_said(row.body)}" for row in new]

    def silence(self, *matchers: str, hours: int = 1) -> None:
        """Ask for silence from now on."""
        with self.state.write() as connection:
            save_silence(connection, new_silence(matchers, (self.now, self.now + hours * HOUR), "kim", "why", self.now))

    def withheld(self) -> dict[str, int]:
        """Return how many messages were withheld, by reason."""
        with self.state.read() as connection:
            return dict(load_withheld(connection).get("shop", {}))

    def alert(self, id: str = "al_drift") -> dict[str, Any]:
        """Return an alert as it is kept."""
        with self.state.read() as connection:
            found = get_alert(connection, id)
        assert found is not None
        return found


def _said(body: bytes) -> str:
    event = json.loads(body)
    if event["type"] == MessageType.DIGEST:
        items = event["data"]["items"]
        return "+".join(f"{item['alert']['name']} {item['alert']['reason']}" for item in items)
    return f"{event['data']['alert']['name']} {event['data']['alert']['reason']}"
