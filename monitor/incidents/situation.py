"""What bears on messages now, read from the state."""

from __future__ import annotations

from typing import Any

from monitor.instant import Instant
from monitor.routing import Policy
from monitor.store.alert import open_alerts
from monitor.store.database import Connection
from monitor.store.notice import load_hearings
from monitor.store.silence import lasting_silences
from monitor.withholding import Situation

Json = dict[str, Any]


def load_situation(connection: Connection, policy: Policy, now: Instant, model: str | None = None) -> Situation:
    """Return what bears on messages about the alerts of all models, or of one, at an instant of wall time."""
    firing = [alert for alert in open_alerts(connection, model) if alert["state"] == "firing"]
    hearings = load_hearings(connection, [alert["id"] for alert in firing])
    heard = {alert: frozenset(receivers) for alert, receivers in hearings.items()}
    return Situation(now, policy, lasting_silences(connection, now), firing, heard)


def with_operators(alert: Json, situation: Situation) -> Json:
    """Return an alert as users see it: also until when it is silent, and why messages about it are withheld."""
    return {**alert, **situation.shown(alert)}
