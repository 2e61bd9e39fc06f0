"""What the monitor says of itself and of its models, kept from plain data and served from memory."""

from __future__ import annotations

import platform
import threading
from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.registry import Collector

from monitor.action import WITHHOLDING
from monitor.instant import SECOND, Instant
from monitor.record import Reason
from monitor.telemetry import declared as d
from monitor.telemetry.page import Page, Pages, Renderer, TableCollector
from monitor.telemetry.samples import Body, alert_states, calibration_samples, failures, verdict_samples, window_samples
from monitor.telemetry.series import SeriesTable
from monitor.withholding import Withheld

CAP = 10_000
STATES = ("inactive", "pending", "firing", "resolved")
OUTCOMES = ("delivered", "retried", "dead")
_BANDS = {"value": d.PERFORMANCE, "lower": d.PERFORMANCE_LOWER, "upper": d.PERFORMANCE_UPPER}
_OF_TARGETS = {
    "targets_unreadable_ratio": d.TARGETS_UNREADABLE,
    "targets_before_record_ratio": d.TARGETS_BEFORE_RECORD,
    "scores_improper_ratio": d.SCORES_IMPROPER,
}
RECOVERED = ("recovered", "not_recovered")
REFUSALS = ("not_found", "unauthorized", "action_closed", "other_job")
STATUSES = ("requested", "withheld", "awaiting_approval", "started", "succeeded", "failed")


class Telemetry:
    """Every metric of the monitor; safe to call from several threads.

    Readers get the page of the last :meth:`render` without a lock.

    Parameters
    ----------
    version: what runs, for ``build_info``.
    cap: most series exposed.
    further: collectors whose families come after our own; by default those of the process.
    """

    def __init__(self, version: str, cap: int = CAP, further: Sequence[Collector] | None = None) -> None:
        self._lock = threading.Lock()
        self._table = SeriesTable(d.METRICS, cap)
        self._windows: dict[tuple[str, str], None] = {}
        self._scored: dict[tuple[str, str], str] = {}
        """The end of the window whose realised performance is shown."""
        self.registry = CollectorRegistry()
        self.registry.register(TableCollector(self._table))
        self._renderer = Renderer(self._table, (ProcessCollector(registry=None),) if further is None else further)
        self._table.put(d.BUILD_INFO, (version, platform.python_version()), 1)
        self._table.put(d.SCRAPE_ERRORS, (), 0)
        self._pages = self._render()

    def window(self, body: Body) -> None:
        """Show a closed window instead of the last one of its model and version.

        Parameters
        ----------
        body: the ``window`` object of the contract; columns that come first are kept first under the cap.
        """
        scope = (body["model"], body["version"])
        samples = list(window_samples(body))
        with self._lock:
            self._table.remove(d.WINDOW_METRICS, {"model": scope[0], "version": scope[1]})
            for metric, labels, value in samples:
                set_series = self._table.add if metric.per_column else self._table.put
                set_series(metric, (*scope, *labels), value)
            for why, number in failures(body).items():
                labels = (*scope, why)
                self._table.raise_to(d.COLUMNS_FAILED, labels, self._table.get(d.COLUMNS_FAILED, labels) + number)
            for part in body.get("segments", ()):
                for metric, labels, value in verdict_samples(part):
                    self._table.put(metric, (*scope, *labels, part["segment"]), value)
            self._show_performance(scope, "estimated", body["performance"])
            self._show_fairness(scope, body.get("fairness", ()))
            self._windows[scope] = None

    def performance(self, model: str, version: str, body: Body) -> None:
        """Show the ``performance`` object of a window, unless one of a later window is shown already."""
        end = body["window"].rpartition("~")[2]
        scope = (model, version)
        with self._lock:
            if end < self._scored.get(scope, ""):
                return
            self._scored[scope] = end
            self._table.put(d.TARGETS_COVERAGE, scope, body["targets_coverage_ratio"])
            self._table.remove(list(_OF_TARGETS.values()), {"model": model, "version": version})
            for key, metric in _OF_TARGETS.items():
                if body[key] is not None:
                    self._table.put(metric, scope, body[key])
            self._show_performance(scope, "realised", body["performance"])
            for part in body.get("segments", ()):
                self._add_performance(scope, "realised", part["performance"], part["segment"])
                if part["targets_coverage_ratio"] is not None:
                    coverage = part["targets_coverage_ratio"]
                    self._table.put(d.TARGETS_COVERAGE, (*scope, part["segment"]), coverage)
            self._show_fairness(scope, body.get("fairness", ()))
            for stat, seconds in body["target_lag_seconds"].items():
                if seconds is not None:
                    self._table.put(d.TARGET_LAG, (*scope, stat), seconds)

    def _show_performance(self, scope: tuple[str, str], kind: str, entries: Iterable[Body]) -> None:
        self._table.remove(list(_BANDS.values()), {"model": scope[0], "version": scope[1], "kind": kind})
        self._add_performance(scope, kind, entries)

    def _add_performance(self, scope: tuple[str, str], kind: str, entries: Iterable[Body], *segment: str) -> None:
        for entry in entries:
            for key, metric in _BANDS.items():
                value = None if entry[kind] is None else entry[kind][key]
                if value is not None:
                    self._table.put(metric, (*scope, entry["metric"], kind, *segment), value)

    def _show_fairness(self, scope: tuple[str, str], entries: Iterable[Body]) -> None:
        for entry in entries:
            if entry["value"] is not None:
                self._table.put(d.FAIRNESS, (*scope, entry["metric"], entry["column"]), entry["value"])

    def targets_changed(self, model: str, total: int) -> None:
        """Show how many targets were other than what was known of their record."""
        with self._lock:
            self._table.raise_to(d.TARGETS_CHANGED, (model,), total)

    def alerts(self, bodies: Iterable[Body]) -> None:
        """Show these alerts and no others.

        A model and version that had a window and has no drift alert among them shows one that is inactive.
        """
        states = alert_states(bodies, self._windows)
        with self._lock:
            self._table.remove([d.ALERTS], {})
            for labels, state in states.items():
                *shown, segment = labels
                for each in STATES:
                    self._table.put(d.ALERTS, (*shown, each, *([segment] if segment else [])), each == state)

    def withheld(self, bodies: Iterable[Body], totals: Mapping[str, Mapping[str, int]]) -> None:
        """Show of which alerts messages are withheld, and how many were, by model and reason; every one is shown."""
        with self._lock:
            self._table.remove([d.ALERTS_WITHHELD], {})
            for body in bodies:
                if body["withheld"] is not None:
                    labels = (*(body[key] for key in ("model", "version", "name", "severity")), body["withheld"]["why"])
                    self._table.put(d.ALERTS_WITHHELD, (*labels, *([body["segment"]] if body["segment"] else [])), 1)
            for model, counts in totals.items():
                for why in Withheld:
                    self._table.raise_to(d.NOTIFICATIONS_WITHHELD, (model, why.value), counts.get(why.value, 0))

    def silences(self, *, everything: int, others: int) -> None:
        """Show how many silences are active."""
        with self._lock:
            self._table.put(d.SILENCES, ("true",), everything)
            self._table.put(d.SILENCES, ("false",), others)

    def records(
        self, model: str, source: str, *, read: int, rejected: Mapping[str, int], late: int = 0, sampled: int = 0
    ) -> None:
        """Show the totals of one source, counted since the state began.

        Parameters
        ----------
        source: ``records`` or ``targets``.
        read: all records read, the rejected and the late ones among them.
        """
        with self._lock:
            self._table.raise_to(d.RECORDS, (model, source), read)
            self._table.raise_to(d.RECORDS_LATE, (model, source), late)
            self._table.raise_to(d.RECORDS_SAMPLED, (model, source), sampled)
            for reason, total in (dict.fromkeys(map(str, Reason), 0) | {**rejected}).items():
                self._table.raise_to(d.RECORDS_REJECTED, (model, source, reason), total)

    def source_lag(self, model: str, source: str, seconds: float | None) -> None:
        """Show the wall time since a source's last accepted record; ``None``: none was ever accepted."""
        with self._lock:
            if seconds is None:
                self._table.remove([d.SOURCE_LAG], {"model": model, "source": source})
            else:
                self._table.put(d.SOURCE_LAG, (model, source), seconds)

    def false_alarms(self, model: str, *, promised: float | None, expected: float | None) -> None:
        """Show a model's budget of false alarms in 30 days; what is unknown is absent."""
        with self._lock:
            for kind, value in (("promised", promised), ("expected", expected)):
                if value is None:
                    self._table.remove([d.FALSE_ALARMS], {"model": model, "kind": kind})
                else:
                    self._table.put(d.FALSE_ALARMS, (model, kind), value)

    def calibrated(self, model: str, version: str, *, why: str | None) -> None:
        """Show whether the false-alarm promise holds, before a window says so itself; ``why`` not, if it does not."""
        with self._lock:
            self._table.remove([d.CALIBRATION_WHY], {"model": model, "version": version})
            for metric, labels, value in calibration_samples(why):
                self._table.put(metric, (model, version, *labels), value)

    def reference(self, model: str, version: str, *, overdue_seconds: float) -> None:
        """Show how long a reference that follows the stream has been due to be made anew, in event time."""
        with self._lock:
            self._table.put(d.REFERENCE_OVERDUE, (model, version), overdue_seconds)

    def evaluated(self, model: str, at: Instant) -> None:
        """Show when a model was last looked at without a fault, in wall time."""
        with self._lock:
            self._table.put(d.LAST_EVALUATION, (model,), at / SECOND)

    def stage(self, stage: str, seconds: float) -> None:
        """Count how long a stage of a cycle took."""
        with self._lock:
            self._table.observe(d.CYCLE, (stage,), seconds)

    def deliveries(self, receiver: str, *, outcomes: Mapping[str, int], pending: int) -> None:
        """Show a receiver's totals by outcome since the state began, and what waits for it."""
        with self._lock:
            for outcome in OUTCOMES:
                self._table.raise_to(d.DELIVERIES, (receiver, outcome), outcomes.get(outcome, 0))
            self._table.put(d.DELIVERIES_PENDING, (receiver,), pending)

    def actions(self, model: str, totals: Mapping[tuple[str, str], int]) -> None:
        """Show how many actions of a model reached a status, by (kind, status); retrain is always shown."""
        with self._lock:
            for kind in sorted({"retrain"} | {kind for kind, _ in totals}):
                for status in STATUSES:
                    self._table.raise_to(d.ACTIONS, (model, kind, status), totals.get((kind, status), 0))

    def suppressed(self, model: str, totals: Mapping[str, int]) -> None:
        """Show how often a retraining of a model was withheld, by reason; every reason is always shown."""
        with self._lock:
            for why in WITHHOLDING:
                self._table.raise_to(d.RETRAIN_SUPPRESSED, (model, why.value), totals.get(why.value, 0))

    def recoveries(self, model: str, totals: Mapping[str, int]) -> None:
        """Show how many retrainings of a model helped, and how many did not; each is always shown."""
        with self._lock:
            for outcome in RECOVERED:
                self._table.raise_to(d.RECOVERIES, (model, outcome), totals.get(outcome, 0))

    def callbacks_refused(self, totals: Mapping[str, int]) -> None:
        """Show how often a job's word was refused, by reason; every reason is always shown."""
        with self._lock:
            for reason in REFUSALS:
                self._table.raise_to(d.CALLBACKS_REFUSED, (reason,), totals.get(reason, 0))

    def state(self, *, bytes_on_disk: int, writable: bool) -> None:
        """Show the size of the state, and whether it can be written."""
        with self._lock:
            self._table.put(d.STORE_BYTES, (), bytes_on_disk)
            self._table.put(d.STATE_WRITABLE, (), writable)

    def audit(self, entries: int) -> None:
        """Show how many entries the audit has: they only grow, so a scrape tells of what is cut off."""
        with self._lock:
            self._table.put(d.AUDIT_ENTRIES, (), entries)

    def config(self, *, reloaded: bool) -> None:
        """Show whether the config on disk is the one in use."""
        with self._lock:
            self._table.put(d.CONFIG_RELOADED, (), reloaded)

    def forget(self, model: str, version: str | None = None) -> None:
        """Remove the series of a retired version, or of a model that is no longer in the config."""
        where = {"model": model} if version is None else {"model": model, "version": version}
        with self._lock:
            self._table.remove(d.METRICS, where)
            gone = [scope for scope in self._windows if scope[0] == model and version in {None, scope[1]}]
            for scope in gone:
                del self._windows[scope]
            self._scored = {scope: end for scope, end in self._scored.items() if scope not in gone}

    def forget_receiver(self, receiver: str) -> None:
        """Remove the series of a receiver that is no longer in the config."""
        with self._lock:
            self._table.remove(d.METRICS, {"receiver": receiver})

    def render(self) -> None:
        """Render the page, once a cycle; if that fails, the last good page stays and the failure is counted."""
        with self._lock:
            try:
                self._pages = self._render()
            except Exception:  # noqa: BLE001 - whatever a collector raises, an old page is better than none
                self._table.raise_to(d.SCRAPE_ERRORS, (), self._table.get(d.SCRAPE_ERRORS, ()) + 1)

    def page(self, accept: str = "") -> Page:
        """Return the last rendered page in the format that an ``Accept`` header prefers."""
        return self._pages.choose(accept)

    def _render(self) -> Pages:
        self._table.raise_to(d.SERIES_DROPPED, (), self._table.dropped)
        return self._renderer.render()
