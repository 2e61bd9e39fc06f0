"""The pipeline of one model within the daemon: the edge where its errors end, are counted and logged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import structlog

from monitor.app.scraping import with_scraper
from monitor.app.turns import Turns
from monitor.errors import MonitorError, StoreBusy
from monitor.identity import version_of
from monitor.instant import Instant, microseconds, to_text
from monitor.judge import Judge, expected_false_alarms
from monitor.logs import Throttle
from monitor.pipeline.closed import Closed
from monitor.pipeline.cycle import TARGETS, Pipeline
from monitor.pipeline.plan import ModelPlan
from monitor.pipeline.renewing import KEPT, renewal
from monitor.pipeline.tally import Limits
from monitor.store.database import State
from monitor.telemetry import Telemetry
from monitor.window import NEVER
from monitor.workers import Failure, WorkerFailed, Workers

Json = dict[str, Any]
_LOG_SECONDS = 1.0


class Worker:
    """Runs a model's cycle, one thread at a time; after a failed transaction it starts again from the store."""

    def __init__(
        self,
        plan: ModelPlan,
        state: State,
        telemetry: Telemetry,
        wake: Callable[[list[str]], None],
        clock: Callable[[], Instant],
        *,
        event_clock: bool = False,
        children: Workers | None = None,
    ) -> None:
        self.plan, self._scraper = with_scraper(plan, state.directory, clock)
        self.turns = Turns()
        self.pipeline = Pipeline(self.plan, state, event_clock=event_clock, workers=children)
        self.why: str | None = None
        """Why the last cycle failed, or ``None``."""
        self._telemetry = telemetry
        self._wake = wake
        self._clock = clock
        self._stopping = threading.Event()
        self._throttle = Throttle(_LOG_SECONDS)
        self._log = structlog.get_logger(__name__).bind(model=plan.name)
        self._show_calibration()
        references = self.pipeline.references
        self._judged = {version for version in references.known() if references.judge(version) is not None}
        self._unusable: dict[str, MonitorError] = {}

    def pause(self) -> None:
        """Have a cycle end after its present transaction, wait for that, and let no other begin."""
        self._stopping.set()
        if self._scraper is not None:
            self._scraper.stop()
        with self.turns.visit():
            pass

    def resume(self) -> None:
        """Take back :meth:`pause`."""
        self._stopping.clear()

    def cycle(self) -> None:
        """Read what there is and close what is due; never raises."""
        for _ in self.advance():
            pass

    def advance(self) -> Iterator[Closed]:
        """Do one cycle, yielding what was closed; an error ends the cycle, is logged and shown in ``why``."""
        with self.turns.hold():
            if self._stopping.is_set():
                return
            if self._scraper is not None:
                self._scraper.start()
            started = time.monotonic()
            try:
                yield from self._cycle()
                self.why = None
                self._telemetry.evaluated(self.plan.name, self._clock())
            except StoreBusy as error:
                self._failed("state_not_writable", error.message)
                self._reload()
            except MonitorError as error:
                if not (isinstance(error, WorkerFailed) and error.reason is Failure.STOPPED):
                    self._failed("cycle_failed", error.message)
                self._reload()  # of a child that was stopped nothing is told: this process ends
            except Exception as error:  # noqa: BLE001 - the edge of one model's work: the others go on
                self._failed("cycle_broke", f"unexpected {type(error).__name__}", broke=True)
                self._reload()
            self._telemetry.stage("cycle", time.monotonic() - started)

    def _cycle(self) -> Iterator[Closed]:
        wall = self._clock()
        limits = Limits(newest=wall + microseconds(self.plan.window.max_future))
        for closed in self.pipeline.step(wall, limits, self._between):
            self._show(closed)
            yield closed
        self._log_references()
        self._log_refused()

    def _between(self) -> bool:
        """Let a job's report in between two transactions; say whether the cycle is to end."""
        self.turns.lend()
        return self._stopping.is_set()

    def _show(self, closed: Closed) -> None:
        for body in closed.windows:
            self._telemetry.window(body)
        for body in closed.performance:
            self._telemetry.performance(self.plan.name, version_of(body["window"]), body)
        self._telemetry.targets_changed(self.plan.name, self.pipeline.tallies[TARGETS].changed)
        for version in closed.retired:
            self._telemetry.forget(self.plan.name, version)
        for body in closed.alerts:
            self._log.warning(
                f"alert_{body['state']}", alert=body["id"], version=body["version"], columns=body["columns"]
            )
        for body in closed.actions:
            if body["updated_at"] == to_text(closed.at) and (body.get("recovery") or {}).get("text"):
                self._log.info(
                    f"retraining_{body['recovery']['status']}", action=body["id"], text=body["recovery"]["text"]
                )
        for told in closed.references:
            tell = self._log.warning if told["event"] == KEPT else self._log.info
            tell(told["event"], **{key: value for key, value in told.items() if key != "event"})
        self._show_renewals()
        if closed.told:
            self._wake(sorted({receiver for told in closed.told for receiver in told.receivers}))

    def _show_renewals(self) -> None:
        """Show how long references that follow the stream have been due to be made anew."""
        if not self.pipeline.references.may_be_made:
            return
        for name in self.pipeline.model.live:
            found = renewal(self.pipeline.model, name)
            if found is not None:
                self._telemetry.reference(self.plan.name, name, overdue_seconds=found["overdue_seconds"])

    def judges(self) -> list[Judge]:
        """Return the judges of the references that lie there and can be used."""
        references = self.pipeline.references
        return [judge for version in references.known() if (judge := references.judge(version)) is not None]

    def _show_calibration(self) -> None:
        for judge in self.judges():
            figures = expected_false_alarms(judge, self.plan.alerts)
            self._telemetry.false_alarms(self.plan.name, promised=figures["promised"], expected=figures["expected"])
        for name, facts in self.facts()["versions"].items():
            if facts["live"] or name not in self.pipeline.model.versions:
                self._telemetry.calibrated(self.plan.name, name, why=facts["calibration_why"])

    def sources(self) -> dict[str, str | None]:
        """Return why each source cannot be read now, by role; ``None`` where it can."""
        pipeline = self.pipeline
        problems = [problem for source in pipeline.sources if (problem := source.problem()) is not None]
        if not pipeline.sources:
            problems = ["no reference yet"]
        found = {"records": problems[0] if problems else None}
        if self.plan.targets is not None:
            found["targets"] = pipeline.target_source.problem() if pipeline.target_source is not None else None
        if self._scraper is not None:
            found["resources"] = self._scraper.problem()
        return found

    def facts(self) -> Json:
        """Return what only a daemon knows of its model, for those who read the state beside it."""
        model = self.pipeline.model
        names = sorted({*model.versions, *(name for name in self.pipeline.references.known() if name)})
        watermark = model.closed if model.closed > NEVER else None
        return {
            "watermark": None if watermark is None else to_text(watermark),
            **self.sources(),
            "versions": {name: self._version_facts(name) for name in names},
        }

    def _version_facts(self, name: str) -> Json:
        judge = self.pipeline.references.judge(name)
        version = self.pipeline.model.versions.get(name)
        reference = None if judge is None else {"id": judge.reference.id, "rows": judge.reference.rows}
        return {
            "live": version is not None and not version.retired,
            "calibrated": judge is not None and judge.calibrated,
            "calibration_why": self.pipeline.references.why_unjudged([name]) if judge is None else judge.why,
            "reference": reference,
            "gathered": self._gathered(name),
            "renewal": renewal(self.pipeline.model, name),
        }

    def _gathered(self, name: str) -> Json | None:
        """Return how many rows there are for a reference that is being made of them."""
        wanted, held = self.pipeline.references.wanted_rows(name), self.pipeline.model.gathered.get(name)
        return None if wanted is None else {"rows": 0 if held is None else held.first, "of": wanted}

    def _log_references(self) -> None:
        """Tell once of each reference that came while running, and whether it can be used."""
        references = self.pipeline.references
        judged = {version for version in references.known() if references.judge(version) is not None}
        for version in sorted(judged - self._judged):
            self._log.info("reference_compiled", version=version)
            self._log_unknown(version)
        for version, error in references.faults.items():
            if self._unusable.get(version) is not error:
                self._log.error("reference_unusable", version=version, detail=str(error))
        if judged != self._judged:
            self._show_calibration()
        self._judged, self._unusable = judged, dict(references.faults)

    def _log_unknown(self, version: str) -> None:
        """Warn of columns with settings of their own that a reference which came while running does not have."""
        judge = self.pipeline.references.judge(version)
        names = set() if judge is None else set(self.plan.drift.columns) - set(judge.reference.names)
        if names:
            self._log.warning("columns_unknown", version=version, columns=sorted(names))

    def _log_refused(self) -> None:
        for refused in self.pipeline.refused:
            held = self._throttle.passes("row_rejected")
            if held is not None:
                self._log.warning(
                    "row_rejected",
                    file=refused.file,
                    offset=refused.offset,
                    reason=str(refused.reason),
                    detail=refused.detail,
                    held_back=held,
                )
        self.pipeline.refused = []

    def _failed(self, why: str, detail: str, *, broke: bool = False) -> None:
        self.why = why
        held = self._throttle.passes(why)
        if held is not None:
            self._log.error(why, detail=detail, held_back=held, exc_info=broke)

    def _reload(self) -> None:
        try:
            self.pipeline.reload()
        except MonitorError as error:
            self._failed("state_not_readable", error.message)
