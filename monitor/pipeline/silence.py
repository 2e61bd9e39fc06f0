"""The ``volume`` alert: a version that should have records has none.

A stretch without records is a breach once the silence lasts more than twice the longest that the reference shows
between two steps, and no other version has taken over; after ``for`` breaches in a row the alert fires.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monitor.alert import AlertState, Change
from monitor.instant import Instant, microseconds, to_text
from monitor.pipeline.model import Model, Version
from monitor.threshold_alert import ThresholdAlert, Watch, advance_threshold

Json = dict[str, Any]
NAME = "volume"
_FOLD = 2


def watch_silence(model: Model, name: str, rows: dict[str, int], end: Instant, at: Instant) -> Change | None:
    """Move the volume alert of a version on by one stretch; return why a message is due, if it is."""
    version = model.versions[name]
    if rows[name]:
        version.heard_until = end
    version.volume, change = advance_threshold(
        version.volume,
        Watch(at, end - microseconds(model.plan.window.every), is_silent(model, name, rows, end)),
        model.plan.alerts,
        (model.plan.name, name, NAME),
    )
    return change


def is_silent(model: Model, name: str, rows: dict[str, int], end: Instant) -> bool:
    """Say whether a version has been without records for longer than its reference ever was."""
    version = model.versions[name]
    if version.heard_until is None or any(rows.values()):
        return False
    return end - version.heard_until > _FOLD * _longest_gap(version) * microseconds(model.plan.window.every)


def _longest_gap(version: Version) -> int:
    """Return the most stretches between the ends of two steps of the reference; 1 where it has no time."""
    steps = version.judge.reference.steps if version.judge is not None else None
    if steps is None or len(steps.times) <= 1:
        return 1
    return int(np.diff(steps.times).max())


def silence_body(model: Model, name: str, window: str, change: Change, at: Instant) -> Json:
    """Return the volume alert as users see it."""
    version = model.versions[name]
    alert = version.volume
    began = alert.began_at if alert.began_at is not None else at
    last = to_text(version.heard_until) if version.heard_until is not None else "the beginning"
    return {
        "kind": "alert",
        "schema": 1,
        "at": to_text(at),
        "id": alert.id,
        "model": model.plan.name,
        "version": name,
        "segment": None,
        "name": NAME,
        "severity": "warning",
        "state": alert.state.value,
        "reason": change.value,
        "started_at": to_text(alert.started_at if alert.started_at is not None else at),
        "began_at": to_text(began),
        "window": window,
        "columns": [],
        "diagnosis": {
            "class": "data_fault",
            "causes": [{"kind": "no_records", "column": None, "detail": f"no records since {last}", "factor": None}],
        },
        "action": None,
        "resolved_at": to_text(at) if alert.state is AlertState.RESOLVED else None,
    }


def end_silence(version: Version) -> None:
    """Forget an alert that has resolved."""
    if version.volume.state is AlertState.RESOLVED:
        version.volume = ThresholdAlert()
