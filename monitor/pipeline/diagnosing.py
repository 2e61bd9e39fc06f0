"""What a diagnosis is made of: the rows since the drift began, in the reference's cells, and what is known beside."""

from __future__ import annotations

from typing import Any

from monitor.alert import AlertState, Change, Scope
from monitor.diagnosis import DATA_FAULT, SURE, Evidence, columns_seen, diagnose
from monitor.diagnosis.words import SEGMENT_MIX, carried, text_of
from monitor.instant import Instant, from_text, microseconds
from monitor.pipeline.concentrating import drift_causes
from monitor.pipeline.model import Model, Version
from monitor.pipeline.moving import alerted
from monitor.pipeline.profiles import stretch_profile

Json = dict[str, Any]
_PERFORMANCE = "performance"
_LOOKS = 3
"""So many windows after it fired, an alert that is no fault of the data is looked at again."""


def diagnosis_of(model: Model, scope: Scope, window: Json) -> Json:
    """Return the diagnosis of a drift alert in the window that closes now."""
    version = alerted(model, scope)
    by_name = {column["name"]: column for column in window["columns"]}
    culprits = version.alert.culprits
    found = [by_name[name] for name in culprits if name in by_name]
    diagnosis = diagnose(found, _evidence(model, scope, version, window))
    if len(scope) == 2 or scope[2] is None:  # noqa: PLR2004 - model, version and segment
        where = drift_causes(model, scope[1], window, culprits)
        diagnosis["causes"] += where
        if any(cause["kind"] == SEGMENT_MIX for cause in where):
            diagnosis["text"] = text_of(diagnosis["class"], diagnosis["causes"], carried(found))
    return diagnosis


def second_look(model: Model, scope: Scope, window: Json, before: Json) -> Json:
    """Return the diagnosis of before, or a new one where one of the next windows is sure of a fault of the data.

    A fault that begins within a window is in a part of its rows, and may look like a population that moved.
    """
    started, end = alerted(model, scope).alert.started_at, from_text(window["end"])
    looked = started is None or end > started + _LOOKS * microseconds(model.plan.window.every)
    if looked or before["class"] == DATA_FAULT:
        return before
    now = diagnosis_of(model, scope, window)
    sure = bool(now["causes"]) and now["causes"][0].get("confidence", 0.0) >= SURE
    return now if sure and now["class"] == DATA_FAULT else before


def told_anew(before: Json | None, body: Json, change: Change | None) -> tuple[Json, Change | None]:
    """Return an alert and why a message about it is due: also where its class is another than it was told."""
    due = change in (None, Change.REPEAT_DUE) and before is not None and before["id"] == body["id"]
    if not due or before is None or before["diagnosis"]["class"] == body["diagnosis"]["class"]:
        return body, change
    return body | {"reason": Change.CHANGED.value}, Change.CHANGED


def _evidence(model: Model, scope: Scope, version: Version, window: Json) -> Evidence | None:
    """Return what is known of the rows since the drift began, or of the window where those are too few."""
    judge, window_settings = version.judge, model.plan.window
    if judge is None:
        return None
    _, name, *segment = scope
    label = segment[0] if segment else None
    start, end = from_text(window["start"]), from_text(window["end"])
    binning = judge.reference.binning
    began = _between(start, version.alert.began_at, end)
    profile = stretch_profile(model, name, binning, (began, end), label)
    if profile.rows < window_settings.min_rows and began > start:
        profile = stretch_profile(model, name, binning, (start, end), label)
    raised = model.versions[name].raised.get((_PERFORMANCE, label or ""))
    losing = raised is not None and raised.alert.state is AlertState.FIRING
    return Evidence(columns_seen(judge.reference, profile), window["quality_violations"], losing)


def _between(start: Instant, began: Instant | None, end: Instant) -> Instant:
    return began if began is not None and start < began < end else start
