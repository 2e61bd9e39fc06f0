"""Why a message about an alert is withheld. The alert fires, is recorded and exported all the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from monitor.inhibition import explains, is_graver
from monitor.instant import Instant, to_text
from monitor.maintenance import lasting
from monitor.routing import Policy
from monitor.silence import Silence, silencing

Alert: TypeAlias = Mapping[str, Any]


class Withheld(StrEnum):
    """Why a message was not sent to a receiver: a metric's label."""

    SILENCED = "silenced"
    MAINTENANCE = "maintenance"
    INHIBITED = "inhibited"
    ACKNOWLEDGED = "acknowledged"
    OUT_OF_HOURS = "out_of_hours"
    NEVER_TOLD = "never_told"


@dataclass(frozen=True, slots=True)
class Because:
    """Why, and by what: the id of a silence or of an alert, the name of a window of maintenance, or who."""

    why: Withheld
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What bears on messages at an instant of wall time.

    Attributes
    ----------
    firing: the alerts that fire.
    heard: who was told of each alert, by its id.
    """

    now: Instant
    policy: Policy
    silences: Sequence[Silence] = ()
    firing: Sequence[Alert] = ()
    heard: Mapping[str, Collection[str]] | None = None

    def of_all(self, alert: Alert) -> Because | None:
        """Return why nobody is told of an alert, or ``None``."""
        silence = silencing(self.silences, alert, self.now)
        if silence is not None:
            return Because(Withheld.SILENCED, silence.id)
        window = lasting(self.policy.maintenance.get(alert["model"], ()), self.now)
        return None if window is None else Because(Withheld.MAINTENANCE, window)

    def of(self, alert: Alert, receiver: str) -> Because | None:
        """Return why one receiver is not told of an alert, or ``None``.

        A fault of the data that explains the alert spares it whoever was told of the fault; and everybody, once
        somebody was told, unless the alert is graver than the fault.
        """
        if alert["model"] not in self.policy.inhibiting:
            return None
        for fault in self.firing:
            if not explains(fault, alert):
                continue
            told = (self.heard or {}).get(fault["id"], ())
            known = bool(told) or silencing(self.silences, fault, self.now) is not None
            if receiver in told or (known and not is_graver(alert, fault)):
                return Because(Withheld.INHIBITED, fault["id"])
        return None

    def shown(self, alert: Alert) -> Mapping[str, Any]:
        """Return what an alert shows of this: until when it is silent, and why messages about it are withheld."""
        because, silence = None, None
        if alert["state"] == "firing":
            silence = silencing(self.silences, alert, self.now)
            because = self.of_all(alert) or self._of_any(alert)
            if because is None and alert.get("acknowledged_by"):
                because = Because(Withheld.ACKNOWLEDGED, str(alert["acknowledged_by"]))
        return {
            "silenced_until": None if silence is None else to_text(silence.ends_at),
            "withheld": None if because is None else {"why": because.why.value, "by": because.by},
        }

    def _of_any(self, alert: Alert) -> Because | None:
        """Return why none of the receivers that would be told of an alert is."""
        found = [self.of(alert, name) for name in self.policy.ways(alert, self.now)]
        return found[0] if found and all(found) else None
