"""Logged history through the very pipeline of ``run``, with event time as the clock; nothing is sent or kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from dataclasses import replace as replace
from typing import Any

from monitor.alert import AlertState, Change
from monitor.instant import Instant, from_text
from monitor.judge import expected_false_alarms
from monitor.pipeline.closing import Closed
from monitor.pipeline.cycle import RECORDS, Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.verdict import Verdict

Json = dict[str, Any]


@dataclass(slots=True)
class Replay:
    """One model's history, replayed once by :meth:`lines`; :meth:`summary` says afterwards what came of it.

    ``since`` and ``until`` bound the windows that are told, by their end; all before them is replayed too, so that
    evidence stands as it would have stood.
    """

    plan: ModelPlan
    since: Instant | None = None
    until: Instant | None = None
    pipeline: Pipeline = field(init=False)
    verdicts: Counter[str] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    first_alert_at: str | None = None
    start: str | None = None
    end: str | None = None

    def __post_init__(self) -> None:
        self.pipeline = Pipeline(replace(self.plan, rows_per_window=0), event_clock=True)

    def lines(self) -> Iterator[Json]:
        """Replay, and yield windows and the alerts that changed, in order of the instant they were known."""
        for closed in self._closed():
            if self.until is not None and closed.end > self.until:
                return
            if self.since is not None and closed.end <= self.since:
                continue
            yield from closed.windows
            yield from (without_resolution(body) for body in closed.alerts)
            self._count(closed)

    def _closed(self) -> Iterator[Closed]:
        yield from self.pipeline.step(0)
        yield from self.pipeline.flush(0)

    def _count(self, closed: Closed) -> None:
        self.verdicts.update(body["verdict"] for body in closed.windows)
        fired = [body for body in closed.alerts if body["reason"] == Change.FIRST_TIME.value]
        self.alerts.update(body["name"] for body in fired)
        self.actions.update(body["status"] for body in closed.actions)
        if fired and self.first_alert_at is None:
            self.first_alert_at = fired[0]["at"]
        for body in closed.windows:
            self.start = min(self.start or body["start"], body["start"])
            self.end = max(self.end or body["end"], body["end"])

    @property
    def fired(self) -> bool:
        """Say whether any alert fired."""
        return bool(self.alerts)

    def summary(self) -> Json:
        """Return the model's part of the ``summary`` object."""
        tally = self.pipeline.tallies[RECORDS]
        versions = sorted(self.pipeline.model.versions)
        judges = [judge for name in versions or [""] if (judge := self.pipeline.references.judge(name)) is not None]
        judge = judges[0] if judges else None
        unknown = {"promised": None, "expected": None, "lower": None, "upper": None}
        return {
            "model": self.plan.name,
            "versions": versions,
            "from": self.start,
            "to": self.end,
            "records": tally.accepted,
            "records_rejected": dict(sorted(tally.rejected.items())),
            "records_late": tally.late,
            "windows": {verdict.value: self.verdicts[verdict.value] for verdict in Verdict},
            "alerts": dict(sorted(self.alerts.items())),
            "actions": dict(sorted(self.actions.items())),
            "first_alert_at": self.first_alert_at,
            "calibrated": all(judge.calibrated for judge in judges) and bool(judges),
            "calibration_why": next((judge.why for judge in judges if judge.why), None),
            "false_alarms_per_30d": expected_false_alarms(judge, self.plan.alerts) if judge else unknown,
        }


def without_resolution(body: Json) -> Json:
    """Return an alert as ``backtest`` lists it."""
    return {key: value for key, value in body.items() if key != "resolved_at"}


def is_firing(body: Json) -> bool:
    """Say whether an alert's line tells of a firing one."""
    return bool(body["state"] == AlertState.FIRING.value)


def progress_of(body: Json) -> Instant:
    """Return how far a replay has come, from a line."""
    return from_text(body.get("closed_at") or body["at"])
