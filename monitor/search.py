"""Whether injected drift was found: what a replay sees of it, window by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.alert import AlertState, Change
from monitor.injection import Injection
from monitor.instant import SECOND, Instant, from_text, to_text
from monitor.verdict import Verdict

Json = dict[str, Any]


@dataclass(slots=True)
class Search:
    """Whether injected drift was found: by the first alert, from its begin on, that names the column.

    What is of no column is found by any alert.

    Attributes
    ----------
    found: that alert. ``others``: how many alerts from its begin on do not name the column, or came later.
    over_at: the close of the first window from its begin on in which the column is over its own threshold.
    firing: alerts that fire now. ``fired_before``: whether one did at its begin: then no other can.
    """

    injection: Injection
    found: Json | None = None
    others: int = 0
    over_at: str | None = None
    firing: set[str] = field(default_factory=set)
    fired_before: bool = False

    def see(self, start: Instant, windows: Sequence[Json], alerts: Sequence[Json]) -> None:
        """Take note of the windows of one instant, which begin at ``start``, and of the alerts that changed then."""
        wanted = self.injection
        begun = wanted.since is None or start >= wanted.since
        for window in windows:
            if begun and self.over_at is None and self._is_meant(window) and _is_over(window, wanted.column):
                self.over_at = window["closed_at"]
        for alert in alerts:
            if self._is_meant(alert):
                self._see_alert(alert, begun=begun)
        if not begun:
            self.fired_before = bool(self.firing)

    def _is_meant(self, body: Json) -> bool:
        return self.injection.version in (None, body["version"])

    def _see_alert(self, alert: Json, *, begun: bool) -> None:
        if not _is_firing(alert):
            self.firing.discard(alert["id"])
            return
        self.firing.add(alert["id"])
        if not begun or alert["reason"] != Change.FIRST_TIME.value:
            return
        if self.found is None and self.injection.column in (None, *alert["columns"]):
            self.found = alert
        else:
            self.others += 1

    def body(self, model: str, start: Instant | None) -> Json:
        """Return what came of it; ``start`` is the begin of a replay, where the injection has none of its own."""
        begin = start if self.injection.since is None else self.injection.since
        at = None if self.found is None else from_text(self.found["at"])
        return {
            "model": model,
            "spec": self.injection.spec,
            "from": None if begin is None else to_text(begin),
            "found_at": None if at is None else to_text(at),
            "delay_seconds": None if at is None or begin is None else (at - begin) / SECOND,
            "alert": None if self.found is None else self.found["id"],
            "column_over_at": self.over_at,
            "alert_fired_before": self.fired_before,
            "other_alerts": self.others,
        }


def _is_over(window: Json, column: str | None) -> bool:
    over = [each["name"] for each in window["columns"] if each["verdict"] == Verdict.DRIFTED.value]
    return bool(over) if column is None else column in over


def _is_firing(body: Json) -> bool:
    return bool(body["state"] == AlertState.FIRING.value)
