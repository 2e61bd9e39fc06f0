"""Alerts that a receiver forgets unless it is told again, as Alertmanager does: what stands there, and when to tell it.

Alertmanager takes an alert for resolved once its ``endsAt`` has passed, and one that restarts without its state knows
of none. So what fires is sent again under the same labels, as Prometheus does, long before it would be forgotten.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from monitor.alert import AlertState
from monitor.instant import SECOND, Instant
from monitor.notification import MessageType
from monitor.receivers import ReceiverSettings
from monitor.receivers.templated import DialectSettings, dialect_of
from monitor.store.alert import open_alerts
from monitor.store.database import State
from monitor.store.delivery import Delivery, list_deliveries

_MOST_SECONDS = 60.0
_MARGIN = 4  # as Prometheus: three of four may be lost
_LOOKED_AT = 1_000
"""Of the deliveries of before this start, the newest."""


@dataclass(slots=True)
class Told:
    """What a receiver was told last of an alert, and when it is to be told again."""

    delivery: Delivery
    next_at: Instant


@dataclass(slots=True)
class Standing:
    """What a receiver was told last of each alert that it has been told fires.

    Attributes
    ----------
    period: microseconds from one telling to the next.
    told: by alert; ``None`` until the state has been looked at.
    """

    receiver: str
    period: int
    told: dict[str, Told] | None = None

    def note(self, delivery: Delivery, now: Instant) -> None:
        """Note what the receiver has taken just now."""
        if self.told is not None:
            _note(self.told, Told(delivery, now + self.period))

    def due(self, state: State, now: Instant) -> list[Delivery]:
        """Return what is to be told again now: alerts that the receiver was told of and that fire still.

        Raises
        ------
        StoreBusy: the state cannot be read now.
        """
        if self.told is not None and not any(self._is_due(each, now) for each in self.told.values()):
            return []
        with state.read() as connection:
            if self.told is None:
                self.told = {}
                for delivery in reversed(list_deliveries(connection, self.receiver, "delivered", _LOOKED_AT)[0]):
                    _note(
                        self.told, Told(delivery, now if delivery.ended_at is None else delivery.ended_at + self.period)
                    )
            firing = {each["id"] for each in open_alerts(connection) if each["state"] == AlertState.FIRING.value}
        self.told = {ident: each for ident, each in self.told.items() if ident in firing}
        found = [each for each in self.told.values() if self._is_due(each, now)]
        for each in found:
            each.next_at = now + self.period
        return [each.delivery for each in found]

    def _is_due(self, told: Told, now: Instant) -> bool:
        return told.next_at <= now or told.next_at > now + self.period  # the clock was set back


def standing_of(settings: ReceiverSettings) -> Standing | None:
    """Return what a receiver must be told again and again; ``None`` for one that forgets nothing."""
    if not isinstance(settings, DialectSettings) or not dialect_of(settings).forgets:
        return None
    lasts = settings.values.get("lasts")
    seconds = min(_MOST_SECONDS, float(lasts) / _MARGIN) if lasts is not None else _MOST_SECONDS
    return Standing(settings.name, round(seconds * SECOND))


def _note(told: dict[str, Told], new: Told) -> None:
    event = json.loads(new.delivery.body)
    ident = (event["data"].get("alert") or {}).get("id")
    if ident is None:
        return
    if event["type"] == MessageType.FIRING:
        told[ident] = new
    elif event["type"] == MessageType.RESOLVED:
        told.pop(ident, None)
