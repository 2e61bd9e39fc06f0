"""The drift alert where columns have fixed rules."""

from __future__ import annotations

from datetime import timedelta

from monitor.alert import AlertSettings, AlertState, Change, DriftAlert, Judged
from monitor.fixed_rule import Look, Streak, advance_with_rules, follow
from monitor.instant import SECOND

N = 100.0
HOUR = 3600 * SECOND
SETTINGS = AlertSettings(resolve_after=2, repeat=timedelta(hours=4))  # and two windows for a rule, the default
Seen = tuple[DriftAlert, Change | None]


def lived(
    rules: str, evidence: list[float] | None = None, calm: str = "", settings: AlertSettings = SETTINGS
) -> list[Seen]:
    """Live through windows: ``x`` breaks the rule of a column, ``.`` keeps it, ``?`` has too few rows to tell."""
    alert, streaks, seen = DriftAlert(), dict[str, Streak](), []
    for hour, what in enumerate(rules):
        streaks = follow(streaks, {"ruled": {"x": True, ".": False, "?": None}[what]}, hour * HOUR)
        judged = None
        if evidence is not None:
            is_calm = calm[hour : hour + 1] == "c"
            judged = Judged(hour * HOUR, f"w{hour}", evidence[hour], N, ("evident",), None, is_calm)
        look = Look(hour * HOUR, f"w{hour}", judged, streaks)
        alert, change = advance_with_rules(alert, look, settings, ("shop", "1"))
        seen.append((alert, change))
        if change is Change.RESOLVED:
            alert = DriftAlert()
    return seen


def changes(*args: object, **how: object) -> list[Change | None]:
    """Return the change at each window."""
    return [change for _, change in lived(*args, **how)]  # type: ignore[arg-type]


def states(rules: str) -> list[str]:
    """Return the state after each window."""
    return [alert.state.value for alert, _ in lived(rules)]


def test_a_broken_rule_is_pending_until_it_was_broken_for_long_enough() -> None:
    """One broken window is pending, a kept one ends that, and two in a row fire."""
    assert states("x.xx") == ["pending", "inactive", "pending", "firing"]
    assert changes("x.xx") == [None, None, None, Change.FIRST_TIME]


def test_a_rule_that_fires_names_itself() -> None:
    """The culprit is the column, marked as one by rule, since the start of the first broken window."""
    alert = lived(".xx")[-1][0]
    assert (alert.culprits, alert.ruled, alert.evident) == (("ruled",), ("ruled",), ())
    assert (alert.began_at, alert.started_at, alert.window) == (1 * HOUR, 2 * HOUR, "w2")


def test_a_window_that_cannot_tell_changes_nothing() -> None:
    """It parts no broken windows, and is not one of the calm."""
    assert changes("x?x") == [None, None, Change.FIRST_TIME]
    assert changes("xx.?.") == [None, Change.FIRST_TIME, None, None, Change.RESOLVED]


def test_kept_windows_in_a_row_resolve_it() -> None:
    """A broken one among them starts the count again."""
    assert changes("xx.x..") == [None, Change.FIRST_TIME, None, None, None, Change.RESOLVED]


def test_a_firing_rule_is_repeated() -> None:
    """The same episode is told again when a repeat is due."""
    assert changes("xxxxxx")[1:] == [Change.FIRST_TIME, None, None, None, Change.REPEAT_DUE]


def test_evidence_needs_no_second_window() -> None:
    """Evidence fires at once, beside a rule that is kept."""
    found = lived("..", [1.0, 100.0])
    assert found[-1][1] is Change.FIRST_TIME
    assert (found[-1][0].culprits, found[-1][0].ruled) == (("evident",), ())


def test_evidence_joins_the_episode_of_a_rule() -> None:
    """It is told as a change of the alert, and the id stays."""
    found = lived("xxx", [1.0, 1.0, 100.0])
    assert [change for _, change in found] == [None, Change.FIRST_TIME, Change.CHANGED]
    assert found[2][0].culprits == ("evident", "ruled")
    assert found[1][0].id == found[2][0].id


def test_a_rule_joins_the_episode_of_evidence() -> None:
    """The other way round it is a change, too."""
    found = lived(".xx", [100.0, 100.0, 100.0])
    assert [change for _, change in found] == [Change.FIRST_TIME, None, Change.CHANGED]
    assert (found[2][0].evident, found[2][0].ruled) == (("evident",), ("ruled",))


def test_an_episode_of_both_is_over_when_both_are() -> None:
    """Calm evidence waits for the rule, and a kept rule for the evidence."""
    found = changes(".xx......", [100.0] * 9, "---cccccc")
    assert found[4] is Change.RESOLVED
    assert changes(".xxxx..", [100.0] * 7, "---cccc")[4:] == [None, None, Change.RESOLVED]
    assert changes(".xx....", [100.0] * 7, "-----cc")[4:] == [None, None, Change.RESOLVED]


def test_a_rule_that_is_gone_holds_no_alert() -> None:
    """Where the config has the rule no more, its part of the episode is over."""
    alert = lived("xx")[-1][0]
    look = Look(9 * HOUR, "w9", None, {"another": Streak()})
    resolved, change = advance_with_rules(alert, look, SETTINGS, ("shop", "1"))
    assert (resolved.culprits, change) == (("ruled",), Change.RESOLVED)


def test_evidence_without_an_engine_holds_no_alert() -> None:
    """Where every column has got a rule, what carried evidence is over, and still named."""
    alert = lived(".", [100.0])[-1][0]
    look = Look(9 * HOUR, "w9", None, {"evident": Streak()}, weighed=False)
    resolved, change = advance_with_rules(alert, look, SETTINGS, ("shop", "1"))
    assert (resolved.culprits, change) == (("evident",), Change.RESOLVED)


def test_both_at_once_are_one_episode() -> None:
    """A window in which evidence and rule arrive together is one page that names both."""
    found = lived("xx", [1.0, 100.0])
    assert (found[1][1], found[1][0].culprits) == (Change.FIRST_TIME, ("evident", "ruled"))


def test_a_pending_rule_keeps_when_it_began() -> None:
    """With three windows asked for, the second changes nothing of the first."""
    settings = SETTINGS.model_copy(update={"for_": 3})
    found = lived("xx", settings=settings)
    assert [alert.state for alert, _ in found] == [AlertState.PENDING] * 2
    assert {alert.started_at for alert, _ in found} == {0}
