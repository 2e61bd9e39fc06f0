"""Bets on the difference of two groups."""

from __future__ import annotations

import json

import numpy as np

from monitor.calibration.betting import Onset
from monitor.fairness.wager import Wager, after, again, apart
from monitor.pipeline.cohorts import Scored, scored_body, scored_from

LIMIT, STEPS = 0.1, 500.0


def bets(differences: np.ndarray, limit: float = LIMIT) -> int:
    """Return how many windows it takes until the evidence is enough; 0 if it never is."""
    wager = Wager()
    for number, difference in enumerate(differences.tolist(), start=1):
        wager = after(wager, [{"a": 0.5 + difference / 2, "b": 0.5 - difference / 2, "c": 0.5}], limit)
        if wager.evidence >= STEPS:
            return number
    return 0


def stormy(mean: float, rng: np.random.Generator, days: int) -> np.ndarray:
    """Draw differences of windows: four a day, which share the day's storm."""
    storms = np.repeat(rng.random(days) < 0.1, 4)
    rest = (mean - 0.05) / 0.9
    return np.clip(np.where(storms, 0.5, rest) + rng.normal(0, 0.03, len(storms)), -1, 1)


def test_false_alarms_are_within_the_budget_however_the_windows_hang_together() -> None:
    """With a mean at the limit, forty streams of 500 windows may raise forty alarms, and raise far fewer."""
    raised = sum(bets(stormy(LIMIT, np.random.default_rng(seed), 125)) > 0 for seed in range(40))
    assert raised <= 40


def test_what_is_under_the_limit_raises_nothing_and_what_is_over_it_does() -> None:
    """A mean of twenty points over the limit is found within three weeks of storms."""
    rng = np.random.default_rng(0)
    assert bets(stormy(0.05, rng, 125)) == 0
    assert 0 < bets(stormy(LIMIT + 0.2, rng, 125)) <= 84


def test_looking_for_the_worst_of_many_groups_proves_nothing() -> None:
    """Of thirty groups that are alike two are always far apart, and never the same two."""
    rng, wager = np.random.default_rng(0), Wager()
    for _ in range(300):
        values = rng.normal(0.5, 0.1, 30).clip(0, 1)
        wager = after(wager, [{str(place): value for place, value in enumerate(values.tolist())}], 0.05)
    assert wager.evidence < STEPS


def test_a_measure_of_two_comparisons_is_bet_on_in_the_one_that_was_worse() -> None:
    """The groups of one comparison are not those of the other."""
    wager = after(Wager(), [{"a": 0.5, "b": 0.4}, {"a": 0.2, "b": 0.7}], LIMIT)
    assert apart(wager, [{"a": 0.9, "b": 0.1}, {"a": 0.1, "b": 0.4}]) == 0.3


def test_a_group_that_has_too_few_rows_now_is_not_bet_on() -> None:
    """Without the two that were furthest apart, the next furthest are."""
    wager = after(Wager(), [{"a": 0.9, "b": 0.1, "c": 0.3}], LIMIT)
    assert apart(wager, [{"a": 0.8, "c": 0.4}]) == 0.4
    assert apart(wager, [{"a": 0.8}]) is None


def test_bets_survive_a_restart() -> None:
    """What the store gives back is what was written; what an older version wrote has none."""
    wager = after(after(Wager(), [{"a": 0.9, "b": 0.1}], LIMIT), [{"a": 0.9, "b": 0.1}], LIMIT)
    body = json.loads(json.dumps(scored_body({"1": Scored(onset=Onset(), fair={"parity/region": wager})})))
    assert scored_from(body)["1"].fair["parity/region"] == wager
    del body["1"]["fair"]
    assert scored_from(body)["1"].fair == {}
    assert again(wager) == Wager(seen=wager.seen)
