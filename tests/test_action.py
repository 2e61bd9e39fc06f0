"""Whether a retraining may start."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.action import Clocks, Decision, PastAction, RetrainSettings, Status, Why, decide, is_open
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
    assert decide(SETTINGS, [], 10, NOW) == OPEN


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("auto", OPEN),
        ("dry_run", withheld(Why.DRY_RUN)),
    ],
)
def test_the_mode_says_what_an_open_gate_does(mode: Literal["auto"], expected: Decision) -> None:
    """Start, ask, or only record."""
    assert decide(SETTINGS.model_copy(update={"mode": mode}), [], 10, NOW) == expected


def test_too_few_targets_withhold() -> None:
    """One target less than the least is too few."""
    assert decide(SETTINGS, [], 9, NOW) == withheld(Why.TOO_FEW_TARGETS)


@pytest.mark.parametrize("status", [Status.REQUESTED, Status.AWAITING_APPROVAL, Status.STARTED])
def test_an_open_action_withholds(status: Status) -> None:
    """While one retraining is under way or waits for approval, no other starts."""
    assert decide(SETTINGS, [past(status, 100 * DAY, 100 * DAY, 1)], 10, NOW) == withheld(Why.ACTION_OPEN)


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
    assert decide(SETTINGS, [past(status, event_ago, wall_ago)], 10, NOW) == expected


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
    assert decide(SETTINGS, done, 10, NOW) == expected


@pytest.mark.parametrize("status", [Status.WITHHELD, Status.AWAITING_APPROVAL])
def test_what_never_started_costs_nothing(status: Status) -> None:
    """A withheld retraining, and one whose approval expired, use neither cooldown nor budget."""
    assert decide(SETTINGS, [past(status, HOUR, HOUR)] * 5, 10, NOW) == OPEN


def test_the_first_obstacle_is_the_reason() -> None:
    """Of several obstacles the one that must go first is told."""
    several = [past(Status.STARTED, HOUR, HOUR, 1), past(Status.SUCCEEDED, HOUR, HOUR)]
    assert decide(SETTINGS, several, 0, NOW).why is Why.ACTION_OPEN
    assert decide(SETTINGS, several[1:] * 3, 0, NOW).why is Why.COOLDOWN
    assert decide(SETTINGS, [past(Status.FAILED, 2 * DAY, 2 * DAY)] * 2, 0, NOW).why is Why.BUDGET_SPENT


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
    assert decide(SETTINGS, mixed, targets, NOW) == decide(SETTINGS, actions, targets, NOW)


@given(st.lists(PAST, max_size=6), PAST, st.integers(0, 20))
def test_more_past_never_opens_the_gate(actions: list[PastAction], more: PastAction, targets: int) -> None:
    """An action fails closed: whatever else has happened, it can only withhold."""
    if decide(SETTINGS, actions, targets, NOW).status is Status.WITHHELD:
        assert decide(SETTINGS, [*actions, more], targets, NOW).status is Status.WITHHELD
