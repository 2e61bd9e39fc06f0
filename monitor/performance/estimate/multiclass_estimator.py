"""Confidence-based estimation of a multiclass classifier: one calibration a class, put in proportion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.performance.estimate.band import Misses
from monitor.performance.estimate.binary import Matrix
from monitor.performance.estimate.calibrator import Calibrator, calibrated, time_parts
from monitor.performance.estimate.kept import (
    Json,
    calibrator_from_json,
    calibrator_to_json,
    matrix_from_json,
    misses_from_json,
    misses_to_json,
    support_from_json,
    support_to_json,
)
from monitor.performance.estimate.multiclass import multiclass_outlooks
from monitor.performance.estimate.outlook import Asked, Columns, Outlook, all_banded, places_told, wanted
from monitor.performance.estimate.past import reference_misses
from monitor.performance.estimate.support import Support, fit_support, own_outside
from monitor.performance.estimate.taught import TaughtClasses, fit_taught_classes
from monitor.performance.estimate.unfit import LEAST_ROWS, MOST_CLASSES, Unfit
from monitor.performance.metric import Value
from monitor.performance.pairs import ClassPairs, Floats, Places


@dataclass(frozen=True, slots=True)
class MulticlassEstimator:
    """What the reference taught of a classifier of k classes; as :class:`BinaryEstimator`, a calibrator a class."""

    calibrators: tuple[Calibrator, ...]
    taught: TaughtClasses = field(repr=False)
    support: Support = field(repr=False)
    own_outside: float
    values: Matrix | None
    misses: Mapping[str, Misses] = field(repr=False)

    def contributions(self, scores: Floats, predictions: Places | None, features: pa.Table | None) -> dict[str, Floats]:
        """Return what :meth:`summarise` reads of each record, columns of shape (n,), one record at a time.

        Parameters
        ----------
        scores: of each class, (n, k), NaN where there is none; ``predictions``, ``features``: as for two classes.
        """
        probabilities = in_proportion(np.stack([of(s) for of, s in zip(self.calibrators, scores.T, strict=True)], 1))
        return {
            **_by_class("score", scores),
            **_by_class("probability", probabilities),
            "predicted": places_told(predictions, len(scores)),
            "outside": self.support.outside(features, scores, len(scores)),
        }

    def outlooks(self, columns: Columns, asked: Asked = None) -> dict[str, Outlook]:
        """Return what is expected of rows before their band, of the metrics asked for."""
        return wanted(multiclass_outlooks(columns, self.values, self.taught), asked)

    def summarise(self, columns: Columns, asked: Asked = None) -> dict[str, Value]:
        """Return the estimate of each metric asked for with the 95 % band of what will be realised."""
        return all_banded(self.outlooks(columns, asked), self.misses)

    def to_json(self) -> Json:
        """Return all of it as JSON, number for number."""
        return {
            "calibrators": [calibrator_to_json(each) for each in self.calibrators],
            "taught": {
                "edges": [[each if np.isfinite(each) else None for each in row] for row in self.taught.edges.tolist()],
                "shares": self.taught.shares.tolist(),
                "rows": self.taught.rows.tolist(),
            },
            "support": support_to_json(self.support),
            "own_outside": self.own_outside,
            "values": None if self.values is None else [list(row) for row in self.values],
            "misses": misses_to_json(self.misses),
        }

    @classmethod
    def from_json(cls, kept: Json) -> MulticlassEstimator:
        """Return the estimator that :meth:`to_json` wrote."""
        edges = [[np.inf if each is None else each for each in row] for row in kept["taught"]["edges"]]
        return cls(
            tuple(calibrator_from_json(each) for each in kept["calibrators"]),
            TaughtClasses(np.array(edges), np.array(kept["taught"]["shares"]), np.array(kept["taught"]["rows"])),
            support_from_json(kept["support"]),
            kept["own_outside"],
            matrix_from_json(kept["values"]),
            misses_from_json(kept["misses"]),
        )


def fit_multiclass(
    pairs: ClassPairs, steps: NDArray[np.int64], features: pa.Table | None = None, values: Matrix | None = None
) -> MulticlassEstimator | Unfit:
    """Return the estimator of a multiclass reference, or why there is none; arguments as for two classes."""
    if pairs.scores is None:
        return Unfit.NO_SCORES
    known = np.isfinite(pairs.scores).all(axis=1)
    scores, targets = pairs.scores[known], pairs.targets[known]
    why = _unfit(scores, targets)
    if why is not None:
        return why
    parts = time_parts(steps[known])
    is_target = (targets[:, np.newaxis] == np.arange(scores.shape[1])).astype(np.float64)
    fitted = [calibrated(s, y, parts) for s, y in zip(scores.T, is_target.T, strict=True)]
    probabilities = in_proportion(np.stack([apart for _, apart in fitted], axis=1))
    taught = fit_taught_classes(scores, probabilities)
    rows = None if features is None else features.filter(pa.array(known))
    columns = {
        **_by_class("score", scores),
        **_by_class("probability", probabilities),
        "predicted": places_told(None if pairs.predictions is None else pairs.predictions[known], len(scores)),
    }
    misses = reference_misses(
        lambda part: multiclass_outlooks(part, values, taught),
        columns,
        lambda part: multiclass_outlooks(part, values),
        _by_class("probability", is_target),
        steps[known],
    )
    return MulticlassEstimator(
        tuple(each for each, _ in fitted),
        taught,
        fit_support(rows, scores),
        own_outside(rows, scores, parts),
        values,
        misses,
    )


def in_proportion(probabilities: Floats) -> Floats:
    """Return probabilities (n, k) that sum to one a row; alike where all are zero."""
    sums = probabilities.sum(axis=1, keepdims=True)
    even = np.full_like(probabilities, 1 / probabilities.shape[1])
    shares: Floats = np.divide(probabilities, sums, out=even, where=sums != 0)
    return shares


def _unfit(scores: Floats, targets: Places) -> Unfit | None:
    if len(scores) < LEAST_ROWS:
        return Unfit.TOO_FEW_ROWS
    if scores.shape[1] > MOST_CLASSES:
        return Unfit.TOO_MANY_CLASSES
    return Unfit.ONE_CLASS if targets.min() == targets.max() else None


def _by_class(name: str, values: Floats) -> dict[str, Floats]:
    return {f"{name}:{place}": column for place, column in enumerate(values.T)}
