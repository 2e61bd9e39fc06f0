"""What messages say in plain words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.notification import MessageType
from monitor.wording import facts, sentences, title
from tests.test_notification import ACTION, ALERT, CAUSE, content, decoded


def event(kind: MessageType = MessageType.FIRING, **changed: Any) -> dict[str, Any]:
    """Return a message's body."""
    return decoded(content(**changed), kind)


def test_a_firing_alert_says_all_that_is_asked_at_night() -> None:
    """What, since when, whether it hurts, what to do, and what was done."""
    said = sentences(event(action=ACTION | {"status": "withheld", "why": "data_fault"}))
    assert said == [
        "What: distance: miles became kilometres.",
        "Since: 2013-07-01T06:00:00Z; told 2013-07-01T10:05:00Z.",
        "Does it hurt: roc_auc 0.71 [0.69, 0.73], 0.79 in the reference.",
        "What to do: This is a fault of the data: mend the pipeline, and do not retrain on these rows.",
        "No retraining was started: data_fault.",
    ]


def test_what_a_diagnosis_says_is_said_once() -> None:
    """A diagnosis that has words of its own says what to do in them, and no second advice stands beside it."""
    text = "temp: mean 1.2 to 21. The population has changed: retrain on recent rows, once their targets are known."
    said = sentences(event(diagnosis={"class": "population_change", "causes": [CAUSE], "text": text}, action=None))
    assert said[0] == text
    assert "What to do" not in json.dumps(said)


def test_that_nothing_is_known_is_said() -> None:
    """Without targets and estimates nobody reads that all is well."""
    assert "Does it hurt: not known yet." in sentences(event(performance=[]))


def test_an_estimate_is_called_one() -> None:
    """Where targets lack, the estimate stands in, by that name."""
    estimated = {"metric": "f1", "reference": None, "realised": None, "estimated": {"value": 0.5}, "final": False}
    assert "Does it hurt: f1 0.5 (estimated)." in sentences(event(performance=[estimated]))


def test_without_causes_the_columns_are_named() -> None:
    """Where nothing was diagnosed, a reader still learns where to look."""
    assert sentences(event(diagnosis=None))[0] == "What: temp."


@pytest.mark.parametrize(
    ("kind", "alert", "expected"),
    [
        (MessageType.FIRING, {}, "flight-delay version 3: drift"),
        (MessageType.FIRING, {"segment": "carrier=UA"}, "flight-delay version 3 (carrier=UA): drift"),
        (MessageType.FIRING, {"version": "", "name": "quality"}, "flight-delay: broken data"),
        (MessageType.RESOLVED, {"state": "resolved"}, "flight-delay version 3: drift, resolved"),
        (MessageType.ACTION, {}, "flight-delay version 3: retrain requested"),
    ],
)
def test_a_title_names_what_happened(kind: MessageType, alert: dict[str, Any], expected: str) -> None:
    """One line names the model, the part of it, and what it is about."""
    assert title(event(kind, alert=ALERT | alert)) == expected


def test_a_resolved_alert_says_that_it_is_over() -> None:
    """Nobody is asked to do anything."""
    said = sentences(event(MessageType.RESOLVED, alert=ALERT | {"state": "resolved"}))
    assert said[0] == "It is over, by the window that ended 2013-07-01T10:00:00Z."
    assert "What to do" not in json.dumps(said)


def test_facts_leave_out_what_is_not_known() -> None:
    """No row of the table is empty."""
    assert dict(facts(event())) == {
        "model": "flight-delay",
        "version": "3",
        "severity": "warning",
        "class": "data_fault",
        "window": "flight-delay~3~20130701T090000Z~20130701T100000Z",
        "alert": ALERT["id"],
    }


def test_what_waits_says_how_to_approve_of_it() -> None:
    """Who is asked for approval reads the command that gives it."""
    waiting = ACTION | {"status": "awaiting_approval", "why": "concentrated"}
    (said,) = [line for line in sentences(event(action=waiting)) if "approval" in line]
    assert said == (
        f"A retraining waits for approval (concentrated): driftline actions approve {ACTION['id']}, or reject."
    )


def test_a_retraining_by_age_is_no_test_message() -> None:
    """Without an alert it is said that age asks, and what was requested."""
    aged = event(
        MessageType.ACTION,
        alert={"model": "flight-delay", "version": "3"},
        action=ACTION | {"trigger": "age", "why": "gate_open"},
        diagnosis=None,
    )
    assert title(aged) == "flight-delay version 3: retrain requested"
    assert sentences(aged) == [
        "Why: the version has served for as long as retrain.max_age allows.",
        "Action retrain: requested (gate_open).",
    ]


@pytest.mark.parametrize(("status", "expected"), [("recovered", "helped"), ("not_recovered", "did not help")])
def test_a_retraining_that_has_ended_is_told_of_first(status: str, expected: str) -> None:
    """Whether it helped stands in the title, and how much is what a reader of a recovery meets first."""
    text = "Retraining finished: version 4 recovered: roc_auc 0.62 -> 0.76 in 3 windows."
    told = event(MessageType.RESOLVED, action=ACTION | {"recovery": {"status": status, "text": text}})
    assert title(told) == f"flight-delay version 3: the retraining {expected}"
    assert (sentences(told)[0] == text) is (status == "recovered")
