"""Logged history through the very pipeline of ``run``, with event time as the clock; nothing is sent or kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from heapq import merge
from typing import Any, Protocol

from monitor import __version__
from monitor.action import Why
from monitor.alert import Change
from monitor.background import background_of
from monitor.inject import injector
from monitor.injection import Injection
from monitor.instant import Instant, microseconds, to_text
from monitor.judge import Judge, expected_false_alarms
from monitor.pipeline.closed import Closed
from monitor.pipeline.cycle import RECORDS, Pipeline
from monitor.pipeline.intake import Transform
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.tally import Limits
from monitor.realised import before
from monitor.record import Layout
from monitor.search import Search
from monitor.verdict import Verdict
from monitor.window import NEVER

Json = dict[str, Any]
Line = tuple[Instant, int, Json]
"""When a line was known, its rank among those of one instant (windows, performance, alerts), and its object."""
_WINDOW, _PERFORMANCE, _ALERT = 0, 1, 2
_THIRTY_DAYS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Told:
    """Which windows are told: those that lie within [since, until). All before them is replayed too."""

    since: Instant | None = None
    until: Instant | None = None

    def holds(self, start: Instant, end: Instant) -> bool:
        """Say whether a window is told."""
        return (self.since is None or start >= self.since) and not self.ends_before(end)

    def ends_before(self, end: Instant) -> bool:
        """Say whether a window that ends at an instant, and all after it, are not told."""
        return self.until is not None and end > self.until


class Replay:
    """One model's history, replayed once by :meth:`lines`; :meth:`summary` says afterwards what came of it.

    Parameters
    ----------
    now: records stamped further ahead of it than ``window.max_future`` are set aside, as ``run`` would: one stamp of
        the year 9999 would else close every window up to then. ``None`` sets none aside.

    Raises
    ------
    MonitorError: a reference cannot be used, or an injection is not for this model's columns.
    """

    def __init__(
        self,
        plan: ModelPlan,
        told: Told = Told(),
        injections: Sequence[Injection] = (),
        *,
        now: Instant | None = None,
    ) -> None:
        self.plan = plan
        self._limits = Limits(None if now is None else now + microseconds(plan.window.max_future))
        self.searches = [Search(each) for each in injections if each.model in (None, plan.name)]
        ruled = [name for name, own in plan.drift.columns.items() if own.is_fixed]
        self._realised = before([each.injection for each in self.searches], ruled)
        self._told = told
        self._verdicts: Counter[str] = Counter()
        self._alerts: Counter[str] = Counter()
        self._actions: dict[str, str] = {}
        """The last status of each action, by id; that no job answers is the replay's doing, and left out."""
        self._first_alert_at: str | None = None
        self._waiting: set[str] = set()
        """Windows that were told, and whose performance was not."""
        self._begin: Instant | None = None
        self._closed_until: Instant = NEVER
        self._done = 0.0
        self._comparisons: dict[str, Json] = {}
        """The last comparison of each version that served beside another."""
        self._span: tuple[Instant, Instant] | None = None
        # Rows are kept to retrain with, and a replay retrains nothing; nor is it for a daemon's switch.
        # No job answers one either, so that none is asked again.
        retrain = None if plan.retrain is None else plan.retrain.model_copy(update={"retries": 0})
        alone = replace(plan, keeps_rows=False, switch=None, retrain=retrain)
        self.pipeline = Pipeline(alone, event_clock=True)
        self.pipeline.change_by(lambda layout: self._transform(injections, layout))
        self._sizes = {str(path): path.stat().st_size for source in self.pipeline.sources for path in source.matches()}

    def _transform(self, injections: Sequence[Injection], layout: Layout) -> Transform | None:
        background = background_of(self.pipeline.references, self.plan, layout)
        return injector(injections, self.plan.name, layout.columns, background)

    def lines(self) -> Iterator[Json]:
        """Replay, and yield windows and the alerts that changed, in the order in which they were known."""
        yield from (body for _, _, body in self.ranked_lines())

    def ranked_lines(self) -> Iterator[Line]:
        """Replay as :meth:`lines`, and yield with each line where it stands among those of other models."""
        try:
            for closed in self._closed():
                if self._told.ends_before(closed.end):
                    return
                yield from self._lines(closed)
            settled = self.pipeline.settle()
            self._comparisons |= settled.comparisons
            yield from self._performance(settled, of_all=True)
        finally:
            self.pipeline.close()

    def _closed(self) -> Iterator[Closed]:
        yield from self.pipeline.step(0, self._limits)
        yield from self.pipeline.flush(0)

    def _lines(self, closed: Closed) -> Iterator[Line]:
        start = closed.end - microseconds(self.plan.window.length)
        self._begin = start if self._begin is None else self._begin
        self._closed_until = closed.end
        self._comparisons |= closed.comparisons
        alerts = [without_resolution(body) for body in closed.alerts]
        for search in self.searches:
            search.see(start, closed.windows, alerts)
        if not self._told.holds(start, closed.end):
            return
        self._span = (start if self._span is None else self._span[0], closed.end)
        self._realised.see(start, closed.end, alerts)
        self._verdicts.update(body["verdict"] for body in closed.windows)
        self._actions |= {body["id"]: body["status"] for body in closed.actions if body["why"] != Why.EXPIRED.value}
        fired = [body for body in alerts if body["reason"] == Change.FIRST_TIME.value]
        self._alerts.update(body["name"] for body in fired)
        if fired and self._first_alert_at is None:
            self._first_alert_at = fired[0]["at"]
        yield from ((closed.at, _WINDOW, body) for body in closed.windows)
        self._waiting.update(body["id"] for body in closed.windows)
        yield from self._performance(closed)
        yield from ((closed.at, _ALERT, body) for body in alerts)

    def _performance(self, closed: Closed, *, of_all: bool = False) -> Iterator[Line]:
        """Yield what is known for good of windows that were told; at the end of a replay of all that still wait."""
        for body in closed.performance:
            if body["window"] in self._waiting and (of_all or is_final(body)):
                self._waiting.discard(body["window"])
                yield closed.at, _PERFORMANCE, body

    @property
    def fired(self) -> bool:
        """Say whether any alert fired in the windows told so far."""
        return bool(self._alerts)

    @property
    def matches(self) -> int:
        """Return how many files there are to read."""
        return len(self._sizes)

    def done_ratio(self) -> float:
        """Return the share of the history that is replayed: of the records' bytes, and of the time that they reach."""
        newest = max(self.pipeline.model.reached.values(), default=NEVER)
        if self._begin is not None and newest > self._begin:
            closed = min((self._closed_until - self._begin) / (newest - self._begin), 1.0)
            self._done = max(self._done, closed * self._read_ratio())
        return self._done

    def _read_ratio(self) -> float:
        total = sum(self._sizes.values())
        read = 0.0
        for role, positions in self.pipeline.positions.items():
            if role.startswith(RECORDS):
                read += sum(at.size if at.done else min(at.offset, at.size) for at in positions.values())
        return min(read / total, 1.0) if total else 1.0

    def summary(self) -> Json:
        """Return the model's part of the ``summary`` object."""
        tally = self.pipeline.tallies[RECORDS]
        versions = sorted(self.pipeline.model.versions)
        judges = [judge for name in versions or [""] if (judge := self.pipeline.references.judge(name)) is not None]
        unjudged = self.pipeline.references.why_unjudged(versions)
        return {
            "model": self.plan.name,
            "versions": versions,
            "from": None if self._span is None else to_text(self._span[0]),
            "to": None if self._span is None else to_text(self._span[1]),
            "records": tally.accepted,
            "records_rejected": dict(sorted(tally.rejected.items())),
            "records_late": tally.late,
            "windows": {verdict.value: self._verdicts[verdict.value] for verdict in Verdict},
            "alerts": dict(sorted(self._alerts.items())),
            "actions": dict(sorted(Counter(self._actions.values()).items())),
            "first_alert_at": self._first_alert_at,
            "calibrated": all(judge.calibrated for judge in judges) and bool(judges),
            "calibration_why": next((judge.why for judge in judges if judge.why), None if judges else unjudged),
            "false_alarms_per_30d": self._false_alarms(judges),
            "realised": self._realised.body(),
            "comparisons": [{"version": name, **body} for name, body in sorted(self._comparisons.items())],
        }

    def _false_alarms(self, judges: Sequence[Judge]) -> dict[str, float | None]:
        if judges:
            return expected_false_alarms(judges[0], self.plan.alerts)
        rate = self.plan.alerts.false_alarms
        return {"promised": rate.count * (_THIRTY_DAYS / rate.period), "expected": None, "lower": None, "upper": None}

    def injected(self) -> list[Json]:
        """Return what came of each injection."""
        return [search.body(self.plan.name, self._begin) for search in self.searches]


def merged(replays: Sequence[Replay]) -> Iterator[Json]:
    """Replay several models side by side, and yield their lines in the order in which they were known."""
    return (body for _, _, body in merge(*(replay.ranked_lines() for replay in replays), key=lambda line: line[:2]))


class Replayed(Protocol):
    """One model's replay, here or in another process; see :class:`Replay`."""

    def done_ratio(self) -> float:
        """Return the share of the history that is replayed."""
        ...

    def summary(self) -> Json:
        """Return the model's part of the ``summary`` object."""
        ...

    def injected(self) -> list[Json]:
        """Return what came of each injection."""
        ...

    @property
    def fired(self) -> bool:
        """Say whether any alert fired."""
        ...

    @property
    def matches(self) -> int:
        """Return how many files there are to read."""
        ...


def summary(replays: Sequence[Replayed], config_hash: str, elapsed_seconds: float) -> Json:
    """Return the ``summary`` object; with ``injected`` beside the contract's keys where drift was injected."""
    body = {
        "kind": "summary",
        "schema": 1,
        "answer": "drift" if any(replay.fired for replay in replays) else "no_drift",
        "models": [replay.summary() for replay in replays],
        "config_hash": config_hash,
        "driftline_version": __version__,
        "elapsed_seconds": elapsed_seconds,
    }
    found = [each for replay in replays for each in replay.injected()]
    return body | {"injected": found} if found else body


def is_final(body: Json) -> bool:
    """Say whether a window's performance will not change any more."""
    return all(entry["final"] for entry in body["performance"])


def without_resolution(body: Json) -> Json:
    """Return an alert as ``backtest`` lists it."""
    return {key: value for key, value in body.items() if key != "resolved_at"}
