"""What a receiver forgets is told again while it fires, across restarts, and no longer than that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.dispatch import Passage
from monitor.notification import Content, MessageType, message
from monitor.store.alert import save_alert
from monitor.store.database import State, StateSettings, open_state
from tests.outbox import ALERT, WINDOW, Clock, desk, queue
from tests.receivers.dialect_samples import settings
from tests.scripted_http import ScriptedServer, answer, scripted

ID = "al_4k2d7x3mzq6ph5tnwy2rvb6cja"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Yield a state that was begun just now."""
    opened = open_state(StateSettings(), tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def alertmanager() -> Iterator[ScriptedServer]:
    """Return what takes alerts."""
    with scripted(answer(200)) as server:
        yield server


def tell(state: State, clock: Clock, status: str) -> None:
    """Let the alert fire or resolve, and queue the message of it."""
    kind = MessageType.RESOLVED if status == "resolved" else MessageType.FIRING
    body = ALERT | {"id": ID, "state": status, "reason": "first_time" if status == "firing" else "resolved"}
    with state.write() as connection:
        save_alert(connection, body)
    queue(state, message(kind, Content(body, WINDOW)), clock, "it")


def passage(
    state: State, clock: Clock, server: ScriptedServer, kind: str = "alertmanager", lasts: int = 900
) -> Passage:
    """Return the deliveries of a receiver."""
    more = {"token": None, "values": {"lasts": lasts}} if kind == "alertmanager" else {}
    return Passage(desk(state, settings(kind, f"http://127.0.0.1:{server.port}/", **more), clock))


def turns(passage: Passage, clock: Clock, seconds: int) -> None:
    """Let time pass as a dispatcher does, that looks each five seconds."""
    for _ in range(0, seconds, 5):
        passage.turn()
        clock.forward(5)


def test_what_fires_is_told_again_each_minute(state: State, alertmanager: ScriptedServer) -> None:
    """In five minutes an alert is told six times, each with the same labels and an end that lies further on."""
    clock = Clock()
    tell(state, clock, "firing")
    turns(passage(state, clock, alertmanager), clock, 305)
    told = [json.loads(request.body)[0] for request in alertmanager.requests]
    assert len(told) == 6
    assert {json.dumps(each["labels"]) for each in told} == {json.dumps(told[0]["labels"])}
    ends = [each["endsAt"] for each in told]
    assert ends == sorted(set(ends))


def test_what_lasts_shortly_is_told_more_often(state: State, alertmanager: ScriptedServer) -> None:
    """An alert that would be forgotten in eighty seconds is told each twenty."""
    clock = Clock()
    tell(state, clock, "firing")
    turns(passage(state, clock, alertmanager, lasts=80), clock, 65)
    assert alertmanager.connections == 4


def test_what_has_resolved_is_told_once(state: State, alertmanager: ScriptedServer) -> None:
    """After its end nothing is told again."""
    clock = Clock()
    deliveries = passage(state, clock, alertmanager)
    for status in ("firing", "resolved"):
        tell(state, clock, status)
        turns(deliveries, clock, 10)
    turns(deliveries, clock, 300)
    assert alertmanager.connections == 2


def test_a_restart_goes_on_telling(state: State, alertmanager: ScriptedServer) -> None:
    """A new process knows from the outbox what it has told."""
    clock = Clock()
    tell(state, clock, "firing")
    passage(state, clock, alertmanager).turn()
    clock.forward(60)
    turns(passage(state, clock, alertmanager), clock, 5)
    assert alertmanager.connections == 2


def test_a_receiver_that_is_away_is_told_later(state: State) -> None:
    """A telling that fails is shown as the receiver's state, and made up for at the next."""
    clock = Clock()
    with scripted(answer(200), answer(503), answer(200)) as server:
        tell(state, clock, "firing")
        deliveries = passage(state, clock, server)
        turns(deliveries, clock, 70)
        away = deliveries.why
        turns(deliveries, clock, 60)
        assert (away, deliveries.why, server.connections) == ("unavailable", None, 3)


def test_people_are_told_once(state: State) -> None:
    """A chat forgets nothing."""
    clock = Clock()
    with scripted(answer(200, body=b"ok")) as slack:
        tell(state, clock, "firing")
        turns(passage(state, clock, slack, "slack"), clock, 300)
        assert slack.connections == 1
