"""What withholds a message, what does not, and what is told afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor.alert import Change
from monitor.errors import StoreBusy
from monitor.maintenance import MaintenanceSettings
from monitor.routing import Policy
from monitor.store.alert import acknowledge
from monitor.store.database import State, StateSettings, open_state
from tests.incidents.desk import HOUR, MINUTE, NOON, Desk, drift, fault, routed

FIRST, REPEAT, CHANGED, RESOLVED = Change.FIRST_TIME, Change.REPEAT_DUE, Change.CHANGED, Change.RESOLVED
WATCHED = Policy((), ("team",), inhibiting=frozenset({"shop"}))


def test_an_episode_is_told_from_its_beginning_to_its_end(state: State) -> None:
    """Without anything that withholds, a receiver hears of the start, each repeat and the end, once each."""
    desk = Desk(state)
    assert desk.close((drift(), FIRST)) == ["team:drift first_time"]
    assert desk.rounds() == []
    assert desk.close((drift(), REPEAT)) == ["team:drift repeat_due"]
    assert desk.close((drift(), RESOLVED)) == ["team:drift resolved"]
    assert (desk.rounds(), desk.withheld()) == ([], {})


def test_a_silenced_alert_fires_and_nobody_is_told(state: State) -> None:
    """The alert is kept as firing, the message is counted with its reason, and its end is told to nobody either."""
    desk = Desk(state)
    desk.silence("column=temp")
    assert desk.close((drift(), FIRST)) == []
    assert (desk.alert()["state"], desk.withheld()) == ("firing", {"silenced": 1})
    assert desk.rounds(MINUTE) == []
    assert desk.close((drift(), RESOLVED)) == []
    assert desk.withheld() == {"silenced": 1, "never_told": 1}


def test_what_fires_on_after_its_silence_is_told_once(state: State) -> None:
    """The silence ends by the clock, in no window's close; then the message goes out, and its end will."""
    desk = Desk(state)
    desk.silence("alert=drift", "severity!=critical")
    desk.close((drift(), FIRST))
    assert desk.rounds(HOUR - 1) == []
    assert desk.rounds(1) == ["team:drift first_time"]
    assert desk.rounds(HOUR) == []
    assert desk.close((drift(), RESOLVED)) == ["team:drift resolved"]


def test_who_heard_of_the_start_hears_of_the_end_through_a_silence(state: State) -> None:
    """A pager is not left open: a silence withholds repeats, and not the end of what was told."""
    desk = Desk(state)
    desk.close((drift(), FIRST))
    desk.silence("model=shop")
    assert desk.close((drift(), REPEAT)) == []
    assert desk.close((drift(), RESOLVED)) == ["team:drift resolved"]


def test_a_change_within_a_silence_is_told_after_it(state: State) -> None:
    """Who knows the alert and missed its last news is told them once the silence is over."""
    desk = Desk(state)
    desk.close((drift(), FIRST))
    desk.silence("model=shop")
    desk.now += MINUTE
    assert desk.close((drift(columns=["temp", "dewp"]), CHANGED)) == []
    assert desk.rounds(HOUR) == ["team:drift changed"]
    assert desk.rounds(HOUR) == []


def test_what_is_in_hand_is_not_repeated(state: State) -> None:
    """An acknowledged alert tells only what changes in it, and its end."""
    desk = Desk(state)
    desk.close((drift(), FIRST))
    with state.write() as connection:
        acknowledge(connection, "al_drift", "kim", "at it", desk.now)
    assert desk.close((drift(), REPEAT)) == []
    assert desk.withheld() == {"acknowledged": 1}
    assert desk.close((drift(), CHANGED)) == ["team:drift changed"]
    assert desk.close((drift(), RESOLVED)) == ["team:drift resolved"]


def test_maintenance_withholds_for_its_model_and_its_time(state: State) -> None:
    """A window of maintenance is a silence by the config; what fires on after it is told."""
    window = MaintenanceSettings.model_validate({"days": "mon", "from": "11:00", "to": "13:00"})
    desk = Desk(state, Policy((), ("team",), maintenance={"shop": (window,)}))
    assert desk.close((drift(), FIRST), (drift(id="al_b", model="other"), FIRST)) == ["team:drift first_time"]
    assert desk.withheld() == {"maintenance": 1}
    assert desk.rounds(HOUR - 1) == []
    assert desk.rounds(1) == ["team:drift first_time"]


@pytest.mark.parametrize(
    ("alert", "told"),
    [
        (drift(), False),
        (drift(columns=["temp", "dewp"]), True),
        (drift(columns=["temp", "score"], diagnosis={"class": "data_fault", "causes": []}), False),
        (drift(segment="carrier=UA"), False),
        (drift(version="2"), True),
        (drift(name="performance", columns=[]), False),
        (drift(name="performance", columns=[], severity="critical"), False),
        (drift(name="volume"), True),
    ],
    ids=["same column", "another too", "by its diagnosis", "segment", "other version", "loss", "grave loss", "volume"],
)
def test_a_fault_of_the_data_spares_what_it_explains(state: State, alert: dict[str, Any], told: bool) -> None:
    """Who is told of broken data is told of no drift and no loss that follow from it, in whatever order they close."""
    desk = Desk(state, WATCHED)
    what = [f"team:{alert['name']} first_time"] if told else []
    assert desk.close((alert, FIRST), (fault(), FIRST)) == ["team:quality first_time", *what]
    assert desk.withheld() == ({} if told else {"inhibited": 1})


def test_once_the_data_are_mended_what_drifts_on_is_told(state: State) -> None:
    """The end of a fault releases what it withheld; what ended with it is told to nobody."""
    desk = Desk(state, WATCHED)
    desk.close((drift(), FIRST), (drift(id="al_loss", name="performance"), FIRST), (fault(), FIRST))
    assert desk.rounds(HOUR) == []
    assert desk.close((drift(), RESOLVED)) == []
    assert desk.close((fault(), RESOLVED)) == ["team:quality resolved"]
    assert desk.rounds() == ["team:performance first_time"]


def test_inhibition_can_be_turned_off(state: State) -> None:
    """A model of which it is off tells of all."""
    desk = Desk(state, Policy((), ("team",)))
    assert len(desk.close((drift(), FIRST), (fault(), FIRST))) == 2


def test_a_page_is_not_withheld_for_a_hint_in_a_chat(state: State) -> None:
    """A grave alert is told to who was not told of the fault that explains it; an equal one is not."""
    routes = {"match": {"alert": "quality"}, "to": "team"}, {"match": {"alert": ["drift", "performance"]}, "to": "lead"}
    desk = Desk(state, routed(*routes, inhibiting=frozenset({"shop"})))
    loss = drift(id="al_loss", name="performance", severity="critical")
    told = desk.close((fault(), FIRST), (drift(), FIRST), (loss, FIRST))
    assert told == ["team:quality first_time", "lead:performance first_time"]


def test_a_fault_that_nobody_hears_of_spares_nobody(state: State) -> None:
    """Where no route takes the fault, the drift that it explains is told: something must be."""
    desk = Desk(state, routed({"match": {"alert": "drift"}, "to": "team"}, inhibiting=frozenset({"shop"})))
    assert desk.close((fault(), FIRST), (drift(), FIRST)) == ["team:drift first_time"]


def test_an_alert_of_before_news_were_kept_is_ended_to_everybody(state: State) -> None:
    """An alert that fired under an older version of the state has no list of who was told: all are."""
    desk = Desk(state)
    assert desk.close((drift(), RESOLVED)) == ["team:drift resolved"]


def test_an_interrupted_close_tells_nothing_twice(state: State) -> None:
    """What is closed again after its transaction was undone is told once."""
    desk = Desk(state)
    with pytest.raises(StoreBusy):
        desk.close((drift(), FIRST), failing=StoreBusy("the disk is full"))
    assert desk.outbox() == []
    assert desk.close((drift(), FIRST)) == ["team:drift first_time"]
    assert desk.close((drift(), FIRST)) == []


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    """With a process of its own for every step, an episode through a silence is told as with one."""
    told: list[str] = []
    seen: set[str] = set()
    later: list[tuple[Callable[[Desk], object], int]] = [
        (lambda desk: desk.silence("alert=drift"), 0),
        (lambda desk: desk.close((drift(), FIRST)), 0),
        (lambda desk: desk.rounds(), 0),
        (lambda desk: desk.rounds(), HOUR),
        (lambda desk: desk.rounds(), HOUR),
        (lambda desk: desk.close((drift(), RESOLVED)), 2 * HOUR),
    ]
    for step, after in later:
        state = open_state(StateSettings(), tmp_path)
        desk = Desk(state, now=NOON + after)
        desk.seen = seen
        found = step(desk)
        told += found if isinstance(found, list) else []
        state.close()
    assert told == ["team:drift first_time", "team:drift resolved"]
