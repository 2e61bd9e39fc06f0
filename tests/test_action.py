"""Whether a retraining may start."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.action import Clocks, Decision, Facts, PastAction, RetrainSettings, Status, Why, decide, is_open
from monitor.instant import SECOND, Instant

HOUR = 3600 * SECOND
DAY = 24 * HOUR
NOW = Clocks(event=1000 * DAY, wall=2000 * DAY)
SETTINGS = RetrainSettings.model_validate(
    {"receiver": "job", "mode": "auto", "cooldown": "24h", "budget": "2 per 7d", "min_targets": 10}
)
OPEN = Decision(Status.REQUESTED, Why.GATE_OPEN)


def past(status: Status, event_ago: Instant, wall_ago: Instant, expires_in: Instant = -1) -> PastAction:
    """Return an action of so long ago, on both clocks."""
    return PastAction("ac_x", status, NOW.event - event_ago, NOW.wall - wall_ago, NOW.wall + expires_in)


def withheld(why: Why) -> Decision:
    """Return the decision not to act."""
    return Decision(Status.WITHHELD, why)


def test_the_gate_is_open_when_nothing_speaks_against_it() -> None:
    """With targets enough and no earlier action, a retraining is requested."""
    assert decide(SETTINGS, [], Facts(10), NOW) == OPEN


WAITS = Decision(Status.AWAITING_APPROVAL, Why.NEEDS_APPROVAL)
HELD = Decision(Status.AWAITING_APPROVAL, Why.CONCENTRATED)
APPROVED = Decision(Status.REQUESTED, Why.APPROVED)


@pytest.mark.parametrize(
    ("mode", "one_segment", "facts", "expected"),
    [
        ("auto", "approve", {}, OPEN),
        ("auto", "approve", {"concentrated": True}, HELD),
        ("auto", "allow", {"concentrated": True}, OPEN),
        ("auto", "approve", {"concentrated": True, "approved": True}, APPROVED),
        ("approve", "approve", {}, WAITS),
        ("approve", "approve", {"concentrated": True}, HELD),
        ("approve", "allow", {"concentrated": True}, WAITS),
        ("approve", "approve", {"approved": True}, APPROVED),
        ("dry_run", "approve", {}, withheld(Why.DRY_RUN)),
        ("dry_run", "approve", {"approved": True}, withheld(Why.DRY_RUN)),
        ("dry_run", "approve", {"concentrated": True}, withheld(Why.CONCENTRATED)),
        ("dry_run", "allow", {"concentrated": True}, withheld(Why.DRY_RUN)),
    ],
)
def test_the_mode_says_what_an_open_gate_does(
    mode: str, one_segment: str, facts: dict[str, Any], expected: Decision
) -> None:
    """Start, ask a person, or only record; what one segment holds is asked about even if all else starts."""
    settings = SETTINGS.model_copy(update={"mode": mode, "one_segment": one_segment})
    assert decide(settings, [], Facts(10, **facts), NOW) == expected


@pytest.mark.parametrize("mode", ["dry_run", "approve", "auto"])
@pytest.mark.parametrize("approved", [False, True])
@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"suspended": True}, Why.SUSPENDED),
        ({"settling": True}, Why.SETTLING),
        ({"data_fault": True}, Why.DATA_FAULT),
        ({"persistent": False}, Why.NOT_PERSISTENT),
        ({"targets": 9}, Why.TOO_FEW_TARGETS),
    ],
)
def test_no_approval_opens_the_gate(mode: str, facts: dict[str, Any], why: Why, *, approved: bool) -> None:
    """What speaks against a retraining withholds it in every mode, and whoever has said yes."""
    told = replace(Facts(10, approved=approved), **facts)
    assert decide(SETTINGS.model_copy(update={"mode": mode}), [], told, NOW) == withheld(why)


def test_too_few_targets_withhold() -> None:
    """One target less than the least is too few."""
    assert decide(SETTINGS, [], Facts(9), NOW) == withheld(Why.TOO_FEW_TARGETS)


@pytest.mark.parametrize("status", [Status.REQUESTED, Status.AWAITING_APPROVAL, Status.STARTED])
def test_an_open_action_withholds(status: Status) -> None:
    """While one retraining is under way or waits for approval, no other starts."""
    assert decide(SETTINGS, [past(status, 100 * DAY, 100 * DAY, 1)], Facts(10), NOW) == withheld(Why.ACTION_OPEN)


def test_an_action_is_open_until_the_instant_it_expires() -> None:
    """An action that nobody reported on is open no longer once its time is over."""
    assert is_open(past(Status.STARTED, DAY, DAY, 1), NOW.wall)
    assert not is_open(past(Status.STARTED, DAY, DAY, 0), NOW.wall)


@pytest.mark.parametrize("status", [Status.REQUESTED, Status.STARTED, Status.SUCCEEDED, Status.FAILED])
@pytest.mark.parametrize(
    ("event_ago", "wall_ago", "expected"),
    [
        (DAY - 1, DAY - 1, withheld(Why.COOLDOWN)),
        (DAY, DAY - 1, withheld(Why.COOLDOWN)),
        (DAY - 1, DAY, withheld(Why.COOLDOWN)),
        (DAY, DAY, OPEN),
    ],
)
def test_the_cooldown_must_be_over_on_both_clocks(
    status: Status, event_ago: Instant, wall_ago: Instant, expected: Decision
) -> None:
    """A forged timestamp moves event time alone, and so buys no retraining."""
    assert decide(SETTINGS, [past(status, event_ago, wall_ago)], Facts(10), NOW) == expected


@pytest.mark.parametrize(
    ("event_ago", "wall_ago", "expected"),
    [
        (7 * DAY - 1, 7 * DAY - 1, withheld(Why.BUDGET_SPENT)),
        (7 * DAY, 7 * DAY - 1, withheld(Why.BUDGET_SPENT)),
        (7 * DAY - 1, 7 * DAY, withheld(Why.BUDGET_SPENT)),
        (7 * DAY, 7 * DAY, OPEN),
    ],
)
def test_the_budget_is_spent_on_both_clocks(event_ago: Instant, wall_ago: Instant, expected: Decision) -> None:
    """Two retrainings in seven days of either clock are all there are."""
    done = [past(Status.SUCCEEDED, event_ago, wall_ago), past(Status.FAILED, 2 * DAY, 2 * DAY)]
    assert decide(SETTINGS, done, Facts(10), NOW) == expected


@pytest.mark.parametrize("status", [Status.WITHHELD, Status.AWAITING_APPROVAL])
def test_what_never_started_costs_nothing(status: Status) -> None:
    """A withheld retraining, and one whose approval expired, use neither cooldown nor budget."""
    assert decide(SETTINGS, [past(status, HOUR, HOUR)] * 5, Facts(10), NOW) == OPEN


def test_the_first_obstacle_is_the_reason() -> None:
    """Of several obstacles the one that must go first is told."""
    several = [past(Status.STARTED, HOUR, HOUR, 1), past(Status.SUCCEEDED, HOUR, HOUR)]
    everything = Facts(suspended=True, settling=True, data_fault=True, persistent=False)
    assert decide(SETTINGS, several, everything, NOW).why is Why.SUSPENDED
    assert decide(SETTINGS, several, replace(everything, suspended=False), NOW).why is Why.ACTION_OPEN
    assert decide(SETTINGS, [], replace(everything, suspended=False), NOW).why is Why.SETTLING
    assert decide(SETTINGS, several, Facts(0), NOW).why is Why.ACTION_OPEN
    assert decide(SETTINGS, several[1:] * 3, Facts(0), NOW).why is Why.COOLDOWN
    assert decide(SETTINGS, [past(Status.FAILED, 2 * DAY, 2 * DAY)] * 2, Facts(0), NOW).why is Why.BUDGET_SPENT


PAST = st.builds(
    past,
    st.sampled_from(list(Status)),
    st.integers(-DAY, 10 * DAY),
    st.integers(-DAY, 10 * DAY),
    st.integers(-DAY, DAY),
)


@given(st.lists(PAST, max_size=6), st.integers(0, 20), st.permutations(range(6)))
def test_the_order_of_the_past_changes_nothing(actions: list[PastAction], targets: int, order: list[int]) -> None:
    """Earlier actions may come in any order."""
    mixed = [actions[i] for i in order if i < len(actions)]
    assert decide(SETTINGS, mixed, Facts(targets), NOW) == decide(SETTINGS, actions, Facts(targets), NOW)


@given(st.lists(PAST, max_size=6), PAST, st.integers(0, 20))
def test_more_past_never_opens_the_gate(actions: list[PastAction], more: PastAction, targets: int) -> None:
    """An action fails closed: whatever else has happened, it can only withhold."""
    if decide(SETTINGS, actions, Facts(targets), NOW).status is Status.WITHHELD:
        assert decide(SETTINGS, [*actions, more], Facts(targets), NOW).status is Status.WITHHELD
