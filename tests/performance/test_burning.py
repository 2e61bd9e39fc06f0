"""Burn rates of an objective's budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.instant import SECOND
from monitor.performance.burning import Ledger, budget_left, burn_rate, burning, counted_over, enter, pairs

MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
MONTH = 30 * DAY
FINE = (MONTH, 5 * MINUTE)
"""The workbook's own period and shortest window."""


def filled(steps: int, bad: int, rows: int = 1000, lengths: tuple[int, int] = FINE, *, first: int = 0) -> Ledger:
    """Return a ledger of equal steps, after as many good ones as ``first`` says."""
    ledger = Ledger()
    for step in range(first + steps):
        enter(ledger, (step + 1) * lengths[1], (bad if step >= first else 0, rows), *lengths)
    return ledger


def test_the_pairs_are_the_workbook_s() -> None:
    """Over 30 days: 14.4 over 1 h and 5 min, 6 over 6 h and 30 min, 1 over 3 d and 6 h (Google's SRE workbook, 5)."""
    found = [(pair.long, pair.short, pair.rate, pair.severity) for pair in pairs(*FINE)]
    assert found == [
        (HOUR, 5 * MINUTE, 14.4, "critical"),
        (6 * HOUR, 30 * MINUTE, 6.0, "critical"),
        (3 * DAY, 6 * HOUR, 1.0, "warning"),
    ]


@given(st.integers(1, 60), st.integers(1, 48 * 60))
def test_windows_are_whole_steps_and_rates_use_up_the_same_budget(days: int, minutes: int) -> None:
    """Whatever the period and the step, no window cuts a step, and no rate is under 1."""
    period, every = days * DAY, minutes * MINUTE
    for pair, consumed in zip(pairs(period, every), (0.02, 0.05, 0.1), strict=True):
        assert pair.long % every == pair.short % every == 0
        assert pair.rate == pytest.approx(max(consumed * period / pair.long, 1.0), rel=1e-5)


@pytest.mark.parametrize(
    ("bad", "steps", "severity"),
    [(150, 12, "critical"), (140, 12, None), (70, 72, "critical"), (12, 864, "warning"), (9, 864, None)],
)
def test_an_alert_is_due_where_both_windows_burn(bad: int, steps: int, severity: str | None) -> None:
    """Of a budget of 1 %: 15 % bad for an hour, 7 % for six hours, 1.2 % for three days; less is not due."""
    good = 8640 - steps
    ledger = filled(steps, bad, first=good)
    due = burning(ledger, 8640 * 5 * MINUTE, 0.01, FINE)
    assert (due.pair.severity if due is not None else None) == severity


def test_an_alert_ends_soon_after_the_burning() -> None:
    """The short window is over long before the long one has forgotten."""
    ledger = filled(12, 150, first=100)
    end = 112 * 5 * MINUTE
    assert burning(ledger, end, 0.01, FINE) is not None
    enter(ledger, end + 5 * MINUTE, (0, 1000), *FINE)
    assert burn_rate(ledger, end + 5 * MINUTE, HOUR, 0.01, FINE) == pytest.approx(13.75)
    assert burning(ledger, end + 5 * MINUTE, 0.01, FINE) is None


def test_few_records_do_not_burn_by_chance() -> None:
    """One slow record of five is a rate of 20, and says nothing yet."""
    ledger = filled(12, 0, 0, first=100)
    enter(ledger, 113 * 5 * MINUTE, (1, 5), *FINE)
    assert burn_rate(ledger, 113 * 5 * MINUTE, 5 * MINUTE, 0.01, FINE) == 20
    assert burning(ledger, 113 * 5 * MINUTE, 0.01, FINE) is None


def test_what_was_not_counted_yet_used_up_nothing() -> None:
    """An hour after the beginning at most an hour's part of the budget can be gone."""
    ledger = filled(12, 20)
    assert budget_left(ledger, HOUR, 0.01, FINE) == pytest.approx(1 - 2 / 720)


def test_without_a_record_the_rate_is_unknown() -> None:
    """Nothing counted is no rate of nought."""
    assert burn_rate(Ledger(), HOUR, HOUR, 0.01, FINE) is None


COUNTS = st.lists(st.tuples(st.integers(0, 5), st.integers(5, 9)), min_size=1, max_size=60)


@given(COUNTS, st.sampled_from([1, 3, 24, 30]))
def test_no_count_is_lost_within_the_period(steps: list[tuple[int, int]], hours: int) -> None:
    """However coarse the buckets, what was entered in the period is in its sum."""
    every = hours * HOUR
    ledger = Ledger()
    for place, counted in enumerate(steps):
        enter(ledger, (place + 1) * every, counted, 90 * DAY, every)
    whole = (sum(bad for bad, _ in steps), sum(rows for _, rows in steps))
    assert counted_over(ledger, len(steps) * every, 90 * DAY, (90 * DAY, every)) == whole


def test_a_ledger_stays_small() -> None:
    """Of a year of steps of five minutes it keeps six hours of steps, three days of hours and a month of days."""
    ledger = filled(105_120 // 8, 1)
    assert sum(map(len, ledger.tiers.values())) <= 73 + 73 + 31
