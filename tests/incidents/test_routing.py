"""Who is told at what time of day, with what others, so often, and after how long without a word."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from monitor.alert import Change
from monitor.instant import from_text
from monitor.routing import RouteSettings
from monitor.store.alert import acknowledge
from monitor.store.database import State
from tests.incidents.desk import HOUR, MINUTE, NOON, Desk, drift, routed

FIRST, RESOLVED = Change.FIRST_TIME, Change.RESOLVED
DAY = 24 * HOUR
BY_DAY: dict[str, Any] = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00"}


def test_a_route_has_hours(state: State) -> None:
    """At night nobody is told by a route of office hours; what fires on in the morning is told then."""
    desk = Desk(state, routed({"to": "team", "during": BY_DAY | {"zone": "America/New_York"}}))
    assert desk.close((drift(), FIRST)) == []  # 07:00 there
    assert desk.withheld() == {"out_of_hours": 1}
    assert desk.rounds(2 * HOUR - 1) == []
    assert desk.rounds(1) == ["team:drift first_time"]
    desk.now += 12 * HOUR
    assert desk.close((drift(), RESOLVED)) == ["team:drift resolved"]


def test_a_route_may_be_of_a_segment_or_of_the_whole(state: State) -> None:
    """A segment is named as it is in metrics; the empty name is the whole."""
    routes = {"match": {"segment": "carrier=UA"}, "to": "team"}, {"match": {"segment": ""}, "to": "lead"}
    desk = Desk(state, routed(*routes))
    assert desk.close((drift(segment="carrier=UA"), FIRST)) == ["team:drift first_time"]
    assert desk.close((drift(id="al_b", segment="carrier=AA"), FIRST)) == []
    assert desk.close((drift(id="al_c"), FIRST)) == ["lead:drift first_time"]


def test_alerts_that_come_together_come_in_one_message(state: State) -> None:
    """A group goes out a wait after its first alert, with all that came since; other groups wait for themselves."""
    desk = Desk(state, routed({"to": "team", "group": {"by": ["model"], "wait": "1m"}}))
    many = [(drift(id=f"al_{n}", segment=f"carrier={n}"), FIRST) for n in range(3)]
    assert desk.close(*many, (drift(id="al_x", model="other"), FIRST)) == []
    assert desk.rounds(MINUTE - 1) == []
    assert desk.rounds(1) == ["team:drift first_time", "team:drift first_time+drift first_time+drift first_time"]
    assert desk.rounds(MINUTE) == []


def test_a_digest_says_what_happened_since_the_last(state: State) -> None:
    """Warnings are told once a day, ends among them; what is grave goes at once, by its own route."""
    warnings = {"match": {"severity": "warning"}, "to": "team", "digest": "1d"}
    desk = Desk(state, routed(warnings, {"match": {"severity": "critical"}, "to": "team"}))
    assert desk.close((drift(), FIRST)) == []
    assert desk.close((drift(id="al_b", severity="critical"), FIRST)) == ["team:drift first_time"]
    desk.now += HOUR
    assert desk.close((drift(), RESOLVED)) == []
    assert desk.rounds(23 * HOUR - 1) == []
    assert desk.rounds(1) == ["team:drift first_time+drift resolved"]
    assert desk.rounds(2 * DAY) == []


def test_a_digest_of_one_message_is_that_message(state: State) -> None:
    """Nothing is lost of what happened alone."""
    desk = Desk(state, routed({"to": "team", "digest": "1h"}))
    desk.close((drift(), FIRST))
    assert desk.rounds(HOUR) == ["team:drift first_time"]


def test_nobody_reacts_so_others_are_told(state: State) -> None:
    """Each step is told once, so long after the first message, and of the end too."""
    steps = [{"after": "30m", "to": "lead"}, {"after": "2h", "to": ["boss"]}]
    desk = Desk(state, routed({"to": "team", "escalate": steps}, receivers=("team", "lead", "boss")))
    assert desk.close((drift(), FIRST)) == ["team:drift first_time"]
    assert desk.rounds(30 * MINUTE - 1) == []
    assert desk.rounds(1) == ["lead:drift first_time"]
    assert desk.rounds(2 * HOUR) == ["boss:drift first_time"]
    assert sorted(desk.close((drift(), RESOLVED))) == [f"{name}:drift resolved" for name in ("boss", "lead", "team")]


def test_what_is_in_hand_is_not_escalated(state: State) -> None:
    """An acknowledgement ends the wait for one."""
    desk = Desk(state, routed({"to": "team", "escalate": {"after": "30m", "to": "lead"}}))
    desk.close((drift(), FIRST))
    with state.write() as connection:
        acknowledge(connection, "al_drift", "kim", None, desk.now)
    assert desk.rounds(HOUR) == []
    assert desk.close((drift(), RESOLVED)) == ["team:drift resolved"]


def test_what_is_silenced_is_not_escalated(state: State) -> None:
    """A silence holds back further receivers as it does the first."""
    desk = Desk(state, routed({"to": "team", "escalate": {"after": "30m", "to": "lead"}}))
    desk.close((drift(), FIRST))
    desk.silence("alert=~.*", hours=2)
    assert desk.rounds(HOUR) == []
    assert desk.rounds(HOUR) == ["lead:drift first_time"]


def test_of_two_routes_to_a_receiver_the_quicker_counts(state: State) -> None:
    """A receiver is told once, at once, if any route says so."""
    desk = Desk(state, routed({"to": "team", "digest": "1d"}, {"match": {"alert": "drift"}, "to": "team"}))
    assert desk.close((drift(), FIRST)) == ["team:drift first_time"]
    assert desk.rounds(DAY) == []


@pytest.mark.parametrize(
    ("at", "told"),
    [("2026-03-29T00:59:59Z", False), ("2026-03-29T01:00:00Z", True), ("2026-10-25T01:30:00Z", False)],
    ids=["before the clocks go forward", "after", "after they went back"],
)
def test_hours_follow_the_clocks_of_their_zone(at: str, told: bool) -> None:
    """03:00 in Zurich is 01:00 UTC in summer and 02:00 UTC in winter."""
    policy = routed({"to": "team", "during": {"from": "03:00", "to": "24:00", "zone": "Europe/Zurich"}})
    assert bool(policy.ways(drift(), from_text(at))) is told


@pytest.mark.parametrize(
    "route",
    [
        {"to": "team", "during": {"from": "09:00", "to": "09:00"}},
        {"to": "team", "during": {"from": "25:00"}},
        {"to": "team", "during": {"zone": "Mars/Olympus"}},
        {"to": "team", "during": {"zone": "../etc/passwd"}},
        {"to": "team", "group": {}, "digest": "1d"},
        {"to": "team", "digest": "0s"},
        {"to": "team", "escalate": {"to": "lead"}},
    ],
)
def test_a_route_that_cannot_be_meant_is_refused(route: dict[str, Any]) -> None:
    """Times that are none, two ways at once, and a step without a wait are faults."""
    with pytest.raises(ValidationError):
        RouteSettings.model_validate(route)


def test_noon_is_on_a_monday() -> None:
    """The tests' own clock stands in office hours of UTC."""
    assert routed({"to": "team", "during": BY_DAY}).ways(drift(), NOON)
