"""Whether a retraining helped, as one looks at the windows of its version."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.instant import SECOND, from_text, to_text
from monitor.recovery import Because, Figure, Look, RecoverySettings, begun, followed

HOUR = 3600 * SECOND
SETTINGS = RecoverySettings.model_validate({"windows": 3, "within": "10h"})
BEGIN = from_text("2026-01-05T00:00:00Z")
BEFORE = Figure("accuracy", 0.81, 3)


def looks(*whys: Because, value: float = 0.87, first: int = 1) -> list[Look]:
    """Return a look an hour, at a hundred rows each."""
    return [Look(BEGIN + (first + place) * HOUR, why, "accuracy", value, 100, 0.9) for place, why in enumerate(whys)]


def told(given: list[Look], hours: int = 4, version: str | None = "2") -> dict[str, Any]:
    """Return a recovery after looks that are known so many hours after its begin."""
    return followed(begun(SETTINGS, version, BEFORE, BEGIN), given, BEGIN + hours * HOUR)


def test_windows_in_a_row_that_hold_are_a_recovery() -> None:
    """Three of them say so, in words that a message may carry, with the time at which it was known."""
    body = told(looks(*[Because.HELD] * 3))
    assert (body["status"], body["why"], body["windows"]) == ("recovered", "held", 3)
    assert body["decided_at"] == to_text(BEGIN + 4 * HOUR)
    assert body["text"] == (
        "Retraining finished: version 2 recovered: accuracy 0.81 -> 0.87 (0.9 in its reference) in 3 windows."
    )


def test_one_that_does_not_hold_begins_the_count_anew() -> None:
    """Two and two with a bad one between them are no three in a row."""
    body = told(looks(Because.HELD, Because.HELD, Because.PERFORMANCE_BELOW, Because.HELD, Because.HELD))
    assert (body["status"], body["windows"]) == ("waiting", 2)


def test_a_window_that_is_looked_at_twice_counts_once() -> None:
    """Targets that trickle in have a window looked at again; that makes no second window of it."""
    assert told(looks(Because.HELD, Because.HELD) + looks(Because.HELD, Because.HELD))["windows"] == 2


@pytest.mark.parametrize(
    ("given", "why", "says"),
    [
        ([], "version_not_seen", "version 2 has not been seen in the log within 10h"),
        (looks(Because.HELD), "too_few_windows", "within 10h only 1 of 3 windows could be judged and held"),
        (looks(Because.PERFORMANCE_BELOW, value=0.62), "performance_below", "accuracy 0.81 -> 0.62"),
        (looks(Because.ALERT_FIRING), "alert_firing", "its performance alert fires"),
        ([Look(BEGIN + HOUR, Because.DRIFTED)], "drifted", "it has drifted from its own reference"),
    ],
)
def test_time_that_is_up_is_no_recovery(given: list[Look], why: str, says: str) -> None:
    """What has not held by then has not recovered, with the reason and in words; unknown is not taken for good."""
    assert told(given, hours=9)["status"] == "waiting"
    body = told(given, hours=10)
    assert (body["status"], body["why"]) == ("not_recovered", why)
    assert says in body["text"]


def test_a_late_recovery_is_one() -> None:
    """A version that holds after its time was up has recovered after all."""
    late = followed(told([], hours=10), looks(*[Because.HELD] * 3, first=11), BEGIN + 14 * HOUR)
    assert late["status"] == "recovered"
