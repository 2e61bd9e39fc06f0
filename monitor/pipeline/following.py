"""What follows a retraining that succeeded: its version is watched until it is known whether that helped.

If it did, the receivers of the alert that asked are told so. If it did not within ``retrain.recovery.within``, a
critical alert says so; it ends once the version holds after all, or serves no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monitor.action import Status
from monitor.alert import AlertState, Change
from monitor.identity import digest_id, version_of
from monitor.instant import Instant, from_text, microseconds, to_text
from monitor.notification import MessageType
from monitor.performance.metric import Direction, Metric
from monitor.pipeline.closed import Closed
from monitor.pipeline.gating import firing_ids
from monitor.pipeline.model import Model
from monitor.pipeline.scoring import stands_apart
from monitor.pipeline.telling import tell_of_action
from monitor.recovery import Because, Look, Outcome, followed, reaches
from monitor.verdict import Verdict

Json = dict[str, Any]
_PERFORMANCE, _DRIFT = "performance", "drift"
_TODO = (
    "What to do: look at what the new version was trained on, and roll back if the old one was better; "
    "the gate may ask for another retraining."
)


def follow_up(model: Model, closed: Closed) -> None:
    """Look at the versions that retrainings gave, once the windows of an instant are closed and scored."""
    if model.plan.retrain is None:
        return
    _note(model, closed, model.plan.retrain.recovery.windows)
    for ident, body in list(model.actions.items()):
        known = body.get("recovery")
        if body["status"] != Status.SUCCEEDED or known is None or not _is_open(body):
            continue
        name = known["version"] if known["version"] is not None else _youngest(model)
        looks = [] if name is None else _looks(model, body, name, closed)
        recovery = followed(_met(model, known, name), looks, closed.at)
        after = body | {"recovery": recovery}
        if recovery["status"] != known["status"]:
            after |= {"updated_at": to_text(closed.at)}
            _tell(model, after, name, closed)
        elif body.get("raised") is not None and body["raised"]["version"] in closed.retired:
            _resolve(model, after, Change.VERSION_RETIRED, closed)
        if after != body:
            model.actions[ident] = after
            closed.actions.append(after)


def _is_open(body: Json) -> bool:
    return body["recovery"]["status"] == Outcome.WAITING or body.get("raised") is not None


def _note(model: Model, closed: Closed, most: int) -> None:
    """Note how each version did in its last windows: what a later retraining is held against."""
    for body in closed.performance:
        name = version_of(body["window"])
        version, metric = model.versions.get(name), model.first_metric(name)
        entry = None if metric is None else _entry(body, metric)
        if version is None or entry is None or entry["realised"] is None:
            continue
        if entry["realised"]["rows"] < model.plan.window.min_rows:
            continue
        version.lately[_end(body)] = entry["realised"]["value"], entry["realised"]["rows"]
        version.lately = {end: version.lately[end] for end in sorted(version.lately)[-most:]}


def _youngest(model: Model) -> str | None:
    return max(model.live, key=lambda name: (model.versions[name].since, name), default=None)


def _met(model: Model, recovery: Json, name: str | None) -> Json:
    """Return a recovery that knows whether its version has been seen."""
    seen = name is not None and name in model.versions
    if seen and recovery["why"] == Because.VERSION_NOT_SEEN:
        return recovery | {"why": Because.TOO_FEW_WINDOWS.value}
    return recovery


def _looks(model: Model, action: Json, name: str, closed: Closed) -> list[Look]:
    """Return what is known now of windows of the new version, in order; of those that share rows one counts."""
    first = from_text(action["recovery"]["since"]) if name == action["version"] else None
    if name not in model.versions:
        return []
    if model.waits(name) and model.first_metric(name) is not None:
        bodies = [body for body in closed.performance if version_of(body["window"]) == name]
        found = [look for body in bodies if (look := _by_performance(model, action, name, body)) is not None]
    else:
        found = [look for body in closed.windows if body["version"] == name and (look := _by_drift(body)) is not None]
    length = microseconds(model.plan.window.length)
    mine = [look for look in found if first is None or look.end - length >= first]
    return sorted((look for look in mine if stands_apart(model, look.end)), key=lambda look: look.end)


def _by_performance(model: Model, action: Json, name: str, body: Json) -> Look | None:
    metric = model.first_metric(name)
    entry = None if metric is None else _entry(body, metric)
    if metric is None or entry is None or entry["realised"] is None:
        return None
    realised, before = entry["realised"], action.get("before")
    if realised["rows"] < model.plan.window.min_rows:
        return None
    value = realised["value"]
    upper = value if realised["upper"] is None else realised["upper"]
    lower = value if realised["lower"] is None else realised["lower"]
    old = before["value"] if before is not None and before["metric"] == metric.name else None
    higher = metric.direction is Direction.HIGHER
    held = reaches(upper, lower, (entry["reference"], old), higher_is_better=higher)
    why = Because.ALERT_FIRING if _fires(model, name) else Because.HELD if held else Because.PERFORMANCE_BELOW
    return Look(_end(body), why, metric.name, value, realised["rows"], entry["reference"])


def _by_drift(window: Json) -> Look | None:
    if window["verdict"] not in (Verdict.STABLE, Verdict.DRIFTED):
        return None
    stable = window["verdict"] == Verdict.STABLE
    return Look(from_text(window["end"]), Because.HELD if stable else Because.DRIFTED)


def _fires(model: Model, name: str) -> bool:
    raised = model.versions[name].raised.get((_PERFORMANCE, ""))
    return raised is not None and raised.alert.state is AlertState.FIRING


def _entry(body: Json, metric: Metric) -> Json | None:
    return next((entry for entry in body["performance"] if entry["metric"] == metric.name), None)


def _end(body: Json) -> Instant:
    return from_text(body["window"].rpartition("~")[2])


def _tell(model: Model, action: Json, name: str | None, closed: Closed) -> None:
    """Say what became of a retraining: a help to whom its alert was told, none by an alert of its own."""
    if action["recovery"]["status"] == Outcome.NOT_RECOVERED:
        _raise(model, action, name, closed)
    elif action.get("raised") is not None:
        _resolve(model, action, Change.RESOLVED, closed)
    elif action.get("asked") is not None and closed.windows:
        asked = action["asked"]
        kind, state, reason = MessageType.RESOLVED, AlertState.RESOLVED, Change.RESOLVED
        if asked["id"] in firing_ids(model):
            kind, state, reason = MessageType.FIRING, AlertState.FIRING, Change.CHANGED
        alert = asked | {"state": state.value, "reason": reason.value}
        window = _window(closed.windows, (name,))
        closed.told += tell_of_action(model, kind, alert, window, action)


def _raise(model: Model, action: Json, name: str | None, closed: Closed) -> None:
    """Raise an alert that lasts until the version holds after all, or serves no more."""
    if not closed.windows:
        return
    window = _window(closed.windows, (name, action["version"]))
    measured = model.waits(window["version"]) and model.first_metric(window["version"]) is not None
    text, at = action["recovery"]["text"], to_text(closed.at)
    cause = {"kind": Outcome.NOT_RECOVERED.value, "column": None, "detail": text, "factor": None}
    alert = {
        "kind": "alert",
        "schema": 1,
        "at": at,
        "id": digest_id("al", action["id"], Outcome.NOT_RECOVERED.value),
        "model": model.plan.name,
        "version": window["version"],
        "segment": None,
        "name": _PERFORMANCE if measured else _DRIFT,
        "severity": "critical",
        "state": AlertState.FIRING.value,
        "reason": Change.FIRST_TIME.value,
        "started_at": at,
        "began_at": action["recovery"]["since"],
        "window": window["id"],
        "columns": [],
        "diagnosis": {"class": "unclear", "causes": [cause], "text": f"{text} {_TODO}"},
        "action": {key: action[key] for key in ("id", "kind", "status", "why")},
        "resolved_at": None,
    }
    _show(model, action, alert, (window, Change.FIRST_TIME), closed)


def _resolve(model: Model, action: Json, why: Change, closed: Closed) -> None:
    at = to_text(closed.at)
    ended = {"state": AlertState.RESOLVED.value, "reason": why.value, "resolved_at": at, "at": at}
    if closed.windows:
        window = _window(closed.windows, (action["raised"]["version"],))
        _show(model, action, action["raised"] | ended, (window, why), closed)
        action["raised"] = None


def _show(model: Model, action: Json, alert: Json, news: tuple[Json, Change], closed: Closed) -> None:
    """Keep the alert with its action, and tell of it as of any other."""
    window, change = news
    action["raised"] = alert
    closed.moved.append(alert)
    closed.alerts.append(alert)
    kind = MessageType.RESOLVED if change is not Change.FIRST_TIME else MessageType.FIRING
    closed.told += tell_of_action(model, kind, alert, window, action)


def _window(windows: Sequence[Json], names: Sequence[str | None]) -> Json:
    """Return the window of the first of these versions that has one now, or of any."""
    own = [window for name in names for window in windows if window["version"] == name]
    return (own or list(windows))[0]
