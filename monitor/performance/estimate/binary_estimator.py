"""Confidence-based estimation: a binary classifier's performance from its calibrated scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.performance.estimate.assumption import Assumption
from monitor.performance.estimate.band import Misses
from monitor.performance.estimate.binary import Matrix, binary_outlooks
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
    taught_from_json,
    taught_to_json,
)
from monitor.performance.estimate.label_shift import (
    LabelShift,
    ShiftedTaught,
    fit_label_shift,
    positive_now,
    with_share,
)
from monitor.performance.estimate.outlook import Asked, Columns, Outlook, all_banded, places_told, wanted
from monitor.performance.estimate.past import reference_misses
from monitor.performance.estimate.support import Support, fit_support, own_outside
from monitor.performance.estimate.taught import Taught, fit_taught
from monitor.performance.estimate.unfit import LEAST_ROWS, Unfit
from monitor.performance.metric import Value
from monitor.performance.pairs import ClassPairs, Floats, Places


@dataclass(frozen=True, slots=True)
class BinaryEstimator:
    """What the reference taught of a binary classifier.

    Attributes
    ----------
    calibrator: scores to probabilities of the positive class.
    taught: how well the reference knows these.
    support: where the reference lies; ``own_outside``: the share of its rows outside the rest of itself.
    values: of the kinds of answers, or ``None``.
    misses: of each metric on steps of the reference, foretold from the others.
    shift: what calls tell of the share of positives, if that share is taken to be all that moves.
    """

    calibrator: Calibrator
    taught: Taught = field(repr=False)
    support: Support = field(repr=False)
    own_outside: float
    values: Matrix | None
    misses: Mapping[str, Misses] = field(repr=False)
    shift: LabelShift | None = None

    def to_json(self) -> Json:
        """Return all of it as JSON, number for number."""
        return {
            "calibrator": calibrator_to_json(self.calibrator),
            "taught": taught_to_json(self.taught),
            "support": support_to_json(self.support),
            "own_outside": self.own_outside,
            "values": None if self.values is None else [list(row) for row in self.values],
            "misses": misses_to_json(self.misses),
            "shift": None if self.shift is None else asdict(self.shift),
        }

    @classmethod
    def from_json(cls, kept: Json) -> BinaryEstimator:
        """Return the estimator that :meth:`to_json` wrote."""
        return cls(
            calibrator_from_json(kept["calibrator"]),
            taught_from_json(kept["taught"]),
            support_from_json(kept["support"]),
            kept["own_outside"],
            matrix_from_json(kept["values"]),
            misses_from_json(kept["misses"]),
            None if kept["shift"] is None else LabelShift(**kept["shift"]),
        )

    def contributions(self, scores: Floats, predictions: Places | None, features: pa.Table | None) -> dict[str, Floats]:
        """Return what :func:`summarise` reads of each record, columns of shape (n,), one record at a time.

        Parameters
        ----------
        scores: of the positive class, (n,), NaN where there is none.
        predictions: places of classes (n,), or none; ``features``: columns by name, or none.
        """
        return {
            "score": scores,
            "predicted": places_told(predictions, len(scores)),
            "probability": self.calibrator(scores),
            "outside": self.support.outside(features, scores, len(scores)),
        }

    def outlooks(self, columns: Columns, asked: Asked = None) -> dict[str, Outlook]:
        """Return what is expected of rows before their band, of the metrics asked for."""
        if self.shift is None:
            return binary_outlooks(columns, self.values, self.taught, asked)
        return wanted(shifted_outlooks(columns, self.values, self.taught, self.calibrator, self.shift), asked)

    def summarise(self, columns: Columns, asked: Asked = None) -> dict[str, Value]:
        """Return the estimate of each metric asked for with the 95 % band of what will be realised.

        Parameters
        ----------
        columns: of the window's rows as :meth:`contributions` gave them. The same rows in the same order give the same
            bits.
        """
        return all_banded(self.outlooks(columns, asked), self.misses)


def fit_binary(
    pairs: ClassPairs,
    steps: NDArray[np.int64],
    features: pa.Table | None = None,
    values: Matrix | None = None,
    assume: Assumption = Assumption.COVARIATE_SHIFT,
) -> BinaryEstimator | Unfit:
    """Return the estimator of a binary reference, or why there is none.

    Parameters
    ----------
    pairs: the reference's answers, in the order of time; rows without a score are passed over.
    steps: the number of the step that each row belongs to, (n,): the stretches that windows will be as long as.
    features: the reference's columns by name, with the same rows, for what lies outside them.
    values: what a row is worth by target and prediction, 2 x 2.
    assume: what may move while an estimate holds.
    """
    if pairs.scores is None:
        return Unfit.NO_SCORES
    known = np.isfinite(pairs.scores)
    scores, positive = pairs.scores[known], pairs.targets[known].astype(np.float64)
    if len(scores) < LEAST_ROWS:
        return Unfit.TOO_FEW_ROWS
    if positive.min() == positive.max():
        return Unfit.ONE_CLASS
    parts = time_parts(steps[known])
    calibrator, probabilities = calibrated(scores, positive, parts)
    rows = None if features is None else features.filter(pa.array(known))
    columns = {
        "score": scores,
        "predicted": places_told(None if pairs.predictions is None else pairs.predictions[known], len(scores)),
        "probability": probabilities,
    }
    taught = fit_taught(scores, probabilities * (1 - probabilities))
    shift = fit_label_shift(positive, columns["predicted"]) if assume is Assumption.LABEL_SHIFT else None
    if isinstance(shift, Unfit):
        return shift
    unmissed = BinaryEstimator(
        calibrator, taught, fit_support(rows, scores), own_outside(rows, scores, parts), values, {}, shift
    )
    true = {"probability": positive}
    misses = reference_misses(
        unmissed.outlooks, columns, lambda part: binary_outlooks(part, values), true, steps[known]
    )
    return replace(unmissed, misses=misses)


def shifted_outlooks(
    columns: Columns, values: Matrix | None, taught: Taught, calibrator: Calibrator, shift: LabelShift
) -> dict[str, Outlook]:
    """Return the outlook of each metric where the share of positives alone moved; as ever where nothing was called."""
    now = positive_now(shift, columns["predicted"])
    if now is None:
        return binary_outlooks(columns, values, taught)
    probability = with_share(columns["probability"], shift.positive, now.share)
    unknown = ShiftedTaught(taught, calibrator, shift.positive, now)
    return binary_outlooks({**columns, "probability": probability}, values, unknown)
