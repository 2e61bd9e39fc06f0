"""The life of a drift alert."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.alert import AlertSettings, AlertState, Change, DriftAlert, Judged, advance, alert_id, retire
from monitor.instant import SECOND, Instant

N = 100.0
HOUR = 3600 * SECOND
SCOPE = ("shop", "1")
SETTINGS = AlertSettings(resolve_after=2, repeat=timedelta(hours=3))


def step(at: int, evidence: float, *, calm: bool = False, culprits: tuple[str, ...] = ("amount",)) -> Judged:
    """Return a judged step at an hour."""
    return Judged(at * HOUR, f"w{at}", evidence, N, culprits, at * HOUR - HOUR, calm)


def lived(*steps: Judged, settings: AlertSettings = SETTINGS) -> list[tuple[DriftAlert, Change | None]]:
    """Return the alert and its change after each step."""
    alert, seen = DriftAlert(), []
    for judged in steps:
        alert, change = advance(alert, judged, settings, SCOPE)
        seen.append((alert, change))
    return seen


def states(*steps: Judged) -> list[AlertState]:
    """Return the state after each step."""
    return [alert.state for alert, _ in lived(*steps)]


def changes(*steps: Judged) -> list[Change | None]:
    """Return the change at each step."""
    return [change for _, change in lived(*steps)]


def test_pending_begins_at_the_root_of_n() -> None:
    """Evidence of the square root of N is pending, less is inactive."""
    assert states(step(0, 9.99), step(1, 10.0)) == [AlertState.INACTIVE, AlertState.PENDING]


def test_an_alert_fires_at_n_at_once() -> None:
    """Evidence of N fires, with nothing pending before."""
    assert lived(step(0, 100.0))[0][0].state is AlertState.FIRING
    assert changes(step(0, 100.0)) == [Change.FIRST_TIME]


def test_a_pending_alert_tells_nobody() -> None:
    """Only firing and resolving are told."""
    assert changes(step(0, 50.0), step(1, 5.0)) == [None, None]


def test_pending_ends_when_evidence_fades() -> None:
    """An alert whose evidence falls under the root of N is inactive again."""
    assert states(step(0, 50.0), step(1, 9.0))[-1] is AlertState.INACTIVE


def test_pending_keeps_its_beginning() -> None:
    """An alert is pending since the step at which it first was."""
    assert lived(step(3, 20.0), step(4, 30.0))[-1][0].started_at == 3 * HOUR


def test_an_episode_begins_when_it_fires() -> None:
    """The id is of model, version, name and the instant of firing, whatever was pending before."""
    alert = lived(step(0, 50.0), step(5, 100.0))[-1][0]
    assert alert.started_at == 5 * HOUR
    assert alert.id == alert_id("shop", "1", "drift", None, 5 * HOUR)
    assert (alert.began_at, alert.window, alert.culprits) == (4 * HOUR, "w5", ("amount",))


def test_a_firing_alert_is_frozen() -> None:
    """What fires keeps its id, beginning and culprits, whatever later steps show."""
    first, later = (alert for alert, _ in lived(step(0, 100.0), step(1, 0.0, culprits=("other",))))
    assert (later.state, later.id, later.culprits, later.began_at) == (
        AlertState.FIRING,
        first.id,
        ("amount",),
        first.began_at,
    )


def test_an_alert_resolves_after_calm_steps_in_a_row() -> None:
    """Two calm steps end it; a step that is not calm begins the count anew."""
    found = changes(
        step(0, 100.0), step(1, 100.0, calm=True), step(2, 100.0), step(3, 100.0, calm=True), step(4, 100.0, calm=True)
    )
    assert found == [Change.FIRST_TIME, None, None, Change.REPEAT_DUE, Change.RESOLVED]


def test_evidence_does_not_resolve_an_alert() -> None:
    """While it fires evidence is frozen: that it is low says nothing."""
    assert states(step(0, 100.0), step(1, 0.0), step(2, 0.0))[-1] is AlertState.FIRING


def test_a_firing_alert_is_repeated_in_event_time() -> None:
    """A message is due each three hours after the last."""
    found = changes(*(step(at, 100.0) for at in (0, 1, 2, 3, 4, 6, 8, 9)))
    due, none = Change.REPEAT_DUE, None
    assert found == [Change.FIRST_TIME, none, none, due, none, due, none, due]


@given(st.lists(st.tuples(st.floats(0, 200), st.booleans()), max_size=30))
def test_one_episode_is_one_page(drawn: list[tuple[float, bool]]) -> None:
    """Between two first messages there is always a resolution."""
    alert, told = DriftAlert(), []
    for at, (evidence, calm) in enumerate(drawn):
        alert, change = advance(alert, step(at, evidence, calm=calm), SETTINGS, SCOPE)
        if change in (Change.FIRST_TIME, Change.RESOLVED):
            told.append(change)
        if change is Change.RESOLVED:
            alert = DriftAlert()
    assert told == [Change.FIRST_TIME, Change.RESOLVED] * (len(told) // 2) + [Change.FIRST_TIME] * (len(told) % 2)


def test_a_retired_version_resolves_its_alert() -> None:
    """The alert of a version that serves no more ends, and says so."""
    alert, change = retire(lived(step(0, 100.0))[0][0], 7 * HOUR)
    assert (alert.state, change, alert.notified_at) == (AlertState.RESOLVED, Change.VERSION_RETIRED, 7 * HOUR)


@pytest.mark.parametrize("evidence", [0.0, 50.0])
def test_what_did_not_fire_retires_in_silence(evidence: float) -> None:
    """Nobody was told of it, so nobody is told of its end."""
    assert retire(lived(step(0, evidence))[0][0], 7 * HOUR) == (DriftAlert(), None)


def test_ids_tell_episodes_apart() -> None:
    """Another model, version, name, segment or instant is another alert."""
    parts: list[tuple[str, str, str, str | None, Instant]] = [
        ("shop", "1", "drift", None, 0),
        ("shops", "1", "drift", None, 0),
        ("shop", "2", "drift", None, 0),
        ("shop", "1", "quality", None, 0),
        ("shop", "1", "drift", "carrier=UA", 0),
        ("shop", "1", "drift", None, 1),
    ]
    assert len({alert_id(*each) for each in parts}) == len(parts)


@pytest.mark.parametrize("rate", ["0 per 30d", "1 per 0s"])
def test_a_budget_is_above_zero(rate: str) -> None:
    """No false alarm ever cannot be promised."""
    with pytest.raises(ValidationError, match="above zero"):
        AlertSettings.model_validate({"false_alarms": rate})
