"""What the audit is told of a daemon as a whole: configs, references in use, the switch of actions, its own end.

Each is compared with what was noted last, so that a change beside the daemon is found too, within a heartbeat.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import structlog

from monitor.app.running import Running
from monitor.pipeline.gating import SWITCH, is_suspended
from monitor.store.audit import append, head
from monitor.store.daemon import load_meta, save_meta
from monitor.store.database import Connection

Json = dict[str, Any]
_NOTED = "audited"
_US, _UNKNOWN = "driftline", "unknown"
_SWITCH_BYTES, _NAME_LETTERS = 4096, 200
_EMPTY: Json = {"config": None, "error": None, "suspended": False, "references": {}}


def note_changes(connection: Connection, running: Running, loaded_at: str) -> None:
    """Add an entry for each thing that is not as it was noted last, and log how far the audit has come.

    Parameters
    ----------
    loaded_at: when the config in use was read.
    """
    _tell_head(connection, running)
    before = _EMPTY | (load_meta(connection, _NOTED) or {})
    switch = running.state.directory / SWITCH
    now: Json = {
        "config": {"hash": running.loaded.hash, "loaded_at": loaded_at},
        "error": running.reload_error,
        "suspended": is_suspended(switch),
        "references": _references(running),
    }
    if now == before:
        return
    for actor, what, detail in _changes(before, now, switch):
        append(connection, running.clock(), actor, what, detail)
    save_meta(connection, _NOTED, now)


def _changes(before: Json, now: Json, switch: Path) -> list[tuple[str, str, Json]]:
    """Return what to note: who, what and the details."""
    found: list[tuple[str, str, Json]] = []
    if now["error"] and now["error"] != before["error"]:
        found.append((_US, "config_refused", {"why": now["error"]}))
    if now["config"] != before["config"]:
        known = before["config"] or {"hash": None}
        found.append((_US, "config_loaded", {"hash": now["config"]["hash"], "before": known["hash"]}))
    if now["suspended"] and not before["suspended"]:
        found.append((_suspended_by(switch), "actions_suspended", {}))
    if before["suspended"] and not now["suspended"]:
        found.append((_UNKNOWN, "actions_resumed", {}))
    for name, reference in sorted(now["references"].items()):
        known = before["references"].get(name)
        if reference != known:
            model, _, version = name.partition("/")
            detail = {"model": model, "version": version, "id": reference, "before": known}
            found.append((_US, "reference_used", detail))
    return found


def _references(running: Running) -> dict[str, str]:
    """Return the ids of the references in use, by model and version."""
    return {
        f"{model}/{version}": judge.reference.id
        for model, worker in sorted(running.workers.items())
        for version in worker.pipeline.references.known()
        if (judge := worker.pipeline.references.judge(version)) is not None
    }


def _suspended_by(switch: Path) -> str:
    """Return who put the switch there, as the command wrote it; whoever made the file by hand is unknown."""
    try:
        with switch.open("rb") as file:
            by = json.loads(file.read(_SWITCH_BYTES))["by"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return _UNKNOWN
    return by[:_NAME_LETTERS] if isinstance(by, str) else _UNKNOWN


def _tell_head(connection: Connection, running: Running) -> None:
    """Log the end of what is on disk, where it has moved: what is cut off later is missed by who keeps the log."""
    found = head(connection)
    if found != running.audited:
        running.audited = found
        structlog.get_logger(__name__).info("audited", entries=found.seq, head=f"{found.seq}:{found.digest}")
