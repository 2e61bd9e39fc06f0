"""Estimates of a window's performance: what each record adds is kept with its answer, and summed up when asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from monitor.instant import Instant
from monitor.performance.estimate.band import Misses
from monitor.performance.estimate.outlook import Outlook, all_banded
from monitor.performance.estimate.regression_estimator import RegressionEstimator
from monitor.performance.estimate.trust import Distrust, distrust
from monitor.performance.metric import Value
from monitor.performance.pairs import Floats
from monitor.performance.reading import Answers, class_answers, floats_of
from monitor.pipeline.past_misses import Past
from monitor.scorer import Estimator, Scorer

Json = dict[str, Any]
_PREFIX = "estimate:"
_OUTSIDE = "outside"
_REMEMBERED = 48
Summed: TypeAlias = tuple[Mapping[str, Outlook], Floats]
"""What is expected of a window, and which of its rows lie outside the reference."""


@dataclass(frozen=True, slots=True)
class Estimates:
    """A window's estimates by metric, and why they are not to be trusted, if so.

    Attributes
    ----------
    values: with the bands that are shown. ``judged``: with those that the reference alone gives, which decide whether
        an estimate missed: a band that past misses widened would hide that it goes on missing.
    outlooks: the same before they have bands. ``past_errors``: by metric how far estimates of windows before were off,
        as users see it.
    """

    values: Mapping[str, Value] = field(default_factory=dict)
    why: Distrust | None = None
    judged: Mapping[str, Value] = field(default_factory=dict)
    outlooks: Mapping[str, Outlook] = field(default_factory=dict)
    past_errors: Mapping[str, Json] = field(default_factory=dict)


def with_estimates(scorer: Scorer, rows: pa.Table) -> pa.Table:
    """Return canonical rows with what each adds to an estimate, in columns of their own."""
    if scorer.estimator is None:
        return rows
    added = _contributions(scorer.answers, scorer.estimator, rows)
    for name, values in added.items():
        rows = rows.append_column(_PREFIX + name, pa.array(np.asarray(values, dtype=np.float64)))
    return rows


def _contributions(answers: Answers, estimator: Estimator, rows: pa.Table) -> dict[str, Floats]:
    if isinstance(estimator, RegressionEstimator):
        return estimator.contributions(floats_of(rows, answers.prediction), rows)
    predictions, scores = class_answers(answers, rows)
    return {} if scores is None else estimator.contributions(scores, predictions, rows)


def estimate_names(rows: pa.Table) -> list[str]:
    """Return the columns that :func:`with_estimates` added."""
    return [name for name in rows.column_names if name.startswith(_PREFIX)]


def contributed(rows: pa.Table) -> dict[str, Floats]:
    """Return what :func:`with_estimates` added, by its name there; empty where nothing was."""
    return {name.removeprefix(_PREFIX): _values(rows, name) for name in estimate_names(rows)}


@dataclass(frozen=True, slots=True)
class Beside:
    """What past windows add: the misses that the bands shown are widened by, and the past errors as users see them."""

    misses: Mapping[str, Misses]
    errors: Mapping[str, Json]


@dataclass(slots=True)
class Remembered:
    """The estimates of the last windows by version and end: they are asked for again when targets come."""

    _summed: OrderedDict[tuple[str, Instant], tuple[Scorer, Summed]] = field(default_factory=OrderedDict)
    _beside: tuple[Past, Scorer, Beside] | None = None
    """What the last past adds: it changes with every final window, and is asked for several times before."""

    def of(
        self,
        scorer: Scorer,
        rows: pa.Table,
        window: tuple[str, Instant],
        missed: tuple[bool, ...],
        past: Past | None = None,
    ) -> Estimates:
        """Return what a window's answers let expect.

        Parameters
        ----------
        window: its version and end.
        missed: of windows whose targets came, oldest first, whether the realised value lay outside the band.
        past: how far estimates of windows before were off.
        """
        known, summed = self._summed.get(window, (None, None))
        if known is not scorer or summed is None:
            summed = _sum_up(scorer, rows)
            self._summed[window] = scorer, summed
            while len(self._summed) > _REMEMBERED:
                self._summed.popitem(last=False)
        return _judge(scorer, summed, missed, None if past is None else self._put_beside(scorer, past))

    def _put_beside(self, scorer: Scorer, past: Past) -> Beside:
        if self._beside is None or self._beside[0] is not past or self._beside[1] is not scorer:
            own = {} if scorer.estimator is None else scorer.estimator.misses
            errors = {name: told for name in past.misses if (told := past.told(name)) is not None}
            self._beside = past, scorer, Beside(past.beside(own), errors)
        return self._beside[2]


def outlooks_of(scorer: Scorer, rows: pa.Table) -> Mapping[str, Outlook]:
    """Return what some rows of a window let expect, by metric."""
    return _sum_up(scorer, rows)[0]


def _sum_up(scorer: Scorer, rows: pa.Table) -> Summed:
    estimator = scorer.estimator
    columns = contributed(rows)
    if estimator is None or _OUTSIDE not in columns:
        return {}, np.zeros(0)
    asked = {metric.name for metric in scorer.metrics}
    return estimator.outlooks(columns, asked), columns[_OUTSIDE]


def _judge(scorer: Scorer, summed: Summed, missed: tuple[bool, ...], past: Beside | None) -> Estimates:
    outlooks, outside = summed
    if scorer.estimator is None or not outlooks:
        return Estimates()
    misses = scorer.estimator.misses
    why = distrust(outside, scorer.estimator.own_outside, missed, next(iter(misses.values()), Misses()))
    judged = all_banded(outlooks, misses)
    if past is None:
        return Estimates(judged, why, judged, outlooks)
    return Estimates(all_banded(outlooks, past.misses), why, judged, outlooks, past.errors)


def _values(rows: pa.Table, name: str) -> Floats:
    return np.asarray(rows[name].to_numpy(zero_copy_only=False), dtype=np.float64)
