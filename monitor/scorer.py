"""What scores the windows of a version: how its answers are read, and what the reference says of their performance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.calibration.betting import LEAST_TARGETS, Bound, bound
from monitor.performance.losses import losses
from monitor.performance.metric import Metric
from monitor.performance.pairs import Floats, NumberPairs, Pairs
from monitor.performance.reading import Answers, answers_of, pairs_of, targets_of
from monitor.performance.registry import defaults_for, metrics_for
from monitor.record import Role
from monitor.reference import Reference
from monitor.window import join_steps

LEAST_BLOCKS = 10
"""With fewer blocks of the reference its mean loss is not known well enough to raise an alarm by."""
_SEED = 0
_WHOLE = 0.99


class Unbounded(StrEnum):
    """Why no alarm on performance is raised."""

    NO_TARGETS = "reference_without_targets"
    NO_TIMESTAMPS = "reference_without_timestamps"
    TOO_FEW_BLOCKS = "reference_too_short"


@dataclass(frozen=True, slots=True)
class Scorer:
    """What is known of a version's performance before a window is scored.

    Attributes
    ----------
    expected: the value of each metric on the reference, ``None`` where it has none there.
    scale: the error of a regression that counts as a whole loss.
    bound: of the mean loss of a block; ``None`` where ``why`` says why there is none.
    """

    answers: Answers
    metrics: tuple[Metric, ...]
    expected: Mapping[str, float | None] = field(repr=False)
    scale: float
    bound: Bound | None
    why: Unbounded | None


def compile_scorer(
    table: pa.Table, times: NDArray[np.int64] | None, reference: Reference, plan: tuple[str, Sequence[str] | None, int]
) -> Scorer | None:
    """Learn from the rows of a reference; ``None`` where the model's performance has no meaning.

    Parameters
    ----------
    table, times: as of :func:`monitor.reference.compile_reference`.
    plan: the task, the metrics that are asked for (``None``: those of the task), and the length of a stretch.
    """
    task, wanted, every = plan
    target = reference.targets.columns[0].path
    columns = [column for column in reference.layout.columns if column.role is not Role.FEATURE]
    rows = pa.table({column.key: table[column.path] for column in columns}) if columns else table.select([])
    predicted = [table[column.path] for column in columns if column.role is Role.PREDICTION]
    known = [table[target]] if target in table.column_names else []
    answers = answers_of(task, columns, [*predicted, *known])
    if answers is None:
        return None
    metrics = _metrics(answers, wanted)
    if not known:
        return Scorer(answers, metrics, {}, 1.0, None, Unbounded.NO_TARGETS)
    pairs, places = pairs_of(answers, rows, targets_of(known[0]))
    order = np.random.default_rng(_SEED)
    expected = {metric.name: metric.compute(pairs, order).value for metric in metrics}
    scale = _scale(pairs)
    if times is None:
        return Scorer(answers, metrics, expected, scale, None, Unbounded.NO_TIMESTAMPS)
    blocks = block_losses(losses(pairs, scale), times[places] // every)
    if len(blocks) < LEAST_BLOCKS:
        return Scorer(answers, metrics, expected, scale, None, Unbounded.TOO_FEW_BLOCKS)
    return Scorer(answers, metrics, expected, scale, bound(blocks, np.random.default_rng(_SEED)), None)


def block_losses(lost: Floats, stretches: NDArray[np.int64]) -> Floats:
    """Return the mean loss of each block: stretches in time, joined until they have enough targets.

    Parameters
    ----------
    lost: the loss of each row, (n,). stretches: the number of its stretch, (n,), in any order.
    """
    if not len(lost):
        return np.zeros(0)
    _, place, counts = np.unique(stretches, return_inverse=True, return_counts=True)
    sums = np.bincount(place, weights=lost)
    edges = join_steps(counts, LEAST_TARGETS)[:-1]
    return np.asarray(np.add.reduceat(sums, edges) / np.add.reduceat(counts, edges), dtype=np.float64)


def _metrics(answers: Answers, wanted: Sequence[str] | None) -> tuple[Metric, ...]:
    has = {"has_prediction": answers.prediction is not None or answers.has_score, "has_score": answers.has_score}
    if wanted is None:
        return tuple(defaults_for(answers.task, **has).values())
    able = metrics_for(answers.task, **has)
    return tuple(able[name] for name in wanted if name in able)


def _scale(pairs: Pairs) -> float:
    """Return the error of a regression that is a whole loss: what the reference exceeds in one row of a hundred."""
    if not isinstance(pairs, NumberPairs):
        return 1.0
    errors = np.abs(pairs.targets - pairs.predictions)
    errors = errors[np.isfinite(errors)]
    found = float(np.quantile(errors, _WHOLE)) if len(errors) else 0.0
    return found if found > 0 else 1.0
