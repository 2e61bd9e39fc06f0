"""From state and workers to the page of metrics."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from monitor.action import Status
from monitor.alert import AlertState
from monitor.app.incidents import shown_alerts
from monitor.app.running import Running
from monitor.instant import SECOND, Instant
from monitor.pipeline.model import Version
from monitor.store.action import list_actions
from monitor.store.alert import open_alerts
from monitor.store.audit import head
from monitor.store.counts import load_counts
from monitor.store.database import Connection
from monitor.store.delivery import pending_counts
from monitor.store.notice import load_withheld
from monitor.store.silence import lasting_silences
from monitor.store.window import last_performances, last_windows

_ACTIONS = 1000
_DRIFT = "drift"
_AFTER_REQUEST = frozenset({"started", "succeeded", "failed"})


def publish_windows(running: Running) -> None:
    """Show the last windows that the state holds: a restart leaves no gap in the metrics."""
    with running.state.read() as connection:
        windows, scored = last_windows(connection), last_performances(connection)
    for (model, version), body in windows.items():
        worker = running.workers.get(model)
        known = worker.pipeline.model.versions.get(version) if worker is not None else None
        if known is not None and not known.retired:
            running.telemetry.window(body)
            if (model, version) in scored:
                running.telemetry.performance(model, version, scored[model, version])


def publish(running: Running) -> None:
    """Show what changes between windows: counts, lags, alerts, the outbox, actions, the state."""
    telemetry, now = running.telemetry, running.clock()
    with running.state.read() as connection:
        counts = load_counts(connection)
        outboxes = {outbox.receiver: outbox for outbox in pending_counts(connection)}
        actions, _ = list_actions(connection, limit=_ACTIONS)
        _publish_alerts(running, connection, now)
        entries = head(connection).seq
    for entry in counts:
        if entry.model in running.workers:
            read = entry.accepted + entry.late + sum(entry.rejected.values())
            telemetry.records(
                entry.model, entry.role, read=read, rejected=entry.rejected, late=entry.late, sampled=entry.sampled
            )
            lag = None if entry.accepted_at is None else max(now - entry.accepted_at, 0) / SECOND
            telemetry.source_lag(entry.model, entry.role, lag)
    for settings in running.loaded.config.receivers:
        outbox = outboxes.get(settings.name)
        pending = outbox.pending if outbox is not None else 0
        telemetry.deliveries(settings.name, outcomes=running.outcomes[settings.name], pending=pending)
    totals: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for action in actions:
        for status in _reached(action["status"]):
            totals[action["model"]][action["kind"], status] += 1
    withheld: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for action in actions:
        withheld[action["model"]].update(_withheld(action))
    recovered: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for action in actions:
        recovered[action["model"]][(action.get("recovery") or {}).get("status", "")] += 1
    for model, worker in running.workers.items():
        telemetry.actions(model, totals[model])
        if worker.plan.retrain is not None:
            telemetry.suppressed(model, withheld[model])
            telemetry.recoveries(model, recovered[model])
    telemetry.callbacks_refused(running.callbacks_refused)
    telemetry.state(bytes_on_disk=running.state.bytes(), writable=running.state.writable)
    telemetry.audit(entries)


def _publish_alerts(running: Running, connection: Connection, now: Instant) -> None:
    """Show alerts, what is withheld of them, and silences."""
    known = [alert for alert in open_alerts(connection) if alert["model"] in running.workers]
    alerts = shown_alerts(connection, running.loaded.config, known, now)
    messages = load_withheld(connection)
    silences = [each for each in lasting_silences(connection, now) if each.starts_at <= now]
    everything = sum(each.everything for each in silences)
    running.telemetry.alerts([*alerts, *_pending(running)])
    running.telemetry.withheld(alerts, {model: messages.get(model, {}) for model in running.workers})
    running.telemetry.silences(everything=everything, others=len(silences) - everything)


def _reached(status: str) -> tuple[str, ...]:
    """Return every status that an action counts under: what started was requested before."""
    return ("requested", status) if status in _AFTER_REQUEST else (status,)


def _withheld(action: Mapping[str, Any]) -> Iterator[str]:
    """Yield the reason of each decision to withhold an action."""
    return (str(each["why"]) for each in action.get("decisions", ()) if each["status"] == Status.WITHHELD.value)


def _pending(running: Running) -> list[dict[str, Any]]:
    """Return the alerts that have not fired yet; they are no episodes, and are not stored."""
    return [
        {
            "model": worker.plan.name,
            "version": name,
            "segment": segment,
            "name": alert,
            "severity": "warning",
            "state": "pending",
        }
        for worker in running.workers.values()
        for name, version in list(worker.pipeline.model.versions.items())
        for alert, segment in _pending_of(version)
    ]


def _pending_of(version: Version) -> list[tuple[str, str | None]]:
    """Return the name and the segment of each alert of a version that is pending."""
    found = {(name, segment or None): raised.alert.state for (name, segment), raised in list(version.raised.items())}
    found[_DRIFT, None] = version.alert.state
    found |= {(_DRIFT, label): part.alert.state for label, part in list(version.parts.items())}
    return [key for key, state in found.items() if state is AlertState.PENDING]
