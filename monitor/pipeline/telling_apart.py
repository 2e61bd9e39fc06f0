"""A classifier tells each step of a version from its reference, at the close that ends the step.

Its skill is one more column, ``joint.classifier``, and the evidence of its ranks a part of the drift alert's. The close
waits for the child: what it says never depends on how fast the child was, unless there is no answer in time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from monitor.apart.ground import Ground
from monitor.apart.sample import Sample
from monitor.calibration.conformal import Conformal, bet, forget, p_value, unfit
from monitor.instant import Instant
from monitor.verdict import Why
from monitor.workers import Failure, Limits, Task, WorkerFailed, pack, unpack

Json = dict[str, Any]
Call = Callable[[Task], bytes]
"""Has a child do a task, and waits for its answer."""
STEP_LIMITS = Limits(seconds=300.0, memory_bytes=2**30, niceness=10)
REFERENCE_LIMITS = Limits(seconds=3600.0, memory_bytes=2**30, niceness=10)
"""Of the reference's own steps, once: a hundred times the work."""
_FUNCTION = "monitor.workers.classifier:tell_each"
_WHYS = {
    Failure.NOT_INSTALLED: Why.NOT_INSTALLED,
    Failure.TIME_LIMIT: Why.CLASSIFIER_TIMED_OUT,
}


@dataclass(frozen=True, slots=True)
class Look:
    """What came of the last step that was over.

    Attributes
    ----------
    at: its end. ``why``: why there is no skill, or ``None``.
    p_value: of the skill's rank among those known before; ``None`` where ranks are no evidence.
    carried_by: the columns that carry the skill, ``{"column", "skill_lost"}``.
    """

    at: Instant
    rows: int
    why: str | None = None
    skill: float | None = None
    p_value: float | None = None
    carried_by: tuple[Json, ...] = ()


@dataclass(slots=True)
class Apart:
    """What is known of telling a version from its reference.

    Attributes
    ----------
    ranks: ``None`` until the reference's own steps are compared.
    since: when the evidence began, the mean over its bets: each step that is not among the highest moves it on.
    missed: steps without an answer, by reason.
    """

    ground: Ground
    sample: Sample
    ranks: Conformal | None = None
    look: Look | None = None
    since: Instant | None = None
    missed: dict[str, int] = field(default_factory=dict)
    kept: bytes = b""
    """What the store holds of it, without the rows."""

    @property
    def why(self) -> str | None:
        """Return why its ranks are no evidence, or ``None``."""
        if not self.ground.usable:
            return Why.REFERENCE_TOO_SHORT.value
        if self.ranks is None:
            return Why.STEP_NOT_OVER.value
        found = unfit(self.ranks.own)
        return None if found is None else str(found)

    @property
    def threshold(self) -> float:
        """Return the least skill that is more than the reference has at any step of its own, and that matters."""
        own = () if self.ranks is None else self.ranks.own
        return max(self.ground.least_skill, *own) if own else self.ground.least_skill

    @property
    def calm(self) -> bool:
        """Say whether the last step that was compared is told no better than those of the reference."""
        return self.look is not None and self.look.skill is not None and self.look.skill < self.threshold


def new_apart(ground: Ground | None) -> Apart | None:
    """Return what is known before the first step; ``None`` where no classifier is asked for."""
    if ground is None:
        return None
    return Apart(ground, Sample(ground.every, ground.rows, ground.columns))


def follow_on(before: Apart | None, ground: Ground | None, at: Instant) -> Apart | None:
    """Return what is known where another reference, or another life of a version, begins: rows from then on, no more.

    The store's rows of before go with its next close.
    """
    apart = new_apart(ground)
    if before is not None and apart is not None:
        apart.sample = before.sample.since(at, apart.sample)
    return apart


def look_at_steps(apart: Apart, end: Instant, since: Instant, call: Call, *, frozen: bool) -> None:
    """Compare the steps that are over at a close with the reference.

    Parameters
    ----------
    since: from when on the version's rows were counted: a step that began before is passed over.
    frozen: whether an alert fires by evidence: then no bet is made.

    Raises
    ------
    WorkerFailed: the process is stopping; nothing was changed that a store keeps.
    """
    for number, rows in apart.sample.finished(end):
        start = number * apart.ground.every
        if start < since or not apart.ground.usable:
            continue
        at = start + apart.ground.every
        if rows.num_rows < apart.ground.rows:
            apart.look = Look(at, rows.num_rows, Why.TOO_FEW_ROWS.value)
            continue
        try:
            _compare(apart, rows, at, call, frozen=frozen)
        except WorkerFailed as failed:
            if failed.reason is Failure.STOPPED:
                raise
            why = _WHYS.get(failed.reason, Why.METHOD_FAILED).value
            apart.missed[why] = apart.missed.get(why, 0) + 1
            apart.look = Look(at, rows.num_rows, why)


def _compare(apart: Apart, rows: pa.Table, at: Instant, call: Call, *, frozen: bool) -> None:
    ground = apart.ground
    if apart.ranks is None:
        apart.ranks = Conformal(_own_skills(ground, call))
    answer = _asked(call, ground, (rows.num_rows,), rows, STEP_LIMITS)
    (skill,) = answer["skills"]
    fit = unfit(apart.ranks.own) is None
    chance = p_value(apart.ranks, skill) if fit else None
    apart.look = Look(at, rows.num_rows, None, skill, chance, tuple(answer["carried_by"]))
    if fit and not frozen:
        before = apart.ranks.total
        apart.ranks = bet(apart.ranks, skill, matters=skill >= ground.least_skill)
        start, weight = at - ground.every, 1 + before
        apart.since = start if apart.since is None else apart.since + round((start - apart.since) / weight)


def _own_skills(ground: Ground, call: Call) -> tuple[float, ...]:
    """Return the skill at each step of the reference, asked for once."""
    if ground.own is None and ground.steps is not None and ground.sizes:
        ground.own = tuple(_asked(call, ground, ground.sizes, ground.steps, REFERENCE_LIMITS)["skills"])
    ground.steps = None
    return ground.own or ()


def _asked(call: Call, ground: Ground, sizes: tuple[int, ...], steps: pa.Table, limits: Limits) -> Json:
    task = Task(_FUNCTION, pack({"steps": list(sizes)}, [ground.known, steps]), "the classifier", limits)
    try:
        content = call(task)
    except WorkerFailed as failed:
        if failed.reason is not Failure.DIED:
            raise
        content = call(task)  # a child is the first to go when memory runs out for all; that may have passed
    answer: Json = unpack(content)[0]
    return answer


def without_evidence(apart: Apart) -> None:
    """Let go of the evidence: its alert is resolved."""
    apart.since = None
    if apart.ranks is not None:
        apart.ranks = forget(apart.ranks)
