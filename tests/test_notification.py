from __future__ import annotations

import base64
import copy
import hashlib
import json
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.instant import from_text
from monitor.notification import BODY_BYTES, Content, MessageType, expiry, message, probe_message

ALERT = {
    "id": "al_4k2d7x3mzq6ph5tnwy2rvb6cja",
    "name": "drift",
    "model": "flight-delay",
    "version": "3",
    "segment": None,
    "severity": "warning",
    "state": "firing",
    "started_at": "2013-07-01T10:05:00Z",
    "reason": "first_time",
}
WINDOW = {
    "id": "flight-delay~3~20130701T090000Z~20130701T100000Z",
    "start": "2013-07-01T09:00:00Z",
    "end": "2013-07-01T10:00:00Z",
    "rows": 12000,
    "verdict": "drifted",
}
SIDE = {"rows": 50000, "missing_ratio": 0.01, "unseen_ratio": 0.0, "mean": 1.2, "sd": 9.1}
COLUMN = {
    "name": "temp",
    "role": "feature",
    "kind": "numeric",
    "verdict": "drifted",
    "why": "distance_over_threshold",
    "method": "jensen_shannon",
    "distance": 0.31,
    "p_value": 1e-9,
    "threshold": 0.08,
    "effect": {"value": 1.4, "lower": 1.2, "upper": 1.6, "unit": "sd"},
    "share_of_drift": 0.42,
    "began_at": "2013-07-01T06:00:00Z",
    "reference": SIDE,
    "current": SIDE,
}
PERFORMANCE = {
    "metric": "roc_auc",
    "reference": 0.79,
    "realised": {"value": 0.71, "lower": 0.69, "upper": 0.73, "rows": 1102},
    "estimated": None,
    "final": False,
}
ACTION = {
    "id": "ac_7m2p4t6x5zq3ks5vwy2rnb6djc",
    "kind": "retrain",
    "status": "requested",
    "why": "gate_open",
    "trigger": "drift",
    "by": "ann",
    "expires_at": "2013-07-02T10:00:00Z",
    "fence": 7,
    "reference": {"id": "sha256:9f2c4e1ab07d", "rows": 50000},
    "recovery": None,
    "callback": {"url": "https://monitor.example/api/v1/actions/ac_7m2p", "token": "t0k3n"},
    "decisions": [{"at": "2013-07-01T10:05:00Z", "status": "requested", "why": "approved", "by": "ann"}],
}
LINKS = {"page": "https://monitor.example/", "report": None, "rows": "https://monitor.example/rows"}
CAUSE = {"kind": "unit_change", "column": "distance", "detail": "miles became kilometres", "factor": 1.609}


def content(**changed: Any) -> Content:
    """Return the contract's example, with some of its parts changed."""
    parts: dict[str, Any] = {
        "alert": ALERT,
        "window": WINDOW,
        "columns": [COLUMN],
        "diagnosis": {"class": "data_fault", "causes": [CAUSE]},
        "performance": [PERFORMANCE],
        "action": ACTION,
        "links": LINKS,
    }
    return Content(**(parts | changed))


def decoded(given: Content, kind: MessageType = MessageType.FIRING) -> dict[str, Any]:
    """Return the body that the content gives."""
    body: dict[str, Any] = json.loads(message(kind, given).body)
    return body


def named(prefix: str, text: str) -> str:
    """Return the id of the contract's rule, written a second time."""
    return f"{prefix}_{base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:26]}"


def test_body_is_the_contracts_example() -> None:
    """The body holds the keys of the contract in its order, each value where it belongs."""
    assert json.dumps(decoded(content())) == json.dumps(
        {
            "specversion": "1.0",
            "type": "io.driftline.alert.firing",
            "source": "/driftline/flight-delay",
            "subject": "flight-delay/3",
            "id": message(MessageType.FIRING, content()).id,
            "time": "2013-07-01T10:00:00Z",
            "datacontenttype": "application/json",
            "data": {
                "alert": {
                    **{key: ALERT[key] for key in ("id", "name", "model", "version", "segment")},
                    **{key: ALERT[key] for key in ("severity", "state", "started_at", "reason")},
                },
                "window": {key: WINDOW[key] for key in ("id", "start", "end", "rows")},
                "columns": [COLUMN],
                "columns_total": 1,
                "diagnosis": {"class": "data_fault", "causes": [CAUSE]},
                "performance": [PERFORMANCE],
                "action": ACTION,
                "links": LINKS,
            },
        }
    )


def test_body_is_a_cloudevent() -> None:
    """The CloudEvents library reads the body as an event of version 1.0 and finds its attributes."""
    built = message(MessageType.FIRING, content())
    headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
    event = from_structured(HTTPMessage(headers=headers, body=built.body), JSONFormat())
    assert (event.get_specversion(), event.get_id(), event.get_type()) == ("1.0", built.id, str(built.type))


def test_alert_id_is_the_contracts_hash() -> None:
    """An alert's message is named by its facts, joined by bars."""
    told = (
        "flight-delay|3|drift||2013-07-01T10:05:00Z|firing|first_time|flight-delay~3~20130701T090000Z~20130701T100000Z"
    )
    assert message(MessageType.FIRING, content()).id == named("evt", told)


def test_action_id_holds_the_action_and_its_status() -> None:
    """An action's message is named by the action and its status too."""
    told = (
        "flight-delay|3|drift||2013-07-01T10:05:00Z|firing|first_time|flight-delay~3~20130701T090000Z~20130701T100000Z"
        "|ac_7m2p4t6x5zq3ks5vwy2rnb6djc|requested"
    )
    assert message(MessageType.ACTION, content()).id == named("evt", told)


def test_time_is_the_windows_end() -> None:
    """A message carries the end of its window as its time."""
    assert message(MessageType.RESOLVED, content()).time == from_text("2013-07-01T10:00:00Z")


def test_action_message_expires_with_its_action() -> None:
    """An action's message is of no use after the action's expiry."""
    assert expiry(message(MessageType.ACTION, content()).body) == from_text("2013-07-02T10:00:00Z")


def test_alert_message_does_not_expire() -> None:
    """An alert that speaks of an action is still true after the action's expiry."""
    assert expiry(message(MessageType.FIRING, content()).body) is None


def test_same_content_gives_same_bytes_whatever_the_key_order() -> None:
    """The order of the given keys does not reach the body."""
    turned = content(**{name: dict(reversed(part.items())) for name, part in (("alert", ALERT), ("window", WINDOW))})
    assert message(MessageType.FIRING, turned).body == message(MessageType.FIRING, content()).body


def test_unknown_is_null_and_present() -> None:
    """A key that was not given stands in the body as null."""
    data = decoded(content(alert={"model": "m", "version": ""}, action={"id": "ac_a"}, links={}))["data"]
    assert (data["alert"]["name"], data["action"]["callback"], data["links"]) == (
        None,
        None,
        {"page": None, "report": None, "rows": None},
    )


def test_an_alert_without_diagnosis_and_action_shows_null() -> None:
    """A missing diagnosis or action is null, and the lists are empty."""
    data = decoded(content(columns=[], diagnosis=None, performance=[], action=None))["data"]
    assert (data["diagnosis"], data["action"], data["columns"], data["performance"]) == (None, None, [], [])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_has_not_is_null(value: float) -> None:
    """NaN and infinities become null, also inside an effect."""
    column = copy.deepcopy(COLUMN) | {"distance": value, "effect": {"value": value, "unit": "sd"}}
    shown = decoded(content(columns=[column]))["data"]["columns"][0]
    assert (shown["distance"], shown["effect"]) == (None, {"value": None, "lower": None, "upper": None, "unit": "sd"})


def test_at_most_twenty_columns_and_the_true_total() -> None:
    """Of many columns the first twenty are shown, and all are counted."""
    data = decoded(content(columns=[COLUMN | {"name": f"c{place}"} for place in range(150)]))["data"]
    assert ([column["name"] for column in data["columns"]], data["columns_total"]) == (
        [f"c{place}" for place in range(20)],
        150,
    )


def test_columns_go_first_when_the_body_is_too_long() -> None:
    """A body above its limit loses its last columns and keeps the first, and stays under the limit."""
    columns = [COLUMN | {"name": f"{place}" + "ü" * 250, "why": "é" * 256} for place in range(20)]
    built = message(MessageType.FIRING, content(columns=columns))
    data = json.loads(built.body)["data"]
    assert len(built.body) <= BODY_BYTES
    assert 0 < len(data["columns"]) < 20
    assert data["columns_total"] == 20
    assert data["columns"][0]["name"].startswith("0")


def test_a_model_version_of_a_megabyte_still_fits() -> None:
    """An endless version, which is data from outside, cannot push the body over its limit."""
    version = "\U0001f4a5" * 300_000
    given = content(alert=ALERT | {"version": version}, window=WINDOW | {"id": version}, links={"page": version})
    assert len(message(MessageType.FIRING, given).body) <= BODY_BYTES


def test_a_link_is_whole_or_null() -> None:
    """A link too long to be followed is left out, for half a link leads elsewhere."""
    assert decoded(content(links={"page": "https://a.example/" + "x" * 3000}))["data"]["links"]["page"] is None


def test_control_characters_do_not_leave() -> None:
    """Escapes, newlines, bidirectional overrides and lone surrogates in a category become the replacement sign."""
    shown = decoded(content(alert=ALERT | {"segment": "carrier=\x1b[31m\n\u202e\ud800"}))["data"]["alert"]["segment"]
    assert shown == "carrier=\ufffd[31m\ufffd\ufffd\ufffd"


TEXT = st.text(st.characters(codec=None), max_size=400)


@settings(max_examples=60, deadline=None)
@given(name=TEXT, version=TEXT, count=st.integers(0, 40), number=st.floats())
def test_any_text_and_number_give_strict_json_within_the_limit(
    name: str, version: str, count: int, number: float
) -> None:
    """Whatever stands in names and numbers, the body is UTF-8, strict JSON and short enough."""
    column = COLUMN | {"name": name, "why": name, "distance": number}
    cause = CAUSE | {"detail": name, "column": name, "factor": number}
    given_content = content(
        alert=ALERT | {"version": version, "segment": name},
        columns=[column] * count,
        diagnosis={"class": "unclear", "causes": [cause] * count},
        performance=[PERFORMANCE | {"metric": name}] * count,
    )
    body = message(MessageType.FIRING, given_content).body
    json.loads(body.decode("utf-8"), parse_constant=pytest.fail)
    assert len(body) <= BODY_BYTES


def test_probe_names_its_receiver_and_instant() -> None:
    """Two tests of one receiver are two messages, and one test is the same message on every try."""
    first, second = probe_message("team", 0), probe_message("team", 1)
    assert first.id != second.id
    assert probe_message("team", 0).body == first.body


def test_probe_has_the_keys_of_an_alert() -> None:
    """A test message shows a program of the receiver's every key it will ever read."""
    probe, alert = json.loads(probe_message("team", 0).body), decoded(content())
    assert probe["type"] == "io.driftline.test"
    assert (probe.keys(), probe["data"].keys(), probe["data"]["alert"].keys()) == (
        alert.keys(),
        alert["data"].keys(),
        alert["data"]["alert"].keys(),
    )
