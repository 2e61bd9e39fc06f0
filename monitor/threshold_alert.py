"""The life of an alert on a plain rule, such as silence: it fires after ``for`` breaches in a row.

Drift alerts have an engine that weighs evidence, and fire at once; a rule has only this count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor.alert import AlertSettings, AlertState, Change, alert_id
from monitor.instant import Instant, microseconds


@dataclass(frozen=True, slots=True)
class ThresholdAlert:
    """What is remembered of an alert on a rule. ``streak`` counts breaches in a row, or calm windows while firing."""

    state: AlertState = AlertState.INACTIVE
    id: str | None = None
    started_at: Instant | None = None
    began_at: Instant | None = None
    streak: int = 0
    notified_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """One look at a rule: when, since when the stretch looked at lasts, and whether it is breached."""

    at: Instant
    start: Instant
    breached: bool


def advance_threshold(
    alert: ThresholdAlert, watch: Watch, settings: AlertSettings, scope: tuple[str, str, str, str | None]
) -> tuple[ThresholdAlert, Change | None]:
    """Move an alert on by one window, and say whether a message is due.

    Parameters
    ----------
    scope: model, version, the alert's name and its segment.
    """
    if alert.state is AlertState.FIRING:
        return _while_firing(alert, watch, settings)
    if not watch.breached:
        return ThresholdAlert(), None
    streak = alert.streak + 1
    began_at = watch.start if alert.began_at is None else alert.began_at
    if streak < settings.for_:
        return ThresholdAlert(AlertState.PENDING, None, watch.at, began_at, streak), None
    ident = alert_id(*scope, watch.at)
    return ThresholdAlert(AlertState.FIRING, ident, watch.at, began_at, 0, watch.at), Change.FIRST_TIME


def _while_firing(alert: ThresholdAlert, watch: Watch, settings: AlertSettings) -> tuple[ThresholdAlert, Change | None]:
    calm = 0 if watch.breached else alert.streak + 1
    alert = replace(alert, streak=calm)
    if calm >= settings.resolve_after:
        return replace(alert, state=AlertState.RESOLVED, notified_at=watch.at), Change.RESOLVED
    if alert.notified_at is not None and watch.at - alert.notified_at >= microseconds(settings.repeat):
        return replace(alert, notified_at=watch.at), Change.REPEAT_DUE
    return alert, None
