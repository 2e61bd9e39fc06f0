"""What scores the windows of a version: how its answers are read, and what the reference says of their performance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.budget import divided
from monitor.calibration.betting import Bound, bound
from monitor.calibration.blocks import block_losses
from monitor.calibration.collapse import run_lengths
from monitor.errors import PermanentError
from monitor.fairness.groups import Watch, watch_groups
from monitor.fairness.settings import FairnessSettings
from monitor.fairness.slack import Sudden
from monitor.performance.business_value import NAME as VALUE
from monitor.performance.business_value import business_value
from monitor.performance.estimate.assumption import Assumption
from monitor.performance.estimate.binary import Matrix
from monitor.performance.estimate.binary_estimator import BinaryEstimator, fit_binary
from monitor.performance.estimate.multiclass_estimator import MulticlassEstimator, fit_multiclass
from monitor.performance.estimate.regression_estimator import FitRegression, RegressionEstimator, fit_regression
from monitor.performance.estimate.unfit import Unfit
from monitor.performance.losses import losses
from monitor.performance.metric import Metric
from monitor.performance.pairs import ClassPairs, Floats, NumberPairs, Pairs
from monitor.performance.reading import Answers, answers_of, pairs_of, require_numbers, targets_of
from monitor.performance.registry import defaults_for, named
from monitor.record import Role
from monitor.record_layout import ColumnsSettings, ColumnUnknown, feature_names
from monitor.reference import Reference
from monitor.segments import Segmentation

Estimator: TypeAlias = BinaryEstimator | MulticlassEstimator | RegressionEstimator
LEAST_BLOCKS = 10
"""With fewer blocks of the reference its mean loss is not known well enough to raise an alarm by."""
_SEED = 0
_WHOLE = 0.99
_UNTIMED_STEP = 1_000


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
    estimator: what estimates performance without targets; ``None`` if that is not asked for or cannot be.
    """

    answers: Answers
    metrics: tuple[Metric, ...]
    expected: Mapping[str, float | None] = field(repr=False)
    scale: float = 1.0
    bound: Bound | None = None
    why: Unbounded | None = None
    estimator: Estimator | None = field(default=None, repr=False)
    watches: tuple[Watch, ...] = field(default=(), repr=False)
    """What is measured between groups of records."""
    unfit: Unfit | None = None
    """Why nothing is estimated, where that is asked for."""
    lost: tuple[float, int] = (0.0, 0)
    """The losses of the reference's rows in sum, and of how many rows."""
    cuts: tuple[Segmentation, ...] = field(default=(), repr=False)
    parts: Mapping[str, Scorer] = field(default_factory=dict, repr=False)
    """What scores each segment of those, by label: against its own rows of the reference, without estimates."""

    def unestimated(self, metric: str) -> Unfit | None:
        """Say why a metric has no estimate; ``None`` where nobody asks for one, or there may be one."""
        if self.estimator is None:
            return self.unfit
        return None if metric in self.estimator.misses else Unfit.NOT_ESTIMABLE

    def shares(self, sharing: int) -> tuple[int, int]:
        """Return among how many the budget is divided, as the version sees it, and as each of its segments does.

        See :meth:`monitor.judge.Judge.shares`.
        """
        return divided(sharing, sum(part.bound is not None for part in self.parts.values()))


@dataclass(frozen=True, slots=True)
class ScoringPlan:
    """What is asked of a scorer.

    Attributes
    ----------
    metrics: by name; ``None``: those of the task. ``every``: length of a stretch in microseconds.
    assume: what moves while estimates hold.
    also: metrics that objectives name, beside those.
    fairness: the groups that are compared. ``sudden``: which windows tell of a sudden difference.
    worth: what a row brings, by the places of its target and of its prediction; ``None``: nobody says.
    """

    task: str
    columns: ColumnsSettings
    metrics: Sequence[str] | None
    estimate: bool
    every: int
    assume: Assumption = Assumption.COVARIATE_SHIFT
    also: Sequence[str] = ()
    fairness: FairnessSettings = field(default_factory=FairnessSettings)
    worth: Matrix | None = None
    sudden: Sudden = field(default_factory=Sudden)


class MatrixUnfit(PermanentError):
    """What answers are worth is told of other classes than the model has."""

    def __init__(self, classes: Sequence[str], rows: int) -> None:
        super().__init__(
            f"a business value of {len(classes)} classes is a matrix of as many rows (got {rows})",
            "give a row for each class as target, in the order of their names as text",
        )


def compile_scorer(
    table: pa.Table,
    times: NDArray[np.int64] | None,
    reference: Reference,
    plan: ScoringPlan,
    cuts: tuple[Segmentation, ...] = (),
    fit: FitRegression = fit_regression,
) -> Scorer | None:
    """Learn from the rows of a reference; ``None`` where the model's performance has no meaning.

    Parameters
    ----------
    table, times: as of :func:`monitor.reference.compile_reference`. ``cuts``: the segments that are scored apart.
    fit: fits the losses of a regression: of all that is learnt here it takes longest.

    Raises
    ------
    ColumnUnknown: a column of groups is no feature.
    MatrixUnfit: ``plan.worth`` is of other classes.
    AnswerUnfit: an answer that has to be a number is none.
    """
    if times is not None:
        order = np.argsort(times, kind="stable")
        table, times = table.take(pa.array(order)), times[order]
    target = reference.targets.columns[0].path
    columns = [column for column in reference.layout.columns if column.role is not Role.FEATURE]
    predicted = [table[column.path] for column in columns if column.role is Role.PREDICTION]
    known = [table[target]] if target in table.column_names else []
    answers = answers_of(plan.task, columns, [*predicted, *known])
    if answers is None:
        return None
    metrics = _metrics(answers, plan)
    rows = pa.table({column.key: table[column.path] for column in columns})
    require_numbers(answers, columns, rows)
    targets = targets_of(known[0]) if known else [None] * rows.num_rows
    features = _features(table, reference, plan)
    watches = _watches(answers, (rows, targets), features, reference, (plan, times))
    if not known:
        untaught = Unfit.NO_TARGETS if plan.estimate else None
        return Scorer(answers, metrics, {}, why=Unbounded.NO_TARGETS, watches=watches, unfit=untaught, cuts=cuts)
    pairs, places = pairs_of(answers, rows, targets)
    steps = None if times is None else times // plan.every
    own = None if steps is None else steps[places]
    bare = _learnt(answers, metrics, pairs, own, _scale(pairs), run_lengths(plan.every))
    found: Estimator | Unfit | None = None
    if plan.estimate:
        of_pairs = places // _UNTIMED_STEP if steps is None else steps[places]
        told = of_pairs, features.take(pa.array(places))
        found = fit(pairs, *told) if isinstance(pairs, NumberPairs) else _classifier(pairs, *told, plan)
    estimator, unfit = (None, found) if isinstance(found, Unfit) else (found, None)
    parts = {label: part for cut in cuts for label, part in _parts(bare, cut, (rows, targets, features), steps)}
    return replace(bare, estimator=estimator, watches=watches, unfit=unfit, cuts=cuts, parts=parts)


def _learnt(
    answers: Answers,
    metrics: tuple[Metric, ...],
    pairs: Pairs,
    steps: NDArray[np.int64] | None,
    scale: float,
    lengths: tuple[int, ...] = (),
) -> Scorer:
    """Return what scores rows like those of a reference.

    Parameters
    ----------
    steps: of each pair, ``None`` without timestamps.
    lengths: of runs, in steps, that may be a collapse; of segments none is: that rule does not know how many there are.
    """
    generator = np.random.default_rng(_SEED)
    expected = {metric.name: metric.compute(pairs, generator).value for metric in metrics}
    lost = losses(pairs, scale)
    limit, why = _bound(lost, steps, lengths)
    known = lost[~np.isnan(lost)]
    return Scorer(answers, metrics, expected, scale, limit, why, lost=(float(known.sum()), len(known)))


def _parts(
    whole: Scorer,
    cut: Segmentation,
    told: tuple[pa.Table, Sequence[str | None], pa.Table],
    steps: NDArray[np.int64] | None,
) -> Iterator[tuple[str, Scorer]]:
    """Yield what scores each segment, learnt from its own rows; ``told`` are answers, targets and features."""
    rows, targets, features = told
    codes = cut.codes(features)
    for place, label in enumerate(cut.labels):
        mine = np.flatnonzero(codes == place)
        pairs, kept = pairs_of(whole.answers, rows.take(pa.array(mine)), [targets[row] for row in mine.tolist()])
        own = None if steps is None else steps[mine[kept]]
        yield label, _learnt(whole.answers, whole.metrics, pairs, own, whole.scale)


def _bound(
    lost: Floats, stretches: NDArray[np.int64] | None, lengths: tuple[int, ...]
) -> tuple[Bound | None, Unbounded | None]:
    if stretches is None:
        return None, Unbounded.NO_TIMESTAMPS
    blocks = block_losses(lost, stretches)
    if len(blocks) < LEAST_BLOCKS:
        return None, Unbounded.TOO_FEW_BLOCKS
    return bound(blocks, np.random.default_rng(_SEED), lengths=lengths), None


def _classifier(pairs: Pairs, steps: NDArray[np.int64], features: pa.Table, plan: ScoringPlan) -> Estimator | Unfit:
    if not isinstance(pairs, ClassPairs):
        return Unfit.NOT_ESTIMABLE
    if pairs.scores is None:
        return Unfit.NO_SCORES
    if pairs.scores.ndim == 1:
        return fit_binary(pairs, steps, features, plan.worth, plan.assume)
    return fit_multiclass(pairs, steps, features, plan.worth)


def _features(table: pa.Table, reference: Reference, plan: ScoringPlan) -> pa.Table:
    """Return the features under the names that they have in canonical rows."""
    paths = feature_names(table.column_names, plan.columns)
    layout = [column for column in reference.layout.columns if column.role is Role.FEATURE]
    return pa.table({column.key: table[paths[column.name]] for column in layout if column.name in paths})


def _watches(
    answers: Answers,
    told: tuple[pa.Table, Sequence[str | None]],
    features: pa.Table,
    reference: Reference,
    asked: tuple[ScoringPlan, NDArray[np.int64] | None],
) -> tuple[Watch, ...]:
    (rows, targets), (plan, times) = told, asked
    settings = plan.fairness
    keys = {column.name: column.key for column in reference.layout.columns if column.role is Role.FEATURE}
    for name in settings.columns:
        if name not in keys:
            near = get_close_matches(name, keys, n=1)
            raise ColumnUnknown(name, near[0] if near else None)
    both = pa.table({key: rows[key] for key in rows.column_names} | {key: features[key] for key in keys.values()})
    return tuple(
        watch_groups(answers, (name, keys[name]), both, targets, settings, (times, plan.sudden))
        for name in settings.columns
    )


def _metrics(answers: Answers, plan: ScoringPlan) -> tuple[Metric, ...]:
    if plan.worth is not None and len(plan.worth) != len(answers.classes):
        raise MatrixUnfit(answers.classes, len(plan.worth))
    of_worth = {} if plan.worth is None else {VALUE: business_value(plan.worth)}
    wanted = plan.metrics
    has = {"has_prediction": answers.prediction is not None or answers.has_score, "has_score": answers.has_score}
    if wanted is None:
        wanted = [*defaults_for(answers.task, **has), *(("interval_coverage",) if answers.ends else ())]
    there = {name for name in ("prediction", "score") if has[f"has_{name}"]}
    names = dict.fromkeys((*wanted, *plan.also, *of_worth))
    found = [metric for name in names if (metric := of_worth.get(name) or named(name)) is not None]
    return tuple(metric for metric in found if answers.task in metric.tasks and metric.needs <= there)


def _scale(pairs: Pairs) -> float:
    """Return the error of a regression that is a whole loss: what the reference exceeds in one row of a hundred."""
    if not isinstance(pairs, NumberPairs):
        return 1.0
    errors = np.abs(pairs.targets - pairs.predictions)
    errors = errors[np.isfinite(errors)]
    found = float(np.quantile(errors, _WHOLE)) if len(errors) else 0.0
    return found if found > 0 else 1.0
