"""An action: decided anew at every window until it is requested, always with a reason, and every decision is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from monitor.action import OPEN, Clocks, Decision, Facts, Status, Why, decide
from monitor.instant import Instant, from_text, microseconds, to_text
from monitor.pipeline.gating import Asked, facts_of, is_suspended
from monitor.pipeline.model import Model

Json = dict[str, Any]
_UNDER_WAY = frozenset({Status.REQUESTED, Status.STARTED})
_DECIDED_FOR_GOOD = frozenset({*_UNDER_WAY, Status.SUCCEEDED, Status.FAILED})
_MOST_DECISIONS = 20
"""The newest of each action are kept."""


@dataclass(frozen=True, slots=True)
class Act:
    """An action as it is kept; ``changed`` says whether this window changed it."""

    body: Json
    changed: bool

    @property
    def summary(self) -> Json:
        """Return the action as it stands in an alert."""
        return {key: self.body[key] for key in ("id", "kind", "status", "why")}


def act(model: Model, asked: Asked, now: tuple[Instant, Instant]) -> Act | None:
    """Decide on a retraining; ``now`` is event time and wall time."""
    settings = model.plan.retrain
    if settings is None:
        return None
    known = model.actions.get(asked.id)
    if known is not None and (Status(known["status"]) in _DECIDED_FOR_GOOD or known["why"] == Why.REJECTED.value):
        return Act(known, changed=False)
    facts = facts_of(model, asked, now[0])
    decision = decide(settings, model.past_actions(asked.id), facts, _clocks(model, now))
    if known is not None and known["status"] == decision.status and known["why"] == decision.why:
        return Act(known, changed=False)
    body = _first(model, asked, now[0]) if known is None else known
    body |= {"window": asked.window["id"], "reference": asked.window["reference"]}
    model.actions[asked.id] = _decided(model, body, decision, now)
    return Act(model.actions[asked.id], changed=True)


def _clocks(model: Model, now: tuple[Instant, Instant]) -> Clocks:
    event, wall = now
    return Clocks(event, event if model.event_clock else wall)


def _first(model: Model, asked: Asked, event: Instant) -> Json:
    return {
        "id": asked.id,
        "model": model.plan.name,
        "version": asked.version,
        "kind": "retrain",
        "status": None,
        "why": None,
        "trigger": asked.trigger,
        "alert": None if asked.alert is None else asked.alert["id"],
        "by": None,
        "requested_at": to_text(event),
        "result": None,
        "decisions": [],
    }


def _decided(
    model: Model, before: Json, decision: Decision, now: tuple[Instant, Instant], by: str | None = None
) -> Json:
    """Return an action after a decision."""
    settings = model.plan.retrain
    event, wall = now
    is_open = settings is not None and decision.status in OPEN
    body = before | {
        "decided_at": to_text(event),
        "decided_wall": to_text(_clocks(model, now).wall),
        "expires_at": to_text(wall + microseconds(settings.expires)) if settings is not None and is_open else None,
        "fence": _fence(model) if decision.status is Status.REQUESTED else None,
    }
    if settings is not None:
        body |= {"rows_from": to_text(event - microseconds(settings.lookback)), "rows_to": to_text(event)}
    return _ruled(body, decision, event, by)


def _ruled(before: Json, decision: Decision, event: Instant, by: str | None = None) -> Json:
    """Return an action as it stands after a decision, which is written down in it."""
    told = {"at": to_text(event), "status": decision.status.value, "why": decision.why.value, "by": by}
    decisions = [*before.get("decisions", ()), told][-_MOST_DECISIONS:]
    return (
        before
        | {key: told[key] for key in ("status", "why", "by")}
        | {
            "updated_at": to_text(event),
            "decisions": decisions,
        }
    )


def _fence(model: Model) -> int:
    """Return a number that only rises: a job that holds a lower one was overtaken."""
    return 1 + max((body["fence"] or 0 for body in model.actions.values()), default=0)


def close_actions(model: Model, event: Instant, wall: Instant) -> list[Json]:
    """Give up actions that were not reported finished, or approved, in time, and return them."""
    expired = []
    for ident, body in model.actions.items():
        expires, status = body["expires_at"], Status(body["status"])
        if status in OPEN and expires is not None and from_text(expires) <= wall:
            end = Status.FAILED if status in _UNDER_WAY else Status.WITHHELD
            kept = body if status in _UNDER_WAY else body | {"expires_at": None}
            model.actions[ident] = _ruled(kept, Decision(end, Why.EXPIRED), event)
            expired.append(model.actions[ident])
    return expired


def withdraw(model: Model, firing: set[str], event: Instant) -> list[Json]:
    """Take back what waits for approval and whose alert fires no more; return it."""
    stale = [
        body
        for body in model.actions.values()
        if body["status"] == Status.AWAITING_APPROVAL.value and body["alert"] and body["alert"] not in firing
    ]
    for body in stale:
        taken = _ruled(body | {"expires_at": None}, Decision(Status.WITHHELD, Why.ALERT_RESOLVED), event)
        model.actions[body["id"]] = taken
    return [model.actions[body["id"]] for body in stale]


def approved(model: Model, body: Json, by: str, now: tuple[Instant, Instant]) -> Json | None:
    """Return an action that a person has approved, as the gate leaves it then; ``None`` if it waits for nobody.

    The last window's decision holds for what only windows show; all else is looked at again.
    """
    settings = model.plan.retrain
    if settings is None or body["status"] != Status.AWAITING_APPROVAL.value:
        return None
    version = model.versions.get(body["version"])
    facts = Facts(
        targets=0 if version is None else model.targets_between(version.since, now[0]),
        suspended=is_suspended(model.plan.switch),
        settling=version is None or model.is_unsettled,
        approved=True,
    )
    decision = decide(settings, model.past_actions(body["id"]), facts, _clocks(model, now))
    return _decided(model, body, decision, now, by)


def rejected(model: Model, body: Json, by: str, now: tuple[Instant, Instant]) -> Json | None:
    """Return an action that a person has refused, for good; ``None`` if it waits for nobody."""
    if body["status"] != Status.AWAITING_APPROVAL.value:
        return None
    return _decided(model, body, Decision(Status.WITHHELD, Why.REJECTED), now, by)


def report(body: Json, verb: str, result: Json | None) -> Json | None:
    """Return an action after a job reported ``started``, ``succeeded`` or ``failed``; ``None`` if no job has it."""
    if Status(body["status"]) not in _UNDER_WAY:
        return None
    return body | {"status": Status(verb).value, "why": Why.REPORTED.value, "result": result}
