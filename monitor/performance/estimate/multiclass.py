"""What is expected of a multiclass classifier's rows: every metric at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from monitor.performance.estimate.binary import Matrix
from monitor.performance.estimate.confusion import expected_rates
from monitor.performance.estimate.curves import pr_auc, ranked, roc_auc
from monitor.performance.estimate.expected import LEAST_EXPECTED, Expected
from monitor.performance.estimate.outlook import Columns, Outlook
from monitor.performance.estimate.taught import TaughtClasses
from monitor.performance.metric import Undefined
from monitor.performance.pairs import Floats, Places

_STEP = 1e-30
_MACRO: Mapping[str, str] = MappingProxyType(
    {
        "balanced_accuracy": "recall",
        "precision": "precision",
        "recall": "recall",
        "f1": "f1",
        "specificity": "specificity",
    }
)
"""Means over classes, each against the others, by the binary metric that they are means of."""


@dataclass(frozen=True, slots=True, eq=False)
class Many:
    """The value of a metric, and by how much it grows with each row's probability of each class, (n, k)."""

    value: float
    slopes: Floats = field(repr=False)

    def variance(self, probabilities: Floats) -> float:
        """Return how far targets, drawn row by row with their probabilities (n, k), scatter the value."""
        mean = np.sum(probabilities * self.slopes, axis=1)
        return float(np.sum(probabilities * self.slopes**2) - np.sum(mean**2))


def class_columns(columns: Columns, name: str) -> Floats:
    """Return the columns of each class, ``name:0`` and so on, side by side, (n, k)."""
    number = sum(each.startswith(f"{name}:") for each in columns)
    return np.stack([columns[f"{name}:{place}"] for place in range(number)], axis=1)


def multiclass_outlooks(
    columns: Columns, values: Matrix | None = None, taught: TaughtClasses | None = None
) -> dict[str, Outlook]:
    """Return the outlook of each metric.

    Parameters
    ----------
    columns: ``score:c`` and ``probability:c`` of each class's place c, and ``predicted``, a place, each (n,), NaN where
        there is none. With 0 and 1 for probabilities the values are the realised ones.
    values: of each kind of answer, k x k, for ``business_value``; ``taught``: as for binary classifiers.
    """
    probabilities, scores = class_columns(columns, "probability"), class_columns(columns, "score")
    known = ~np.asarray(np.isnan(probabilities).any(axis=1), np.bool_)
    told = known & ~np.isnan(columns["predicted"])
    by_score = _by_score(probabilities[known], scores[known])
    by_prediction = _by_prediction(probabilities[told], columns["predicted"][told].astype(np.intp), values)
    lacking = Undefined.NO_PREDICTIONS if known.any() else Undefined.NO_SCORES
    return {
        **{name: _outlook(each, probabilities, scores, known, taught) for name, each in by_score.items()},
        **{
            name: _outlook(each if told.any() else lacking, probabilities, scores, told, taught)
            for name, each in by_prediction.items()
        },
    }


def _outlook(
    expected: Many | Undefined,
    probabilities: Floats,
    scores: Floats,
    rows: NDArray[np.bool_],
    taught: TaughtClasses | None,
) -> Outlook:
    if isinstance(expected, Undefined):
        return Outlook(None, 0.0, int(rows.sum()), expected)
    unknown = 0.0 if taught is None else taught.variance(scores[rows], expected.slopes)
    return Outlook(expected.value, expected.variance(probabilities[rows]) + unknown, int(rows.sum()))


def _by_score(probabilities: Floats, scores: Floats) -> dict[str, Many | Undefined]:
    if not len(probabilities):
        return dict.fromkeys(("roc_auc", "pr_auc", "log_loss", "brier"), Undefined.NO_SCORES)
    curves = [ranked(each, score) for each, score in zip(probabilities.T, scores.T, strict=True)]
    tiny = float(np.finfo(np.float64).eps)
    squares = np.sum(scores**2, axis=1)[:, np.newaxis]
    return {
        "roc_auc": mean_of_classes([roc_auc(p, curve) for p, curve in zip(probabilities.T, curves, strict=True)]),
        "pr_auc": mean_of_classes([pr_auc(curve) for curve in curves]),
        "log_loss": _mean(probabilities, -np.log(np.clip(scores, tiny, 1 - tiny))),
        "brier": _mean(probabilities, (squares - 2 * scores + 1) / 2),
    }


def _by_prediction(probabilities: Floats, predicted: Places, values: Matrix | None) -> dict[str, Many | Undefined]:
    chosen = predicted[:, np.newaxis] == np.arange(probabilities.shape[1])
    rates = [expected_rates(p, here) for p, here in zip(probabilities.T, chosen.T, strict=True)]
    seen: dict[str, Many | Undefined] = {
        "accuracy": _mean(probabilities, chosen.astype(np.float64)),
        "mcc": expected_mcc(probabilities, chosen),
    }
    for name, rate in _MACRO.items():
        seen[name] = mean_of_classes([each[rate] for each in rates])
    if values is not None:
        seen["business_value"] = _mean(probabilities, np.array(values).T[predicted])
    return seen


def mean_of_classes(parts: Sequence[Expected | Undefined]) -> Many | Undefined:
    """Return the mean over the classes that have a value, as realised metrics take it; why not, if none has."""
    seen = [part for part in parts if isinstance(part, Expected)]
    if not seen:
        return next((part for part in parts if isinstance(part, Undefined)), Undefined.TOO_FEW_ROWS)
    rows = len(seen[0].slope)
    slopes = [part.slope if isinstance(part, Expected) else np.zeros(rows) for part in parts]
    return Many(sum(part.value for part in seen) / len(seen), np.stack(slopes, axis=1) / len(seen))


def expected_mcc(probabilities: Floats, chosen: NDArray[np.bool_]) -> Many | Undefined:
    """Return the expected correlation of targets and predictions (Gorodkin 2004), (n, k) both."""
    rows = len(probabilities)
    targets, calls = probabilities.sum(axis=0), chosen.sum(axis=0)
    if not rows:
        return Undefined.TOO_FEW_ROWS
    if rows - targets.max() < LEAST_EXPECTED:
        return Undefined.ONE_CLASS
    if calls.max() == rows:
        return Undefined.ONE_CLASS_PREDICTED
    right = complex(np.sum(probabilities * chosen))
    at = _gorodkin(right, targets + 0j, calls, rows)
    if_right = _gorodkin(right + 1j * _STEP, targets + 0j, calls, rows).imag / _STEP
    steps = np.eye(len(targets)) * 1j * _STEP
    if_target = np.array([_gorodkin(right, targets + step, calls, rows).imag / _STEP for step in steps])
    return Many(at.real, np.where(chosen, if_right, 0.0) + if_target)


def _gorodkin(right: complex, targets: NDArray[np.complex128], calls: NDArray[np.intp], rows: int) -> complex:
    spread = np.sqrt(rows**2 - np.sum(targets**2)) * np.sqrt(rows**2 - np.sum(calls.astype(np.float64) ** 2))
    return complex((right * rows - np.sum(targets * calls)) / spread)


def _mean(probabilities: Floats, losses: Floats) -> Many | Undefined:
    """Return the mean of what a row loses, (n, k), by the class that is its target."""
    if not len(probabilities):
        return Undefined.TOO_FEW_ROWS
    return Many(float(np.mean(np.sum(probabilities * losses, axis=1))), losses / len(probabilities))
