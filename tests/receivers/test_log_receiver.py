from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from monitor.notification import Content, MessageType, message, probe_message
from monitor.receivers import LogSettings, Network, address, problem, send

SETTINGS = LogSettings(name="journal")
ALERT = {
    "id": "al_a",
    "name": "drift",
    "model": "churn",
    "version": "3",
    "severity": "critical",
    "started_at": "2013-07-01T10:05:00Z",
    "reason": "first_time",
}
WINDOW = {"id": "churn~3~20130701T090000Z~20130701T100000Z", "end": "2013-07-01T10:00:00Z"}
ACTION = {
    "id": "ac_a",
    "kind": "retrain",
    "status": "requested",
    "why": "gate_open",
    "callback": {"url": "https://monitor.example/", "token": "tokencanary"},
}
CONTENT = Content(
    ALERT,
    WINDOW,
    columns=[{"name": "temp"}, {"name": "dewp"}],
    diagnosis={"class": "population_change", "causes": [{"detail": "mean 1.2 to 21.0"}]},
    action=ACTION,
    links={"page": "https://monitor.example/"},
)


def logged(kind: MessageType, content: Content = CONTENT) -> list[Any]:
    """Return what the receiver logs of a message."""
    told = message(kind, content)
    with capture_logs() as lines:
        send(SETTINGS, told.id, told.body, 0, Network())
    return list(lines)


def test_one_message_is_one_line() -> None:
    """A message is one event with the facts an operator looks for."""
    assert logged(MessageType.FIRING) == [
        {
            "event": "alert_firing",
            "log_level": "error",
            "receiver": "journal",
            "message": message(MessageType.FIRING, CONTENT).id,
            "alert": "drift",
            "id": "al_a",
            "model": "churn",
            "version": "3",
            "severity": "critical",
            "reason": "first_time",
            "started_at": "2013-07-01T10:05:00Z",
            "window": "churn~3~20130701T090000Z~20130701T100000Z",
            "columns": ["temp", "dewp"],
            "columns_total": 2,
            "class": "population_change",
            "causes": ["mean 1.2 to 21.0"],
            "action_id": "ac_a",
            "action_kind": "retrain",
            "action_status": "requested",
            "action_why": "gate_open",
            "page": "https://monitor.example/",
        }
    ]


@pytest.mark.parametrize(
    ("kind", "event"), [(MessageType.RESOLVED, "alert_resolved"), (MessageType.ACTION, "action_requested")]
)
def test_a_line_is_named_by_what_happened(kind: MessageType, event: str) -> None:
    """The event's name tells the type of the message."""
    assert logged(kind)[0]["event"] == event


def test_a_token_is_not_logged() -> None:
    """The token with which a job reports back stays out of the log."""
    assert "tokencanary" not in str(logged(MessageType.ACTION))


def test_a_test_message_says_so() -> None:
    """A test is one line of its own name, without the keys that nothing is known of."""
    probe = probe_message("journal", 0)
    with capture_logs() as lines:
        send(SETTINGS, probe.id, probe.body, 0, Network())
    assert lines == [{"event": "receiver_test", "log_level": "info", "receiver": "journal", "message": probe.id}]


def test_a_log_has_no_address_and_no_problem() -> None:
    """The log is always there."""
    assert (address(SETTINGS), problem(SETTINGS, Network())) == (None, None)
