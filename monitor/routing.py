"""Who is told of an alert, when and how: at once, gathered with others, or in a digest; and who is if nobody reacts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from monitor.instant import Instant, microseconds
from monitor.maintenance import MaintenanceSettings
from monitor.settings import Duration, Settings, parse_duration
from monitor.times import TimesSettings, any_covers

Alert: TypeAlias = Mapping[str, Any]
_LEAST, _MOST_WAIT = parse_duration("1s"), parse_duration("31d")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | Mapping) else value


Severity = Literal["info", "warning", "critical"]
AlertName = Literal["drift", "performance", "quality", "volume", "latency", "fairness", "targets", "monitor"]
Shared = Literal["model", "version", "alert", "severity", "segment"]
_Texts = Annotated[tuple[str, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
_Severities = Annotated[
    tuple[Severity, ...], BeforeValidator(_listed, json_schema_input_type=Severity | list[Severity])
]
_Names = Annotated[tuple[AlertName, ...], BeforeValidator(_listed, json_schema_input_type=AlertName | list[AlertName])]
_Shared = Annotated[tuple[Shared, ...], BeforeValidator(_listed, json_schema_input_type=Shared | list[Shared])]


class MatchSettings(Settings):
    """Which alerts a route takes: each key is one word or a list, what is not given matches all."""

    severity: _Severities = Field((), description="info, warning, critical; info is routed only if named here")
    model: _Texts = Field((), description="names of models")
    version: _Texts = Field((), description="versions of models")
    alert: _Names = Field((), description="names of alerts, such as drift or quality")
    segment: _Texts = Field((), description='segments, such as carrier=UA; "" is the whole')


class GroupSettings(Settings):
    """Which alerts come in one message, if they come one soon after the other."""

    by: _Shared = Field(("model",), description="what they have in common: model, version, alert, severity, segment")
    wait: Duration = Field(parse_duration("1m"), ge=_LEAST, le=_MOST_WAIT, description="from the first to the message")


class EscalationSettings(Settings):
    """Who else is told of an alert that nobody has acknowledged."""

    after: Duration = Field(ge=_LEAST, le=_MOST_WAIT, description="since the first message, in wall time")
    to: _Texts = Field(min_length=1, description="names of receivers")


_During = Annotated[
    tuple[TimesSettings, ...],
    BeforeValidator(_listed, json_schema_input_type=TimesSettings | list[TimesSettings]),
]
_Steps = Annotated[
    tuple[EscalationSettings, ...],
    BeforeValidator(_listed, json_schema_input_type=EscalationSettings | list[EscalationSettings]),
]


class RouteSettings(Settings):
    """Which receivers are told of which alerts. Every route that matches adds its receivers."""

    match: MatchSettings = Field(MatchSettings(), description="the alerts it takes; left out, all but info")
    to: _Texts = Field(min_length=1, description="names of receivers")
    during: _During = Field((), description="times of the week, one or a list; left out, always")
    group: GroupSettings | None = Field(None, description="one message of several alerts; unset: one of each")
    digest: Duration | None = Field(
        None, ge=_LEAST, le=_MOST_WAIT, description="one message so often, of all that happened; unset: at once"
    )
    escalate: _Steps = Field((), description="who else is told, one step or a list, if nobody acknowledges")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.group is not None and self.digest is not None:
            raise ValueError("a digest is one group already; expected group or digest")
        return self


@dataclass(frozen=True, slots=True)
class Way:
    """How a receiver is told: after a wait in microseconds, with all that has the same key; at once if it is 0."""

    wait: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is told what, as a whole config has it.

    Attributes
    ----------
    receivers: the names of all; ``starters`` those that start jobs, and without routes get only actions.
    maintenance: windows of maintenance by model.
    inhibiting: the models of which a fault of the data spares messages of what it explains.
    page: the address of the web page, for links.
    """

    routes: Sequence[RouteSettings] = ()
    receivers: Sequence[str] = ()
    starters: Collection[str] = ()
    maintenance: Mapping[str, Sequence[MaintenanceSettings]] = field(default_factory=dict)
    inhibiting: Collection[str] = ()
    page: str = ""

    def ways(self, alert: Alert, now: Instant) -> dict[str, Way]:
        """Return who is told of an alert at an instant, and how: of several ways the one that waits least."""
        if not self.routes:
            return dict.fromkeys(route(alert, (), self.receivers, self.starters), Way())
        found: dict[str, Way] = {}
        for entry in self._taking(alert):
            if not any_covers(entry.during, now):
                continue
            way = _way(entry, alert)
            for name in entry.to:
                found[name] = min(found.get(name, way), way, key=lambda each: each.wait)
        return {name: found[name] for name in self.receivers if name in found}

    def everyone(self, alert: Alert) -> tuple[str, ...]:
        """Return the receivers that are told of an alert at some time."""
        return route(alert, self.routes, self.receivers, self.starters)

    def escalations(self, alert: Alert, now: Instant) -> Iterator[tuple[int, str]]:
        """Yield after how many microseconds who else is told of an alert that nobody acknowledges."""
        for entry in self._taking(alert):
            if not any_covers(entry.during, now):
                continue
            for step in entry.escalate:
                yield from ((microseconds(step.after), name) for name in step.to if name in self.receivers)

    def _taking(self, alert: Alert) -> Iterator[RouteSettings]:
        return (entry for entry in self.routes if _matches(entry.match, alert))


def _way(entry: RouteSettings, alert: Alert) -> Way:
    if entry.digest is not None:
        return Way(microseconds(entry.digest), "digest")
    if entry.group is not None:
        shared = "|".join(str(alert.get("name" if key == "alert" else key) or "") for key in entry.group.by)
        return Way(microseconds(entry.group.wait), f"{','.join(entry.group.by)}|{shared}")
    return Way()


def route(
    alert: Alert, routes: Sequence[RouteSettings], receivers: Sequence[str], action_receivers: Collection[str]
) -> tuple[str, ...]:
    """Return the receivers that are told of an alert at some time, each once, in the order of the config.

    Parameters
    ----------
    alert: with ``severity``, ``model``, ``version``, ``name`` and perhaps ``segment``.
    receivers: the names of all receivers.
    action_receivers: those that start jobs; without routes they get only actions.
    """
    if not routes:
        told = set() if alert["severity"] == "info" else set(receivers) - set(action_receivers)
    else:
        told = {name for entry in routes if _matches(entry.match, alert) for name in entry.to}
    return tuple(name for name in receivers if name in told)


def _matches(match: MatchSettings, alert: Alert) -> bool:
    if alert["severity"] == "info" and "info" not in match.severity:
        return False
    asked = (
        *((match.severity, alert["severity"]), (match.model, alert["model"]), (match.version, alert["version"])),
        *((match.alert, alert["name"]), (match.segment, alert.get("segment") or "")),
    )
    return all(not allowed or value in allowed for allowed, value in asked)
