"""The JSON line of ``driftline demo --once``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from monitor.demo.monitoring import Body
from monitor.demo.scene import Scene, Stage, Withheld

_DIGITS = 4
_SECONDS_DIGITS = 1


def demo_body(scene: Scene, elapsed_seconds: float) -> dict[str, Any]:
    """Return the ``demo`` object of the contract; what was not reached is ``None``."""
    begun = scene.page is not None
    return {
        "kind": "demo",
        "schema": 1,
        "closed": scene.closed,
        "stopped_at": None if scene.closed else str(scene.stopped_at or scene.stage),
        "directory": str(scene.directory),
        "records": scene.records if begun else None,
        "windows": scene.windows if begun else None,
        "versions": list(scene.versions),
        "alert": _alert(scene.alert),
        "webhook": _webhook(scene),
        "retraining": _retraining(scene),
        "recovery": None if scene.recovery is None else asdict(scene.recovery),
        "performance": _performance(scene),
        "withheld": _withheld(scene.withheld),
        "addresses": {"page": scene.page, "metrics": scene.metrics} if begun else None,
        "elapsed_seconds": round(elapsed_seconds, _SECONDS_DIGITS),
    }


def _alert(alert: Body | None) -> dict[str, Any] | None:
    if alert is None:
        return None
    return {
        "id": alert["id"],
        "name": alert["name"],
        "severity": alert["severity"],
        "fired_at": alert["started_at"],
        "resolved_at": alert["resolved_at"],
        "columns": list(alert["columns"]),
        "class": (alert["diagnosis"] or {}).get("class"),
    }


def _webhook(scene: Scene) -> dict[str, Any] | None:
    if scene.delivered is None:
        return None
    return {"id": scene.delivered.id, "attempts": scene.delivered.attempts, "signature_verified": True}


def _retraining(scene: Scene) -> dict[str, Any] | None:
    if scene.retraining is None:
        return None
    return {key: value for key, value in asdict(scene.retraining).items() if key != "why"}


def _withheld(withheld: Withheld | None) -> dict[str, Any] | None:
    if withheld is None:
        return None
    alert = withheld.alert
    return {
        "action_id": withheld.action_id,
        "why": withheld.why,
        "alert_id": alert["id"],
        "fired_at": alert["started_at"],
        "resolved_at": alert["resolved_at"],
        "class": alert["diagnosis"]["class"],
        "cause": {key: withheld.cause[key] for key in ("kind", "column", "detail", "factor")},
    }


def _performance(scene: Scene) -> dict[str, Any] | None:
    """Return the performance, rounded: further digits say nothing of a few thousand flights."""
    if Stage.TRAIN not in scene.done:
        return None
    figures = asdict(scene.performance)
    return {name: round(value, _DIGITS) if isinstance(value, float) else value for name, value in figures.items()}
