"""An action: decided anew at every window until it is requested, always with a reason, and every decision is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from monitor.action import OPEN, Clocks, Decision, Facts, Status, Why, decide
from monitor.instant import Instant, from_text, microseconds, to_text
from monitor.pipeline.gating import Asked, facts_of, is_suspended
from monitor.pipeline.model import Model, attempts_of
from monitor.recovery import Figure, begun, mean_of

Json = dict[str, Any]
_UNDER_WAY = frozenset({Status.REQUESTED, Status.STARTED})
_DECIDED_FOR_GOOD = frozenset({*_UNDER_WAY, Status.SUCCEEDED, Status.FAILED})
_MOST_DECISIONS = 20
"""The newest of each action are kept."""
_ASKED = ("id", "name", "model", "version", "segment", "severity", "state", "started_at", "reason", "columns")
"""What is kept of the alert that asks: messages tell of it when the retraining has ended, and it perhaps, too."""


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
    again = known is not None and known["status"] == Status.FAILED.value
    if known is not None and _is_closed(known, settings.retries):
        return Act(known, changed=False)
    facts = facts_of(model, asked, now[0])
    if known is not None and again:
        known = _set_aside(known)
        facts = replace(facts, attempts=attempts_of(known))
    decision = decide(settings, model.past_actions(asked.id), facts, _clocks(model, now))
    if again and decision.status is Status.WITHHELD:
        return Act(model.actions[asked.id], changed=False)
    if known is not None and known["status"] == decision.status and known["why"] == decision.why:
        return Act(known, changed=False)
    body = _first(model, asked, now[0]) if known is None else known
    body |= {"window": asked.window["id"], "reference": asked.window["reference"]}
    if asked.alert is not None:
        body["asked"] = {key: asked.alert.get(key) for key in _ASKED}
    model.actions[asked.id] = _decided(model, body, decision, now)
    return Act(model.actions[asked.id], changed=True)


def _is_closed(body: Json, retries: int) -> bool:
    """Say whether an action is decided for good: one that failed is tried again as often as is allowed."""
    if body["status"] == Status.FAILED.value:
        return len(body.get("attempts", ())) >= retries
    return Status(body["status"]) in _DECIDED_FOR_GOOD or body["why"] == Why.REJECTED.value


def _set_aside(body: Json) -> Json:
    """Return an action whose job failed as it is before it is tried again."""
    tried = {key: body.get(key) for key in ("decided_at", "decided_wall", "fence", "job", "why", "result")}
    return body | {"attempts": [*body.get("attempts", ()), tried], "job": None, "result": None}


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
        "job": None,
        "recovery": None,
        "attempts": [],
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
    if decision.status is Status.REQUESTED:
        body["before"] = _before(model, body["version"])
    if settings is not None:
        body |= {"rows_from": to_text(event - microseconds(settings.lookback)), "rows_to": to_text(event)}
    return _ruled(body, decision, event, by)


def _before(model: Model, version: str) -> Json | None:
    """Return how a version did in its last windows whose targets are known, by its first metric."""
    known, metric = model.versions.get(version), model.first_metric(version)
    value = None if known is None else mean_of(known.lately.values())
    return None if metric is None or value is None else {"metric": metric.name, "value": value}


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
            why = Why.TIMED_OUT if status is Status.STARTED else Why.EXPIRED
            kept = body if status in _UNDER_WAY else body | {"expires_at": None}
            model.actions[ident] = _ruled(kept, Decision(end, why), event)
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


def try_of(body: Json) -> str:
    """Return what a job's token is of: each try at an action has its own, so that no job is taken for a later one."""
    tries = len(body.get("attempts", ()))
    return f"{body['id']} {tries}" if tries else str(body["id"])


def is_of_another(body: Json, job: str | None) -> bool:
    """Say whether another job than the one that reports has an action: a job that has named itself is told by that."""
    return job is not None and body.get("job") is not None and body["job"] != job


def report(body: Json, verb: str, result: Json | None, job: str | None = None) -> Json | None:
    """Return an action after a job reported ``started``, ``succeeded`` or ``failed``; ``None`` if no job has it.

    A job that says twice that it started says nothing new.
    """
    if Status(body["status"]) not in _UNDER_WAY:
        return None
    body = body | {"job": job or body.get("job")}
    return body | {"status": Status(verb).value, "why": Why.REPORTED.value, "result": result}


def await_recovery(model: Model, body: Json, event: Instant) -> Json:
    """Return an action whose job succeeded as it waits for its version to show whether that helped."""
    settings = model.plan.retrain
    if settings is None:
        return body
    version, before = (body["result"] or {}).get("version"), body.get("before")
    figure = None if before is None else Figure(before["metric"], before["value"], settings.recovery.windows)
    return body | {"recovery": begun(settings.recovery, version, figure, event)}
