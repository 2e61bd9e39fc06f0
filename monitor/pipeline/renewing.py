"""A reference that follows the stream is made anew at a close, never of rows in which something was wrong.

It is due once ``renew`` has passed since it was made, at the end of a window. While the drift alert is pending or
fires, while the quality of the data is told to be wrong, or while latency or volume is, it stays as it is, and why is
told. Steps in which drift or a fault of the data was told, from where it began, are not held: what follows is not
learnt from them. It also stays while fewer than half as many steps are held as it was made of.

Actions are not asked: they end by what a job reports, and a replay would know other references than the daemon did.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import pyarrow as pa

from monitor.alert import AlertState
from monitor.instant import SECOND, Instant, to_text
from monitor.pipeline.closed import Json
from monitor.pipeline.model import FOREVER, Model, Version
from monitor.pipeline.references import Frozen
from monitor.pipeline.trail import Trail
from monitor.window import NEVER

MADE, RENEWED, KEPT = "reference_made", "reference_renewed", "reference_kept"
"""What the log says."""
_QUALITY = "quality"


class Kept(StrEnum):
    """Why a reference was not made anew when it was due."""

    DRIFT_ALERT = "drift_alert"
    QUALITY_ALERT = "quality_alert"
    USUAL_ALERT = "usual_alert"
    TOO_FEW_STEPS = "too_few_steps"
    UNUSABLE = "unusable"


@dataclass(slots=True)
class Followed:
    """What a close changed of a version's trail.

    Attributes
    ----------
    settled: what is held of steps that closed. ``gone``: the starts of steps that are held no more.
    made: how a reference was made, and of which rows; ``None`` where it was not.
    counted: the stretch whose rows waited for this close; ``None`` where none did.
    told: what the log is to say of it.
    """

    settled: dict[Instant, bytes] = field(default_factory=dict)
    gone: list[Instant] = field(default_factory=list)
    made: tuple[Frozen, pa.Table] | None = None
    counted: tuple[Instant, Instant] | None = None
    told: Json | None = None


def follow(model: Model, name: str, held: Trail, end: Instant) -> Followed:
    """Let what is held of a version end at a close, and make its reference of it where that is due."""
    followed = Followed(held.settle(end))
    since = _wrong_since(model.versions[name])
    if since is not None:
        followed.gone += held.forget(since // held.plan.step * held.plan.step, FOREVER)
    followed.gone += held.forget(NEVER, end - held.plan.length)
    if end >= held.due:
        ready = _ready_at(model, name, held)
        if ready is not None and end >= ready:
            _renew(model, name, held, end, followed)
            ready = _ready_at(model, name, held)
        held.due = max(NEVER if ready is None else ready, end + held.plan.step)
        followed.counted = end, held.due
    return followed


def leave(held: Trail, end: Instant) -> Followed:
    """Hold no more of a retired version than what was read of its return already."""
    held.settle(end)
    followed = Followed(gone=held.forget(NEVER, FOREVER))
    held.since = held.tried = held.why = None
    if end >= held.due:
        held.due = end + held.plan.step
        followed.counted = end, held.due
    return followed


def _ready_at(model: Model, name: str, held: Trail) -> Instant | None:
    """Return when the reference may be made next; ``None`` before there is a closed step."""
    frozen = model.references.frozen(name)
    begun = [held.since, held.tried, None if frozen is None else frozen.at]
    return None if held.since is None else max(at for at in begun if at is not None) + held.plan.renew


def renewal(model: Model, name: str) -> Json | None:
    """Return when a version's reference was made and is to be made anew, and why it was not; ``None`` of another.

    ``overdue_seconds`` is how long that has been due, in event time.
    """
    held, trailing, frozen = model.gathered.get(name), model.references.trailing(name), model.references.frozen(name)
    if trailing is None:
        return None
    ready = _ready_at(model, name, held) if isinstance(held, Trail) else None
    late = 0 if ready is None or model.closed < ready else model.closed - ready
    return {
        "made_at": None if frozen is None else to_text(frozen.at),
        "due_at": None if ready is None else to_text(ready),
        "overdue_seconds": late / SECOND,
        "steps": len(held.closed) if isinstance(held, Trail) else 0,
        "why": held.why if isinstance(held, Trail) else None,
    }


def _renew(model: Model, name: str, held: Trail, end: Instant, followed: Followed) -> None:
    """Make the reference; where it stays as it is, say once why."""
    before, judge = model.references.frozen(name), model.references.judge(name)
    id_ = None if judge is None else judge.reference.id
    why = _why_kept(model.versions[name], len(held.closed), before)
    if why is None:
        rows = held.chosen()
        steps = max(len(held.closed), 0 if before is None else before.steps)
        frozen = Frozen(held.plan.key, end, min(held.closed), steps, id_)
        if model.references.renew(name, frozen, rows):
            followed.made = frozen, rows
        else:
            why, held.tried = Kept.UNUSABLE, end
    told = {"version": name, "until": to_text(end), "before": id_}
    if why is None:
        made = model.references.judge(name)
        told |= {"reference": None if made is None else made.reference.id, "rows": rows.num_rows}
        followed.told = {
            "event": MADE if id_ is None else RENEWED,
            **told,
            "since": to_text(min(held.closed)),
            "steps": len(held.closed),
        }
    elif why != held.why:
        followed.told = {"event": KEPT, **told, "why": why.value}
    held.why = why


def _why_kept(version: Version, steps: int, before: Frozen | None) -> Kept | None:
    """Return why a reference that is due is not made; ``None`` where nothing speaks against it."""
    if any(each.alert.state is not AlertState.INACTIVE for each in (version, *version.parts.values())):
        return Kept.DRIFT_ALERT
    if any(name == _QUALITY for name, _ in version.raised):
        return Kept.QUALITY_ALERT
    if any(habit.standing for habit in version.habits.values()):
        return Kept.USUAL_ALERT
    if not steps or (before is not None and 2 * steps < before.steps):
        return Kept.TOO_FEW_STEPS
    return None


def _wrong_since(version: Version) -> Instant | None:
    """Return since when what is seen of a version is not to be learnt from; ``None`` where nothing is told."""
    told = [version.alert] if version.alert.state is AlertState.FIRING else []
    found = [alert.began_at if alert.began_at is not None else alert.started_at for alert in told]
    for (name, _), raised in version.raised.items():
        if name == _QUALITY and raised.alert.state is AlertState.FIRING:
            found.append(raised.alert.began_at if raised.alert.began_at is not None else raised.alert.started_at)
    return min((at for at in found if at is not None), default=None)
