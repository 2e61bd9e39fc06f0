"""The life of an alert: inactive, pending, firing, resolved. One episode is one page.

A drift alert is pending once the evidence reaches the square root of its threshold, and fires at the threshold
at once. While it fires, evidence is frozen; it resolves after ``resolve_after`` steps in which the effect of
every culprit reaches into its tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self, TypeAlias

from pydantic import Field, model_validator

from monitor.identity import digest_id
from monitor.instant import Instant, microseconds
from monitor.maintenance import MaintenanceSettings
from monitor.settings import Duration, Frequency, Settings, parse_duration, parse_rate


class ShareSettings(Settings):
    """How the false-alarm budget is shared out over the kinds of calibrated alerts."""

    drift: float = Field(0.5, gt=0, le=1, description="drift's part of the budget")
    performance: float = Field(0.25, gt=0, le=1, description="the part of alerts on performance")
    latency: float = Field(0.125, gt=0, le=1, description="the part of alerts on latency and volume, half each")
    quality: float = Field(0.125, gt=0, le=1, description="the part of the alert on data quality")


class AlertSettings(Settings):
    """How often a model may page falsely, and how alerts are repeated and resolved."""

    false_alarms: Frequency = Field(parse_rate("1 per 30d"), description="most false pages of a model")
    share: ShareSettings = Field(ShareSettings(), description="how that budget is shared out")
    for_: int = Field(2, alias="for", ge=1, le=1000, description="windows in a row before a threshold alert fires")
    resolve_after: int = Field(2, ge=1, le=1000, description="calm steps before an alert resolves")
    repeat: Duration = Field(parse_duration("1d"), description="a firing alert is sent again so often, in event time")
    inhibit: bool = Field(default=True, description="a fault of the data withholds messages of what it explains")
    maintenance: tuple[MaintenanceSettings, ...] = Field((), description="when messages are withheld")

    @model_validator(mode="after")
    def _budget_is_positive(self) -> Self:
        if self.false_alarms.count <= 0 or microseconds(self.false_alarms.period) <= 0:
            raise ValueError('expected a rate above zero, e.g. "1 per 30d"')
        return self


class AlertState(StrEnum):
    """Prometheus's words and meanings."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Change(StrEnum):
    """Why a message about an alert is due."""

    FIRST_TIME = "first_time"
    REPEAT_DUE = "repeat_due"
    CHANGED = "changed"
    RESOLVED = "resolved"
    VERSION_RETIRED = "version_retired"


@dataclass(frozen=True, slots=True)
class DriftAlert:
    """What is remembered of the drift alert of one model and version.

    ``ruled`` are the culprits that broke a fixed rule; the others carry evidence.
    """

    state: AlertState = AlertState.INACTIVE
    id: str | None = None
    started_at: Instant | None = None
    began_at: Instant | None = None
    culprits: tuple[str, ...] = ()
    calm_steps: int = 0
    notified_at: Instant | None = None
    window: str | None = None
    ruled: tuple[str, ...] = ()

    @property
    def evident(self) -> tuple[str, ...]:
        """Return the culprits that carry evidence."""
        return tuple(name for name in self.culprits if name not in self.ruled)


Scope: TypeAlias = tuple[str, str] | tuple[str, str, str | None]
"""Model and version of a drift alert, and perhaps its segment."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What an alert needs to know of one judged step.

    ``calm`` is true when the effect of every culprit reaches into its tolerance.
    """

    at: Instant
    window: str
    evidence: float
    threshold: float
    culprits: tuple[str, ...]
    began_at: Instant | None
    calm: bool


def alert_id(model: str, version: str, name: str, segment: str | None, started_at: Instant) -> str:
    """Return the id of an episode of an alert."""
    return digest_id("al", model, version, name, segment, started_at)


def drift_alert_id(scope: Scope, started_at: Instant) -> str:
    """Return the id of an episode of a drift alert."""
    model, version, *segment = scope
    return alert_id(model, version, "drift", segment[0] if segment else None, started_at)


def advance(
    alert: DriftAlert, judged: Judged, settings: AlertSettings, scope: Scope
) -> tuple[DriftAlert, Change | None]:
    """Move a drift alert on by one judged step, and say whether a message is due.

    Parameters
    ----------
    scope: model and version, and perhaps a segment.
    """
    if alert.state is AlertState.FIRING:
        return _while_firing(alert, judged, settings)
    if judged.evidence >= judged.threshold:
        fired = DriftAlert(
            AlertState.FIRING,
            drift_alert_id(scope, judged.at),
            judged.at,
            judged.began_at,
            judged.culprits,
            notified_at=judged.at,
            window=judged.window,
        )
        return fired, Change.FIRST_TIME
    if judged.evidence >= judged.threshold**0.5:
        since = alert.started_at if alert.state is AlertState.PENDING else judged.at
        return DriftAlert(AlertState.PENDING, None, since, judged.began_at, judged.culprits), None
    return DriftAlert(), None


def _while_firing(alert: DriftAlert, judged: Judged, settings: AlertSettings) -> tuple[DriftAlert, Change | None]:
    calm = alert.calm_steps + 1 if judged.calm else 0
    if calm >= settings.resolve_after:
        return replace(alert, state=AlertState.RESOLVED, calm_steps=calm, notified_at=judged.at), Change.RESOLVED
    alert = replace(alert, calm_steps=calm)
    if alert.notified_at is not None and judged.at - alert.notified_at >= microseconds(settings.repeat):
        return replace(alert, notified_at=judged.at), Change.REPEAT_DUE
    return alert, None


def retire(alert: DriftAlert, at: Instant) -> tuple[DriftAlert, Change | None]:
    """End the alert of a version that serves no more."""
    if alert.state is not AlertState.FIRING:
        return DriftAlert(), None
    return replace(alert, state=AlertState.RESOLVED, notified_at=at), Change.VERSION_RETIRED
