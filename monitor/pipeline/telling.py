"""What is said of an alert and its action, and to whom: bodies are frozen here, before they are queued."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from monitor.action import Status
from monitor.alert import AlertState, Change, Scope
from monitor.attributions import in_order
from monitor.incidents.post import Told
from monitor.instant import Instant, to_text
from monitor.notification import Content, MessageType, message
from monitor.pipeline.acting import Act, try_of
from monitor.pipeline.diagnosing import diagnosis_of, second_look
from monitor.pipeline.model import Model
from monitor.pipeline.moving import alerted

Json = dict[str, Any]
_NAME, _SEVERITY = "drift", "warning"


def alert_body(model: Model, scope: Scope, window: Json, change: Change | None, at: Instant) -> Json:
    """Return a drift alert as users see it. Its diagnosis is of the window it fired or last changed in."""
    version = alerted(model, scope)
    name, segment = scope[1], scope[2] if len(scope) > 2 else None  # noqa: PLR2004 - model, version and segment
    alert, before = version.alert, version.alert_body
    first = before is None or alert.id != before["id"]
    again = before is None or first or change is Change.CHANGED
    if again or before is None:
        diagnosis = diagnosis_of(model, scope, window)
    elif change in (None, Change.REPEAT_DUE):
        diagnosis = second_look(model, scope, window, before["diagnosis"])
    else:
        diagnosis = before["diagnosis"]
    resolved = alert.state is AlertState.RESOLVED
    return {
        "kind": "alert",
        "schema": 1,
        "at": to_text(at),
        "id": alert.id,
        "model": model.plan.name,
        "version": name,
        "segment": segment,
        "name": _NAME,
        "severity": before["severity"] if before is not None and not first else _severity(model, scope),
        "state": alert.state.value,
        "reason": change.value if change is not None else (before or {}).get("reason"),
        "started_at": to_text(alert.started_at) if alert.started_at is not None else None,
        "began_at": to_text(alert.began_at) if alert.began_at is not None else None,
        "window": window["id"],
        "columns": [*alert.culprits] if version.judge is None else in_order(version.judge, alert.culprits, window),
        "diagnosis": diagnosis,
        "action": None if first or before is None else before["action"],
        "resolved_at": to_text(at) if resolved else None,
    }


def _severity(model: Model, scope: Scope) -> str:
    """Return how grave a drift alert is: that of a segment is no news where the whole's tells of the same columns."""
    whole, own = model.versions[scope[1]].alert, alerted(model, scope).alert
    is_told = own is not whole and whole.state is AlertState.FIRING and {*own.culprits} <= {*whole.culprits}
    return "info" if is_told else _SEVERITY


def tell(model: Model, alert: Json, window: Json, change: Change | None, acted: Act | None) -> list[Told]:
    """Return the messages that an alert's change and its action's give rise to."""
    told = []
    if change is not None:
        kind = MessageType.RESOLVED if alert["state"] == AlertState.RESOLVED.value else MessageType.FIRING
        content = _content(model, alert, window, acted.body if acted is not None else None)
        told.append(Told(message(kind, content), model.plan.policy.everyone(alert), alert, change))
    if acted is None or not acted.changed:
        return told
    if change is None and acted.body["status"] == Status.AWAITING_APPROVAL.value and "state" in alert:
        content = _content(model, alert | {"reason": Change.CHANGED.value}, window, acted.body)
        told.append(
            Told(message(MessageType.FIRING, content), model.plan.policy.everyone(alert), alert, Change.CHANGED)
        )
    return [*told, *request(model, alert, window, acted.body)]


def tell_of_action(model: Model, kind: MessageType, alert: Json, window: Json, action: Json) -> list[Told]:
    """Return the messages that tell the receivers of an alert what became of the action that it asked for."""
    content = replace(_content(model, alert, window, action), about_action=True)
    return [Told(message(kind, content), model.plan.policy.everyone(alert))]


def request(model: Model, alert: Json, window: Json, action: Json) -> list[Told]:
    """Return the message that asks the job for a retraining; none if it is not requested now.

    Parameters
    ----------
    alert: that asks for it; by age its ``model`` and ``version`` alone.
    """
    retrain = model.plan.retrain
    if retrain is None or action["status"] != Status.REQUESTED.value:
        return []
    content = _content(model, alert, window, action | {"callback": _callback(model, action)})
    return [Told(message(MessageType.ACTION, content), (retrain.receiver,))]


def _content(model: Model, alert: Json, window: Json, action: Json | None) -> Content:
    base = model.plan.external_url
    named = set(alert.get("columns", ()))
    page = f"alerts/{alert['id']}" if "id" in alert else f"models/{alert['model']}"
    rows = f"{base}/api/v1/actions/{action['id']}/rows" if action is not None else None
    return Content(
        alert=alert,
        window=window,
        columns=[column for column in window["columns"] if column["name"] in named or column["verdict"] == "drifted"],
        diagnosis=alert.get("diagnosis"),
        performance=window.get("performance", ()),
        action=action,
        links={"page": f"{base}/{page}", "report": None, "rows": rows},
    )


def _callback(model: Model, action: Json) -> Json:
    token = model.plan.token(try_of(action)) if model.plan.token is not None else None
    return {"url": f"{model.plan.external_url}/api/v1/actions/{action['id']}", "token": token}
