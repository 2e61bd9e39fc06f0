"""From state and workers to the page of metrics."""

from __future__ import annotations

from collections import Counter, defaultdict

from monitor.app.running import Running
from monitor.instant import SECOND
from monitor.store.action import list_actions
from monitor.store.alert import open_alerts
from monitor.store.counts import load_counts
from monitor.store.delivery import pending_counts
from monitor.store.window import last_windows

_ACTIONS = 1000


def publish_windows(running: Running) -> None:
    """Show the last windows that the state holds: a restart leaves no gap in the metrics."""
    with running.state.read() as connection:
        windows = last_windows(connection)
    for (model, version), body in windows.items():
        worker = running.workers.get(model)
        known = worker.pipeline.model.versions.get(version) if worker is not None else None
        if known is not None and not known.retired:
            running.telemetry.window(body)


def publish(running: Running) -> None:
    """Show what changes between windows: counts, lags, alerts, the outbox, actions, the state."""
    telemetry, now = running.telemetry, running.clock()
    with running.state.read() as connection:
        counts = load_counts(connection)
        alerts = open_alerts(connection)
        outboxes = {outbox.receiver: outbox for outbox in pending_counts(connection)}
        actions, _ = list_actions(connection, limit=_ACTIONS)
    for entry in counts:
        if entry.model in running.workers:
            read = entry.accepted + entry.late + sum(entry.rejected.values())
            telemetry.records(
                entry.model, entry.role, read=read, rejected=entry.rejected, late=entry.late, sampled=entry.sampled
            )
            lag = None if entry.accepted_at is None else max(now - entry.accepted_at, 0) / SECOND
            telemetry.source_lag(entry.model, entry.role, lag)
    telemetry.alerts(alerts)
    for settings in running.loaded.config.receivers:
        outbox = outboxes.get(settings.name)
        pending = outbox.pending if outbox is not None else 0
        telemetry.deliveries(settings.name, outcomes=running.outcomes[settings.name], pending=pending)
    totals: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for action in actions:
        totals[action["model"]][action["kind"], action["status"]] += 1
    for model in running.workers:
        telemetry.actions(model, totals[model])
    telemetry.state(bytes_on_disk=running.state.bytes(), writable=running.state.writable)
