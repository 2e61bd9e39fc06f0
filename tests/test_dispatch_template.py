"""A template that fails only when a message is there: that receiver's letter is dead, and says why."""

from __future__ import annotations

from pathlib import Path

from monitor.dispatch import Attempt, dispatch_due
from monitor.receivers import HttpCallSettings
from monitor.store.database import StateSettings, open_state
from tests.outbox import Clock, desk, firing, kept, queue, webhook
from tests.scripted_http import answer, scripted


def test_a_template_that_fails_at_delivery_is_a_dead_letter_of_its_own(tmp_path: Path) -> None:
    """The message is given up with its reason and nothing is sent there; the other receiver gets it."""
    clock, state = Clock(), open_state(StateSettings(), tmp_path)
    with scripted(answer(200)) as other, scripted(answer(200)) as template:
        given = {"name": "own", "url": template.url, "body": {"share": "{{ 1 / columns | length }}"}}
        own = HttpCallSettings.model_validate(given)
        seen: list[Attempt] = []
        ids = [queue(state, firing(), clock, name) for name in ("own", "job")]
        for settings in (own, webhook(other)):
            dispatch_due(desk(state, settings, clock, seen))
        found = [kept(state, each) for each in ids]
    state.close()
    assert [(each.status, each.reason) for each in found] == [("dead", "template_failed"), ("delivered", None)]
    assert seen[0].detail == "a template cannot be rendered (ZeroDivisionError)"
    assert (template.connections, other.connections) == (0, 1)
