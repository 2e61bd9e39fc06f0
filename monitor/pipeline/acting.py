"""The action of a firing alert: decided anew at every window until it is requested, always with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from monitor.action import OPEN, Clocks, Status, Why, decide
from monitor.identity import digest_id
from monitor.instant import Instant, from_text, microseconds, to_text
from monitor.pipeline.model import Model, Version

Json = dict[str, Any]
_DECIDED_FOR_GOOD = frozenset({Status.REQUESTED, Status.AWAITING_APPROVAL, *OPEN, Status.SUCCEEDED, Status.FAILED})


@dataclass(frozen=True, slots=True)
class Act:
    """An action as it is kept; ``changed`` says whether this window changed it."""

    body: Json
    changed: bool

    @property
    def summary(self) -> Json:
        """Return the action as it stands in an alert."""
        return {key: self.body[key] for key in ("id", "kind", "status", "why")}


def act(model: Model, version: Version, alert: Json, now: tuple[Instant, Instant]) -> Act | None:
    """Decide on the retraining of a firing alert; ``now`` is event time and wall time."""
    settings = model.plan.retrain
    if settings is None:
        return None
    event, wall = now
    ident = digest_id("ac", alert["id"], "retrain")
    known = model.actions.get(ident)
    if known is not None and Status(known["status"]) in _DECIDED_FOR_GOOD:
        return Act(known, changed=False)
    fresh = model.targets_between(version.since, event)
    clocks = Clocks(event, event if model.event_clock else wall)
    decision = decide(settings, model.past_actions(ident), fresh, clocks)
    if known is not None and known["status"] == decision.status and known["why"] == decision.why:
        return Act(known, changed=False)
    body = {
        "id": ident,
        "model": alert["model"],
        "version": alert["version"],
        "kind": "retrain",
        "status": decision.status.value,
        "why": decision.why.value,
        "alert": alert["id"],
        "requested_at": known["requested_at"] if known else to_text(event),
        "updated_at": to_text(event),
        "decided_at": to_text(event),
        "decided_wall": to_text(clocks.wall),
        "expires_at": to_text(wall + microseconds(settings.expires)) if decision.status in OPEN else None,
        "fence": _fence(model) if decision.status in OPEN else None,
        "rows_from": to_text(event - microseconds(settings.lookback)),
        "rows_to": to_text(event),
        "result": None,
    }
    model.actions[ident] = body
    return Act(body, changed=True)


def _fence(model: Model) -> int:
    """Return a number that only rises: a job that holds a lower one was overtaken."""
    return 1 + max((body["fence"] or 0 for body in model.actions.values()), default=0)


def close_actions(model: Model, event: Instant, wall: Instant) -> list[Json]:
    """Give up actions that were not reported finished in time, and return them."""
    expired = []
    for ident, body in model.actions.items():
        expires = body["expires_at"]
        if Status(body["status"]) in OPEN and expires is not None and from_text(expires) <= wall:
            end = {"status": Status.FAILED.value, "why": Why.EXPIRED.value, "updated_at": to_text(event)}
            model.actions[ident] = body | end
            expired.append(model.actions[ident])
    return expired


def report(body: Json, verb: str, result: Json | None) -> Json | None:
    """Return an action after a job reported ``started``, ``succeeded`` or ``failed``; ``None`` if it is too late."""
    if Status(body["status"]) not in OPEN:
        return None
    return body | {"status": Status(verb).value, "why": Why.REPORTED.value, "result": result}
