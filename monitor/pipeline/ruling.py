"""Alerts on plain rules beside the drift alert: one place moves any of them on, writes it down and tells of it.

Whoever watches something gives a :class:`Finding` a window: whether the rule was breached, and what there is to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitor.alert import AlertState, Change
from monitor.instant import Instant, microseconds, to_text
from monitor.pipeline.closed import Closed
from monitor.pipeline.model import Model, Raised, Version
from monitor.pipeline.telling import tell
from monitor.threshold_alert import ThresholdAlert, Watch, advance_threshold

Json = dict[str, Any]
PROMISES = frozenset({"objective", "unusual"})
"""Kinds of causes whose detail names, before a colon, what is not as promised or as usual."""
_SEVERITIES = ("info", "warning", "critical")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found that an alert watches.

    Attributes
    ----------
    name: the alert's: ``quality``, ``volume``, ``latency``, ….
    breached: ``None`` if it is not known: the alert then stays as it is.
    columns, diagnosis: what is said while it is breached; afterwards what was said last.
    window: what is told of, if not the version's window that closes now; ``began_at``: since when it lasts, if known.
    at_once: fire at the first breach, whatever ``for`` says: what found it has weighed evidence itself.
    """

    name: str
    breached: bool | None
    columns: tuple[str, ...] = ()
    diagnosis: Json | None = None
    severity: str = "warning"
    segment: str | None = None
    window: Json | None = None
    at_once: bool = False
    began_at: Instant | None = None


def follow(model: Model, version_name: str, finding: Finding, closed: Closed) -> None:
    """Move an alert of a version on by one window, and say in ``closed`` what became of it."""
    version, key = model.versions[version_name], (finding.name, finding.segment or "")
    raised = version.raised.get(key, Raised())
    if finding.breached is None:
        return
    watch = Watch(closed.at, closed.end - microseconds(model.plan.window.every), finding.breached)
    scope = (model.plan.name, version_name, finding.name, finding.segment)
    settings = model.plan.alerts.model_copy(update={"for_": 1}) if finding.at_once else model.plan.alerts
    alert, change = advance_threshold(raised.alert, watch, settings, scope)
    if change is Change.FIRST_TIME and finding.began_at is not None:
        alert = replace(alert, began_at=finding.began_at)
    body = raised.body
    if alert.state in (AlertState.FIRING, AlertState.RESOLVED):
        said = _said(finding, body)
        change = change or _news(said, body)
        if change is not None or body is None:
            window = finding.window or closed.window_of(version_name)
            body = _body(model, version_name, alert, (said, change, window, closed.at))
            _tell(model, body, window, change, closed)
    _keep(version, key, Raised(alert, body))


def combined(findings: Iterable[Finding]) -> list[Finding]:
    """Return one finding an alert and segment: breached if any is, unknown if all are, with what each has to say."""
    by_key: dict[tuple[str, str | None], list[Finding]] = {}
    for finding in findings:
        by_key.setdefault((finding.name, finding.segment), []).append(finding)
    return [found[0] if len(found) == 1 else _one_of(found) for found in by_key.values()]


def _one_of(found: Sequence[Finding]) -> Finding:
    known = [finding for finding in found if finding.breached is not None]
    if not known:
        return found[0]
    breached = [finding for finding in known if finding.breached]
    if not breached:
        return known[0]
    told = [finding.diagnosis for finding in breached if finding.diagnosis is not None]
    classes = {diagnosis["class"] for diagnosis in told}
    began = [finding.began_at for finding in breached if finding.began_at is not None]
    return replace(
        breached[0],
        columns=tuple(dict.fromkeys(name for finding in breached for name in finding.columns)),
        diagnosis={
            "class": classes.pop() if len(classes) == 1 else "unclear",
            "causes": [cause for diagnosis in told for cause in diagnosis["causes"]],
        },
        severity=max((finding.severity for finding in breached), key=_SEVERITIES.index),
        at_once=any(finding.at_once for finding in breached),
        began_at=min(began, default=None),
    )


def end_all(model: Model, version_name: str, closed: Closed) -> None:
    """Resolve every firing alert of a version that serves no more."""
    for key in list(model.versions[version_name].raised):
        end_raised(model, version_name, key, Change.VERSION_RETIRED, closed)


def end_raised(model: Model, version_name: str, key: tuple[str, str], why: Change, closed: Closed) -> None:
    """Let go of an alert of a version, given its name and segment; one that fires is resolved."""
    version = model.versions[version_name]
    raised = version.raised[key]
    if raised.alert.state is AlertState.FIRING and raised.body is not None:
        alert = replace(raised.alert, state=AlertState.RESOLVED)
        said = _said(Finding(key[0], breached=False, segment=key[1] or None), raised.body)
        window = closed.window_of(version_name)
        body = _body(model, version_name, alert, (said, why, window, closed.at))
        _tell(model, body, window, why, closed)
    del version.raised[key]


def _keep(version: Version, key: tuple[str, str], raised: Raised) -> None:
    if raised.alert.state in (AlertState.INACTIVE, AlertState.RESOLVED):
        version.raised.pop(key, None)
    else:
        version.raised[key] = raised


def _said(finding: Finding, before: Json | None) -> Finding:
    """Return what is said: of a calm window what was said last, of a breach also the columns that were named before."""
    if before is None:
        return finding
    columns = (*before["columns"], *(name for name in finding.columns if name not in before["columns"]))
    if finding.breached:
        return replace(finding, columns=columns, diagnosis=_joined(finding.diagnosis, before["diagnosis"]))
    return replace(finding, columns=columns, diagnosis=before["diagnosis"], severity=before["severity"])


def _news(said: Finding, before: Json | None) -> Change | None:
    """Say that an alert changed if a breach concerns columns that were not named before."""
    if before is None or not said.breached:
        return None
    promises = _promises(said.diagnosis) - _promises(before["diagnosis"])
    return Change.CHANGED if promises or len(said.columns) > len(before["columns"]) else None


def _promises(diagnosis: Json | None) -> set[str]:
    """Return the objectives and the usual ranges that a diagnosis speaks of: what a cause says before its colon."""
    causes = diagnosis["causes"] if diagnosis is not None else []
    return {cause["detail"].partition(":")[0] for cause in causes if cause["kind"] in PROMISES}


def _joined(now: Json | None, before: Json | None) -> Json | None:
    """Return a diagnosis with what was said before of promises that are kept again, so that none comes and goes."""
    kept = _promises(before) - _promises(now)
    if now is None or before is None or not kept:
        return now
    past = [cause for cause in before["causes"] if cause["detail"].partition(":")[0] in kept]
    return {**now, "causes": [*now["causes"], *past]}


def _body(
    model: Model, version: str, alert: ThresholdAlert, news: tuple[Finding, Change | None, Json, Instant]
) -> Json:
    said, change, window, now = news
    at = to_text(now)
    before = model.versions[version].raised.get((said.name, said.segment or ""), Raised()).body
    return {
        "kind": "alert",
        "schema": 1,
        "at": at,
        "id": alert.id,
        "model": model.plan.name,
        "version": version,
        "segment": said.segment,
        "name": said.name,
        "severity": said.severity,
        "state": alert.state.value,
        "reason": change.value if change is not None else (before or {}).get("reason"),
        "started_at": at if alert.started_at is None else to_text(alert.started_at),
        "began_at": at if alert.began_at is None else to_text(alert.began_at),
        "window": window["id"],
        "columns": list(said.columns),
        "diagnosis": said.diagnosis,
        "action": before["action"] if before is not None and before["id"] == alert.id else None,
        "resolved_at": at if alert.state is AlertState.RESOLVED else None,
    }


def _tell(model: Model, body: Json, window: Json, change: Change | None, closed: Closed) -> None:
    if change is None:
        return
    closed.moved.append(body)
    if change is not Change.REPEAT_DUE:
        closed.alerts.append(body)
    closed.told += tell(model, body, window, change, None)
