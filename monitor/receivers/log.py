"""Receiver ``log``: one structured line a message, for whoever reads the log anyway."""

from __future__ import annotations

import json
import logging
from typing import Any, Literal

import structlog

from monitor.instant import Instant
from monitor.notification import MessageType
from monitor.receivers.base import NamedSettings
from monitor.receivers.network import Network

_EVENTS = {
    MessageType.FIRING: "alert_firing",
    MessageType.RESOLVED: "alert_resolved",
    MessageType.ACTION: "action_requested",
    MessageType.DIGEST: "alerts_digest",
    MessageType.TEST: "receiver_test",
}
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.ERROR}


class LogSettings(NamedSettings):
    """The daemon's own log."""

    type: Literal["log"] = "log"


def send(settings: LogSettings, message_id: str, body: bytes, _now: Instant, _network: Network) -> None:
    """Write one line: what an alert is about, never the token of an action."""
    event = json.loads(body)
    log = structlog.get_logger("driftline.receivers")
    severity = event["data"]["alert"]["severity"]
    level = logging.INFO if event["type"] == MessageType.RESOLVED else _LEVELS.get(severity, logging.INFO)
    log.log(level, _EVENTS[MessageType(event["type"])], receiver=settings.name, message=message_id, **line(event))


def line(event: dict[str, Any]) -> dict[str, Any]:
    """Return what a line says of a message, flat; what is not known is left out."""
    data = event["data"]
    alert, action, diagnosis = data["alert"], data["action"] or {}, data["diagnosis"] or {}
    told = {
        "alert": alert["name"],
        **{key: alert[key] for key in ("id", "model", "version", "segment", "severity", "reason", "started_at")},
        "window": data["window"]["id"],
        "columns": [column["name"] for column in data["columns"]] or None,
        "columns_total": data["columns_total"] or None,
        "class": diagnosis.get("class"),
        "causes": [cause["detail"] for cause in diagnosis.get("causes", ()) if cause["detail"]] or None,
        **{f"action_{key}": action.get(key) for key in ("id", "kind", "status", "why")},
        "items": [f"{item['alert']['name']} {item['alert']['reason']}" for item in data.get("items", ())] or None,
        "items_total": data.get("items_total"),
        "page": data["links"]["page"],
    }
    return {key: value for key, value in told.items() if value is not None}


def leads_to(_settings: LogSettings) -> None:
    """Return ``None``: a log has no address."""
