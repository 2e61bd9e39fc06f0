"""Two tables told apart by a classifier: one more column of a comparison, ``joint.classifier``, made of all others.

Its distance is the classifier's skill, 2 AUC - 1 on rows that it has not seen, of the middle one of five folds. Among
guesses a fold's AUC is Mann-Whitney's statistic of its rows, whatever was learnt from the others; and twice the middle
of p-values is a p-value, however they depend on each other. It must also tell the sides apart better than it tells any
stretch of the reference from the rest of it: rows of one hour resemble each other, and no p-value knows.

Source: Mann, Whitney (1947), Annals of Mathematical Statistics 18:50; Rüger (1978), Metrika 25:171.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import ndtr, ndtri

from monitor.apart.skill import least_skill
from monitor.apart.values import values_of
from monitor.frame.pairing import NOT_COMPARED, Pair
from monitor.record import Kind, Role
from monitor.verdict import Verdict, Why
from monitor.workers import Failure, Limits, Task, WorkerFailed, Workers, pack, unpack

Json = dict[str, Any]
NAME, METHOD = "joint.classifier", "classifier"
ROWS = 5_000
"""So many rows a side, drawn by a fixed seed, are learnt from."""
BLOCKS = 5
FOLDS = 5
LEAST_ROWS = 100
"""With fewer rows on a side a fold has no twenty of it."""
LIMITS = Limits(seconds=600.0, memory_bytes=2 * 2**30, niceness=0)
_SEED = 11
_PASSED_ON = {
    Failure.TIME_LIMIT: "time_limit",
    Failure.MEMORY_LIMIT: "memory_limit",
    Failure.DIED: Why.METHOD_FAILED.value,
}


@dataclass(frozen=True, slots=True)
class ToldApart:
    """What a classifier made of two tables.

    Attributes
    ----------
    skill: 2 AUC - 1 on rows not seen; ``None`` where there is none, and ``failed`` says why.
    usual: the largest skill at telling a stretch of the reference from the rest of it.
    carried_by: the columns that carry it, at most five, ``{"column", "skill_lost"}``.
    rows: that were learnt from, of each side.
    """

    skill: float | None
    failed: str | None
    usual: float
    rows: tuple[int, int]
    carried_by: tuple[Json, ...] = field(default=())

    @property
    def p_value(self) -> float:
        """Return the chance of so much skill where rows are exchangeable; 1 where there is none."""
        if self.skill is None:
            return 1.0
        return min(1.0, 2 * float(ndtr(-self.skill / (2 * self._deviation))))

    def critical(self, level: float) -> float:
        """Return the least skill whose p-value is at most a level."""
        return 2 * self._deviation * float(ndtri(1 - level / 2))

    def threshold(self, level: float, tolerance: float) -> float:
        """Return the least skill that is drift: sure, above the reference's own stretches, and enough to matter.

        Parameters
        ----------
        tolerance: the least shift of a normal column that matters, in standard deviations; shows as so much skill.
        """
        return max(self.critical(level), self.usual, least_skill(tolerance))

    def body(self) -> Json:
        """Return what stands beside the columns: the rows that were learnt from, and what carries the skill."""
        return {"rows": list(self.rows), "usual": self.usual, "carried_by": list(self.carried_by)}

    @property
    def _deviation(self) -> float:
        """Return the standard deviation of the AUC of guesses on the smallest fold."""
        n, m = (rows // FOLDS for rows in self.rows)
        return float(np.sqrt((n + m + 1) / (12 * n * m)))


def told_apart(pairs: Sequence[Pair], order: pa.Array | None = None, limits: Limits = LIMITS) -> ToldApart:
    """Return how well a classifier tells two tables apart.

    Parameters
    ----------
    order: when the reference's rows were; ``None``: they stand in their order.

    Raises
    ------
    WorkerFailed: scikit-learn is not installed.
    """
    pairs = [pair for pair in pairs if pair.column.kind not in NOT_COMPARED]
    if not pairs:
        return ToldApart(None, Why.NO_VALUES.value, 0.0, (0, 0))
    old, new = _side(pairs, current=False), _side(pairs, current=True)
    if order is not None:
        old = old.take(pc.sort_indices(order))
    old, new = _drawn(old), _drawn(new)
    rows = old.num_rows, new.num_rows
    if min(rows) < LEAST_ROWS:
        return ToldApart(None, Why.TOO_FEW_ROWS.value, 0.0, rows)
    blocks = min(BLOCKS, old.num_rows // LEAST_ROWS)
    asked = {"blocks": blocks if blocks > 1 else 0}
    task = Task("monitor.workers.classifier:tell_apart", pack(asked, [old, new]), "the classifier", limits)
    try:
        with Workers() as workers:
            answer: Json = unpack(workers.call("compare", task))[0]
    except WorkerFailed as failed:
        if failed.reason not in _PASSED_ON:
            raise
        return ToldApart(None, _PASSED_ON[failed.reason], 0.0, rows)
    return ToldApart(answer["skill"], None, max(answer["blocks"], default=0.0), rows, tuple(answer["carried_by"]))


def told_body(apart: ToldApart, sides: tuple[Json, Json], level: float, tolerance: float) -> Json:
    """Return what a classifier made of two tables, as a column.

    Parameters
    ----------
    sides: both tables in figures.
    """
    body: Json = {"name": NAME, "role": Role.FEATURE.value, "kind": Kind.NUMERIC.value, "method": METHOD}
    body |= {"distance": None, "p_value": None, "threshold": None, "effect": None}
    body |= {"share_of_drift": None, "began_at": None, "reference": sides[0], "current": sides[1]}
    if apart.skill is None:
        known = apart.failed in (Why.TOO_FEW_ROWS, Why.NO_VALUES)
        verdict = Verdict.INSUFFICIENT_DATA if known else Verdict.FAILED
        return body | {"verdict": verdict.value, "why": apart.failed}
    threshold = apart.threshold(level, tolerance)
    over = apart.skill >= threshold
    return body | {
        "verdict": (Verdict.DRIFTED if over else Verdict.STABLE).value,
        "why": (Why.DISTANCE_OVER_THRESHOLD if over else Why.DISTANCE_UNDER_THRESHOLD).value,
        "distance": max(apart.skill, 0.0),
        "p_value": apart.p_value,
        "threshold": threshold,
    }


def _side(pairs: Sequence[Pair], *, current: bool) -> pa.Table:
    """Return one side as the child takes it: numbers and lengths of texts as floats, categories as text."""
    return pa.table(
        {pair.column.name: values_of(pair.column.kind, pair.current if current else pair.reference) for pair in pairs}
    )


def _drawn(table: pa.Table) -> pa.Table:
    """Return at most so many rows, drawn at random by a fixed seed, in their order."""
    if table.num_rows <= ROWS:
        return table
    chosen = np.random.default_rng(_SEED).choice(table.num_rows, ROWS, replace=False)
    return table.take(pa.array(np.sort(chosen)))
