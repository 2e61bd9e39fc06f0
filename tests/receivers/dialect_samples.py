"""Messages of every type, and settings of every dialect, as the config file would give them."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

from monitor.notification import Content, MessageType, message, probe_message
from monitor.receivers import ReceiverSettings
from monitor.receivers.dialects import DIALECTS
from tests.test_notification import ACTION, ALERT, COLUMN, LINKS, PERFORMANCE, WINDOW

TOKEN = "tokencanary"
HOSTILE = 'x"}],<!channel> *bold* {{ token }} {% raw %} @everyone \\ '
CAUSE = {"kind": "new_category", "column": "carrier", "detail": f"values {HOSTILE}", "factor": None}
VALUES: dict[str, dict[str, Any]] = {
    "github_workflow": {"ref": "main"},
    "gitlab": {"ref": "main"},
    "argo": {"namespace": "ml", "template": "retrain-churn"},
    "kubeflow": {"pipeline_id": "c4f1a0b2"},
    "dagster": {"location": "ml", "job": "retrain"},
    "databricks": {"job_id": 11223344},
}
_NOW = 1_795_298_400_000_000


def sample(kind: MessageType, **alert: Any) -> tuple[str, bytes]:
    """Return id and body of a message whose texts came from an attacker."""
    if kind is MessageType.TEST:
        probe = probe_message("team", _NOW)
        return probe.id, probe.body
    content = Content(
        ALERT | {"state": "resolved" if kind is MessageType.RESOLVED else "firing"} | alert,
        WINDOW,
        [COLUMN],
        {"class": "data_fault", "causes": [CAUSE]},
        [PERFORMANCE],
        ACTION,
        LINKS,
    )
    told = message(kind, content)
    return told.id, told.body


def settings(kind: str, url: str | None, **changed: Any) -> ReceiverSettings:
    """Return the least settings of a dialect."""
    dialect = DIALECTS[kind]
    given: dict[str, Any] = {"name": "it", "type": kind, "url": url, "values": VALUES.get(kind, {}), "timeout": "2s"}
    if dialect.token is not None:
        given["token"] = TOKEN
    if dialect.user is not None:
        given["user"] = "someone"
    return TypeAdapter(ReceiverSettings).validate_python(given | changed)


def read(body: bytes) -> Any:
    """Return JSON."""
    return json.loads(body)
