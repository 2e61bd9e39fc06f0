"""The segments of a version's window: each is judged against its own rows of the reference, and has its own alerts.

A segment's alert says where; it starts no retraining, which is of the whole model.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from monitor import judge as judging
from monitor.alert import AlertState, Change, DriftAlert, Scope, retire
from monitor.instant import from_text, microseconds
from monitor.latency import latency_quantiles
from monitor.measure import measure_columns
from monitor.pipeline.closed import Closed
from monitor.pipeline.diagnosing import told_anew
from monitor.pipeline.model import Model
from monitor.pipeline.moving import alerted, feed, move, verdict_body
from monitor.pipeline.profiles import stretch_profile
from monitor.pipeline.quality import watch_quality, window_violations
from monitor.pipeline.ruling import Finding, end_raised, follow
from monitor.pipeline.telling import alert_body, tell
from monitor.profile import Binning, Profile
from monitor.verdict import Verdict, Why

Json = dict[str, Any]
_SHOWN = (
    *("segment", "rows", "verdict", "columns_drifted", "why", "calibrated", "calibration_why", "evidence"),
    *("evidence_threshold", "columns_judged", "quality_violations", "latency_seconds"),
)


def close_segments(model: Model, name: str, window: Json, closed: Closed, sharing: int) -> None:
    """Judge the segments of a version's window that closes now, and write them into it.

    Parameters
    ----------
    sharing: how many live versions share the budget.
    """
    version = model.versions[name]
    if version.judge is None:
        return
    _end_unknown(model, name, closed)
    share = version.judge.shares(sharing)[1]
    if not version.parts:
        return
    binning = version.judge.reference.binning
    bodies = [_close(model, (name, label, binning), window, closed, share) for label in version.parts]
    window["segments"] = [{key: body[key] for key in _SHOWN} | {"drifted": _names(body)} for body in bodies]
    window["unsegmented_rows"] = {
        part.cut.name: window["rows"] - sum(body["rows"] for body in bodies if body["segment"] in part.cut.labels)
        for part in version.judge.parts
    }


def _names(body: Json) -> list[str]:
    return [column["name"] for column in body["columns"] if column["verdict"] == Verdict.DRIFTED.value]


def _close(model: Model, where: tuple[str, str, Binning], window: Json, closed: Closed, share: int) -> Json:
    """Judge one segment, move its alerts on, and return its window as a message tells of it."""
    name, label, binning = where
    part, start = model.versions[name].parts[label], from_text(window["start"])
    profile = stretch_profile(model, name, binning, (start, closed.end), label)
    if part.judge is None or part.memory is None:
        return window | _unjudged(label, profile)
    window_settings = model.plan.window
    every, least = microseconds(window_settings.every), window_settings.min_rows
    stretch = closed.end - every
    step = profile if stretch == start else stretch_profile(model, name, binning, (stretch, closed.end), label)
    judged, threshold = feed(model, part, step, (closed.end, closed.at, window["id"]), share)
    columns = measure_columns(part.judge, part.memory, profile, least, every)
    scope = (model.plan.name, name, label)
    change = move(model, scope, judged, columns, (closed.at, window["id"], start))
    body = window | {
        "segment": label,
        **verdict_body(part, profile.rows, columns, threshold, window_settings),
        "columns": columns,
        "quality_violations": window_violations(part.judge, profile, least, share),
        "latency_seconds": latency_quantiles(profile.latency),
    }
    _tell_drift(model, scope, body, change, closed)
    _watch_quality(model, scope, body, closed)
    return body


def _unjudged(label: str, profile: Profile) -> Json:
    """Return what is said of a segment of whose rows the reference has too few to judge by."""
    return {
        "segment": label,
        "rows": profile.rows,
        "verdict": Verdict.INSUFFICIENT_DATA.value,
        "why": Why.REFERENCE_TOO_SHORT.value if profile.rows else Why.NO_RECORDS.value,
        "calibrated": False,
        "calibration_why": Why.REFERENCE_TOO_SHORT.value,
        "evidence": None,
        "evidence_threshold": None,
        "columns": [],
        "columns_judged": 0,
        "columns_drifted": 0,
        "quality_violations": [],
        "latency_seconds": latency_quantiles(profile.latency),
    }


def _tell_drift(model: Model, scope: Scope, body: Json, change: Change | None, closed: Closed) -> None:
    part = alerted(model, scope)
    if part.alert.state is AlertState.PENDING or (part.alert.state is AlertState.INACTIVE and change is None):
        return
    _record(model, scope, body, change, closed)
    if change is Change.RESOLVED:
        if part.alert.evident and part.judge is not None and part.memory is not None:
            part.memory = judging.forget(part.judge, part.memory)
        part.alert, part.alert_body = DriftAlert(), None


def _record(model: Model, scope: Scope, window: Json, change: Change | None, closed: Closed) -> None:
    body = alert_body(model, scope, window, change, closed.at)
    body, change = told_anew(alerted(model, scope).alert_body, body, change)
    alerted(model, scope).alert_body = body
    closed.moved.append(body)
    if change is not None and change is not Change.REPEAT_DUE:
        closed.alerts.append(body)
    closed.told += tell(model, body, window, change, None)


def _watch_quality(model: Model, scope: tuple[str, str, str], body: Json, closed: Closed) -> None:
    _, name, label = scope
    found = watch_quality(alerted(model, scope), body, model.plan.window.min_rows)
    finding = Finding(found.name, found.breached, found.columns, found.diagnosis, segment=label, window=body)
    follow(model, name, finding, closed)


def _end_unknown(model: Model, name: str, closed: Closed) -> None:
    """Resolve the alerts of segments that are not judged any more, since the config or the reference changed."""
    version = model.versions[name]
    known = {} if version.judge is None else version.judge.segments
    for label, part in list(version.parts.items()):
        if part.judge is None and part.alert.state is AlertState.FIRING:
            part.alert = replace(part.alert, state=AlertState.RESOLVED, notified_at=closed.at)
            _record(model, (model.plan.name, name, label), closed.window_of(name), Change.RESOLVED, closed)
            part.alert, part.alert_body = DriftAlert(), None
        if label not in known:
            del version.parts[label]
            version.parts_gone = not version.parts
    for key in [key for key in version.raised if key[1] and key[1] not in known]:
        end_raised(model, name, key, Change.RESOLVED, closed)


def end_segments(model: Model, name: str, closed: Closed) -> None:
    """Resolve every firing drift alert of a segment of a version that serves no more."""
    for label, part in model.versions[name].parts.items():
        part.alert, change = retire(part.alert, closed.at)
        if change is not None:
            _record(model, (model.plan.name, name, label), closed.window_of(name), change, closed)
        part.alert, part.alert_body = DriftAlert(), None
