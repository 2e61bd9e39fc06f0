"""What asks for a retraining beside drift: a loss that has held, and a version's age; and what is asked no more.

Drift weighs its evidence itself. A performance alert must have held in three of the last five looks at it.
"""

from __future__ import annotations

from typing import Any

from monitor.alert import AlertState
from monitor.identity import digest_id
from monitor.instant import Instant, from_text, microseconds
from monitor.pipeline.acting import act, withdraw
from monitor.pipeline.closed import Closed
from monitor.pipeline.following import follow_up
from monitor.pipeline.gating import Asked, by_alert, firing_ids
from monitor.pipeline.model import Model, Version
from monitor.pipeline.telling import tell

Json = dict[str, Any]
PERFORMANCE, AGE = "performance", "age"
_LOOKS, _HELD = 5, 3


def hold(version: Version, breached: bool | None) -> None:  # noqa: FBT001 - what a finding says
    """Note whether one look at a version's performance was a breach; ``None`` says nothing."""
    if breached is not None:
        version.held = (*version.held, breached)[-_LOOKS:]


def ask(model: Model, closed: Closed, wall: Instant) -> None:
    """Decide on what is asked for at an instant, once its windows are closed and scored, and on what helped."""
    if model.plan.retrain is None:
        return
    follow_up(model, closed)
    windows = {body["version"]: body for body in closed.windows}
    live = [name for name in model.live if name in windows]
    now = closed.at, wall
    for name in live:
        _ask_by_loss(model, name, windows[name], closed, now)
    if live:
        youngest = max(live, key=lambda name: (model.versions[name].since, name))
        _ask_by_age(model, youngest, windows[youngest], closed, now)
    taken = withdraw(model, firing_ids(model), closed.at)
    closed.actions += taken
    by_id = {body["alert"]: body for body in taken}
    for alert in closed.moved:
        if alert["id"] in by_id:
            alert["action"] = {key: by_id[alert["id"]][key] for key in ("id", "kind", "status", "why")}


def _ask_by_loss(model: Model, name: str, window: Json, closed: Closed, now: tuple[Instant, Instant]) -> None:
    raised = model.versions[name].raised.get((PERFORMANCE, ""))
    if raised is None or raised.alert.state is not AlertState.FIRING or raised.body is None:
        return
    persistent = sum(model.versions[name].held) >= _HELD
    acted = act(model, by_alert(raised.body, window, persistent=persistent), now)
    if acted is None or (not acted.changed and raised.body["action"] == acted.summary):
        return
    raised.body["action"] = acted.summary
    closed.moved.append(raised.body)
    if acted.changed:
        closed.actions.append(acted.body)
        closed.told += tell(model, raised.body, window, None, acted)


def _ask_by_age(model: Model, name: str, window: Json, closed: Closed, now: tuple[Instant, Instant]) -> None:
    """Ask once for each ``max_age`` that the youngest version has served."""
    retrain = model.plan.retrain
    if retrain is None or retrain.max_age is None:
        return
    times = (from_text(window["end"]) - model.versions[name].since) // microseconds(retrain.max_age)
    if times < 1:
        return
    ident = digest_id("ac", model.plan.name, name, AGE, str(times))
    acted = act(model, Asked(ident, AGE, name, window), now)
    if acted is not None and acted.changed:
        closed.actions.append(acted.body)
        closed.told += tell(model, {"model": model.plan.name, "version": name}, window, None, acted)


def _firing(model: Model) -> set[str]:
    """Return the ids of the alerts that may ask for something."""
    found = set()
    for version in model.versions.values():
        found |= {version.alert.id} if version.alert.state is AlertState.FIRING else set()
        found |= {each.alert.id for each in version.raised.values() if each.alert.state is AlertState.FIRING}
    return {ident for ident in found if ident is not None}
