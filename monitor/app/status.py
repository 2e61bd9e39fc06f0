"""The ``status`` object: what the state says, and what a daemon beside it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.app.incidents import lasting_bodies, shown_alerts
from monitor.config import Loaded, ModelSettings
from monitor.instant import SECOND, Instant, to_text
from monitor.pipeline.storing import load_retired
from monitor.receivers import address
from monitor.store.action import last_actions, open_actions
from monitor.store.alert import open_alerts
from monitor.store.counts import Counts, load_counts
from monitor.store.daemon import load_daemon, load_meta
from monitor.store.database import State
from monitor.store.delivery import Outbox, pending_counts
from monitor.store.window import last_performances, last_windows

Json = dict[str, Any]
FACTS = "facts"
"""The name under which a daemon keeps what only it knows: versions, watermarks, why a source cannot be read."""
_WINDOW = (
    *("id", "end", "rows", "verdict", "why", "evidence", "evidence_threshold", "columns_judged", "columns_drifted"),
)
_SEGMENT = ("segment", "rows", "verdict", "why", "columns_drifted")
_ALERT = ("id", "model", "version", "segment", "name", "severity", "state", "started_at")
_ALERT_OPERATORS = ("acknowledged_by", "acknowledged_at", "note", "silenced_until", "withheld")
_ACTION = ("id", "model", "kind", "status", "requested_at", "why")


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known besides the state.

    Attributes
    ----------
    at: now. ``running``: whether a daemon holds the state.
    reload_error: why the last reload was refused. ``failures``: why a receiver's last attempt failed, by name.
    """

    at: Instant
    running: bool
    writable: bool
    reload_error: str | None = None
    failures: Mapping[str, str | None] = field(default_factory=dict)


def status(state: State, loaded: Loaded, beside: Beside) -> Json:
    """Return the ``status`` object of the contract."""
    with state.read() as connection:
        daemon = load_daemon(connection)
        facts = load_meta(connection, FACTS) or {}
        counts = {(entry.model, entry.role): entry for entry in load_counts(connection)}
        closed, scored = last_windows(connection), last_performances(connection)
        alerts = shown_alerts(connection, loaded.config, open_alerts(connection), beside.at)
        silences = lasting_bodies(connection, beside.at)
        actions = _actions(open_actions(connection), last_actions(connection))
        outboxes = {outbox.receiver: outbox for outbox in pending_counts(connection)}
        retired = {model.name: load_retired(connection, model.name) for model in loaded.config.models}
    windows = {key: (closed.get(key), scored.get(key)) for key in closed.keys() | scored.keys()}
    models = [
        _model(model, _told(facts, model.name, retired[model.name]), counts, windows, beside.at)
        for model in loaded.config.models
    ]
    return {
        "kind": "status",
        "schema": 1,
        "at": to_text(beside.at),
        "daemon": {
            "running": beside.running,
            "pid": daemon.pid if daemon else None,
            "version": daemon.version if daemon else None,
            "listen": daemon.listen if daemon else None,
            "started_at": to_text(daemon.started_at) if daemon else None,
            "heartbeat_at": to_text(daemon.heartbeat_at) if daemon else None,
        },
        "state": {"kind": "sqlite", "writable": beside.writable, "bytes": state.bytes(), "recovered_at": None},
        "config": {
            "path": str(loaded.path),
            "hash": loaded.hash,
            "loaded_at": facts.get("loaded_at"),
            "reload_error": beside.reload_error or (facts.get("reload_error") if beside.running else None),
        },
        "models": models,
        "alerts": [_alert(alert) for alert in alerts],
        "silences": silences,
        "actions": [{key: action[key] for key in _ACTION} for action in actions],
        "receivers": [_receiver(entry, outboxes.get(entry.name), beside) for entry in loaded.config.receivers],
    }


def _actions(waiting: list[Json], last: list[Json]) -> list[Json]:
    known = {action["id"] for action in waiting}
    return [*waiting, *(action for action in last if action["id"] not in known)]


def _told(facts: Mapping[str, Any], model: str, retired: Mapping[str, bool]) -> Json:
    """Return what a daemon told of a model; who serves is told by the state, as the daemon may have ended since."""
    told = facts.get("models", {}).get(model, {})
    versions = {
        name: {**each, "live": not retired[name] if name in retired else each["live"]}
        for name, each in told.get("versions", {}).items()
    }
    return {**told, "versions": versions}


def _model(
    model: ModelSettings,
    facts: Mapping[str, Any],
    counts: Mapping[tuple[str, str], Counts],
    windows: Mapping[tuple[str, str], tuple[Json | None, Json | None]],
    at: Instant,
) -> Json:
    kinds = {"records": "+".join(dict.fromkeys(each.type for each in model.records))}
    kinds |= {} if model.targets is None else {"targets": model.targets.type}
    kinds |= {} if model.resources is None else {"resources": model.resources.type}
    versions = facts.get("versions", {})
    return {
        "name": model.name,
        "task": model.task,
        "watermark": facts.get("watermark"),
        "sources": [
            _source((role, kind), counts.get((model.name, role)), facts.get(role), at) for role, kind in kinds.items()
        ],
        "versions": [
            _version(name, versions[name], windows.get((model.name, name), (None, None))) for name in sorted(versions)
        ],
    }


def _alert(alert: Json) -> Json:
    body = {key: alert.get(key) for key in (*_ALERT, *_ALERT_OPERATORS)}
    return body | {"text": (alert.get("diagnosis") or {}).get("text")}


def _source(source: tuple[str, str], counts: Counts | None, why: str | None, at: Instant) -> Json:
    heard = counts.accepted_at if counts is not None else None
    return {
        "role": source[0],
        "kind": source[1],
        "healthy": why is None,
        "why": why,
        "lag_seconds": None if heard is None else max((at - heard) / SECOND, 0.0),
        "accepted": counts.accepted if counts is not None else 0,
        "rejected": dict(counts.rejected) if counts is not None else {},
        "late": counts.late if counts is not None else 0,
    }


def _version(name: str, facts: Mapping[str, Any], known: tuple[Json | None, Json | None]) -> Json:
    """Return a version with its last window, and the performance of the last one that has targets, or else of that."""
    window, scored = known
    performance = scored or window
    return {
        "version": name,
        "live": facts["live"],
        "calibrated": facts["calibrated"],
        "calibration_why": facts["calibration_why"],
        "reference": facts["reference"],
        "gathered": facts.get("gathered"),
        "compared": window.get("compared") if window is not None and facts["live"] else None,
        "renewal": facts.get("renewal"),
        "last_window": None if window is None else {key: window[key] for key in _WINDOW},
        "objectives": [] if window is None else window.get("objectives", []),
        "usual": {} if window is None else window.get("usual", {}),
        "segments": []
        if window is None
        else [{key: part[key] for key in _SEGMENT} for part in window.get("segments", ())],
        "performance": performance["performance"] if performance is not None else [],
        "targets_coverage_ratio": performance["targets_coverage_ratio"] if performance is not None else None,
    }


def _receiver(settings: Any, outbox: Outbox | None, beside: Beside) -> Json:
    why = beside.failures.get(settings.name)
    oldest = outbox.oldest_pending_at if outbox is not None else None
    last = outbox.last_delivered_at if outbox is not None else None
    return {
        "name": settings.name,
        "kind": settings.type,
        "healthy": why is None,
        "why": why,
        "pending": outbox.pending if outbox is not None else 0,
        "dead": outbox.dead if outbox is not None else 0,
        "oldest_pending_seconds": None if oldest is None else max((beside.at - oldest) / SECOND, 0.0),
        "last_delivered_at": None if last is None else to_text(last),
    }


def addresses(loaded: Loaded) -> dict[str, str | None]:
    """Return where each receiver leads, as it may be shown."""
    return {settings.name: address(settings) for settings in loaded.config.receivers}
