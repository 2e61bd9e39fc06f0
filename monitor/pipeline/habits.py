"""Latency and volume against what is usual of them: learnt from the reference, or from the stream's first steps.

The reference's latency is taken at once. Its volume is believed only after the stream's first steps have been as many
as it lets expect, for a reference is often a sample: otherwise, and without one, the stream's first four weeks (or 56
steps) are learnt from. While an alert fires its evidence is frozen; it is over after ``resolve_after`` steps whose
effect reaches into what is tolerated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np

from monitor.budget import usual_seasons, usual_steps
from monitor.calibration import engine as calibration
from monitor.calibration.state import State
from monitor.history import History, Integers, folded, step_length
from monitor.instant import Instant, microseconds
from monitor.latency import LATENCY_BINS, QUANTILES
from monitor.performance.objective import Served
from monitor.pipeline.plan import ModelPlan
from monitor.usual import LATENCY, VOLUME, Departure, Usual, depart, expected_volume, latency_usual, volume_usual

Json = dict[str, Any]
LEARNING = "learning"
REFERENCE, STREAM = "reference", "stream"
_LEARN, _LEAST_STEPS = microseconds(timedelta(weeks=4)), 56
_TRUST_STEPS = 12
"""Steps, or one season if that is longer, after which a reference's volume is believed or not."""
_ALIKE = 1.3
"""A reference is believed where the stream's first steps have at most so many times its records, or so few."""


@dataclass(slots=True)
class Habit:
    """What one version is known to do, of latency or of volume.

    Attributes
    ----------
    offered: what the reference says is usual, which may have to be confirmed.
    usual, source: what is judged by, and where that is from; ``None`` while it is learnt.
    times, counts: the steps learnt from, in time; kept, so that a restart learns the same.
    gathered, stretches: of the step that is under way, and of how many stretches; before the first whole step none.
    state, evidence, standing, calm, detail: of the alert: whether it is held to be on, since how many calm steps it
        might be over, and what is said of it.
    changed: whether what was learnt is not in the store yet.
    """

    kind: str
    offered: Usual | None = None
    usual: Usual | None = None
    source: str | None = None
    times: list[int] = field(default_factory=list)
    counts: list[Integers] = field(default_factory=list)
    gathered: Integers | None = None
    stretches: int = 0
    state: State | None = None
    evidence: float = 0.0
    standing: bool = False
    calm: int = 0
    detail: str = ""
    factor: float | None = None
    began: int | None = None
    changed: bool = False


def usual_of(histories: Mapping[str, History | None], plan: ModelPlan) -> dict[str, Usual]:
    """Return what a reference says is usual, of those of latency and volume that it tells."""
    found = {}
    for kind, history in histories.items():
        if history is not None:
            found[kind] = _compiled(kind, history, plan)
    return found


def _compiled(kind: str, history: History, plan: ModelPlan) -> Usual:
    compile_usual = latency_usual if kind == LATENCY else volume_usual
    return compile_usual(history, usual_steps(plan.alerts, plan.window), usual_seasons(plan.window))


def new_habits(offered: Mapping[str, Usual]) -> dict[str, Habit]:
    """Return what is known of a version before its first record."""
    habits = {kind: Habit(kind, offered.get(kind)) for kind in (LATENCY, VOLUME)}
    if habits[LATENCY].offered is not None:
        _adopt(habits[LATENCY], habits[LATENCY].offered, REFERENCE)
    return habits


def renewed_habits(habits: Mapping[str, Habit], offered: Mapping[str, Usual]) -> dict[str, Habit]:
    """Return what is known of a version whose reference was made anew: what the stream has taught stays."""
    fresh = new_habits(offered)
    for kind, habit in habits.items():
        if habit.source == REFERENCE or (kind == LATENCY and habit.usual is None and fresh[kind].usual is not None):
            fresh[kind].changed = True
        else:
            fresh[kind] = habit
            habit.offered = offered.get(kind)
    return fresh


def _adopt(habit: Habit, usual: Usual | None, source: str) -> None:
    habit.usual, habit.source = usual, source
    engine = usual.engine if usual is not None else None
    habit.state = calibration.start(engine) if engine is not None else None
    habit.evidence, habit.standing, habit.calm, habit.began = 0.0, False, 0, None


def watch_habits(habits: Mapping[str, Habit], plan: ModelPlan, seen: Served, end: Instant, sharing: int) -> Json:
    """Take in one stretch; return what is said of each.

    Parameters
    ----------
    end: of the stretch. ``sharing``: how many live versions share the budget.
    """
    bodies = {}
    for kind, habit in habits.items():
        counts = seen.latency if kind == LATENCY else np.array([round(seen.rows / seen.sampled_ratio)], np.int64)
        if seen.replaced:
            habit.gathered, habit.stretches = None, 0
        else:
            _gather(habit, plan, counts, end, sharing)
        bodies[kind] = _body(habit, plan, end, sharing)
    return bodies


def _gather(habit: Habit, plan: ModelPlan, counts: Integers, end: Instant, sharing: int) -> None:
    """Add a stretch to the step that is under way; a step that did not begin with its first stretch is left out.

    A step with fewer latencies than a window needs rows joins the next.
    """
    step, every = step_length(plan.window), microseconds(plan.window.every)
    habit.gathered = counts if habit.gathered is None else habit.gathered + counts
    habit.stretches += 1
    if end % step or (habit.kind == LATENCY and habit.gathered.sum() < plan.window.min_rows):
        return
    whole, counts = not habit.stretches % (step // every), habit.gathered
    habit.gathered, habit.stretches = None, 0
    if whole:
        _take(habit, plan, (end // step - 1, counts), sharing)


def _take(habit: Habit, plan: ModelPlan, step: tuple[int, Integers], sharing: int) -> None:
    time, counts = step
    if habit.usual is None:
        _learn(habit, plan, time, counts)
    elif habit.usual.engine is not None and habit.state is not None:
        told = depart(habit.usual, habit.state, time, counts, frozen=habit.standing)
        _weigh(habit, plan, (time, counts, told), sharing)


def _weigh(habit: Habit, plan: ModelPlan, seen: tuple[int, Integers, Departure], sharing: int) -> None:
    """Move the alert's own state on by one step."""
    time, counts, told = seen
    usual = habit.usual
    if usual is None or usual.engine is None:
        return
    habit.state, habit.evidence = told.state, told.evidence
    if habit.standing:
        habit.calm = habit.calm + 1 if told.effect is None or told.effect.tolerated else 0
        if habit.calm >= plan.alerts.resolve_after:
            _adopt(habit, usual, habit.source or STREAM)
    elif usual.calibrated and told.evidence >= usual.engine.threshold * sharing:
        habit.standing, habit.calm, habit.began = True, 0, told.began
    if habit.standing and not habit.calm:
        habit.detail, habit.factor = _said(usual, time, counts)


def _said(usual: Usual, time: int, counts: Integers) -> tuple[str, float | None]:
    """Say what was seen and what is usual, and how many times as much it is."""
    if usual.kind == VOLUME:
        expected = expected_volume(usual, time)
        factor = None if not expected else float(f"{float(counts[0]) / expected:.3g}")
        return f"volume: {int(counts[0])} records in a step where about {expected or 0:.0f} are usual", factor
    ratios = {}
    whole = counts if usual.whole is None else usual.whole
    for name, share in QUANTILES.items():
        now, before = LATENCY_BINS.quantile(counts, share), LATENCY_BINS.quantile(whole, share)
        if now is not None and before is not None:
            ratios[name] = now / before, now, before
    name = max(ratios, key=lambda each: abs(np.log(ratios[each][0])))
    factor, now, before = ratios[name]
    return f"latency: {name} of {now:.3g} s where {before:.3g} s is usual", float(f"{factor:.3g}")


def _learn(habit: Habit, plan: ModelPlan, time: int, counts: Integers) -> None:
    habit.times.append(time)
    habit.counts.append(counts.astype(np.int32))
    habit.changed = True
    if habit.offered is not None and len(habit.times) == _trust_steps(plan) and _is_alike(habit):
        _adopt(habit, habit.offered, REFERENCE)
        habit.times, habit.counts = [], []
    elif len(habit.times) >= learning_steps(plan):
        _adopt(habit, _compiled(habit.kind, _history(habit), plan), STREAM)


def _history(habit: Habit) -> History:
    times, counts = np.array(habit.times, np.int64), np.stack(habit.counts).astype(np.int64)
    return folded(times, counts) if habit.kind == LATENCY else History(times, counts)


def learning_steps(plan: ModelPlan) -> int:
    """Return how many steps of the stream are learnt from."""
    return max(-(-_LEARN // step_length(plan.window)), _LEAST_STEPS)


def _trust_steps(plan: ModelPlan) -> int:
    return max(min(usual_seasons(plan.window), default=0), _TRUST_STEPS)


def _is_alike(habit: Habit) -> bool:
    """Say whether the stream's first steps have about as many records as the reference lets expect."""
    if habit.offered is None or habit.offered.season is None:
        return False
    expected = sum(expected_volume(habit.offered, time) or 0.0 for time in habit.times)
    seen = float(sum(int(counts[0]) for counts in habit.counts))
    return expected > 0 and 1 / _ALIKE <= seen / expected <= _ALIKE


def _body(habit: Habit, plan: ModelPlan, end: Instant, sharing: int) -> Json:
    usual, step = habit.usual, step_length(plan.window)
    body: Json = {"source": habit.source, "calibrated": False, "why": LEARNING, "evidence": None, "threshold": None}
    body |= {"learnt_steps": len(habit.times), "expected": None}
    if usual is None:
        return body
    if habit.kind == VOLUME:
        body["expected"] = expected_volume(usual, -(-end // step) - 1)
    threshold = usual.engine.threshold * sharing if usual.engine is not None else None
    return body | {
        "calibrated": usual.calibrated,
        "why": usual.why,
        "evidence": habit.evidence if usual.engine is not None else None,
        "threshold": threshold,
    }


def restored(habit: Habit, plan: ModelPlan, source: str | None) -> None:
    """Give a habit whose steps came back from the store what it was judged by."""
    if source == REFERENCE:
        habit.usual, habit.source = habit.offered, REFERENCE
    elif source == STREAM:
        habit.usual, habit.source = _compiled(habit.kind, _history(habit), plan), STREAM
