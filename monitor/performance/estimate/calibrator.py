"""Calibration: what share of records with a score turned out positive in the reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.performance.estimate.isotonic import Curve, fit_rising
from monitor.performance.pairs import Floats

FOLDS = 5
"""So many parts of the reference, each a stretch of time, are foretold from the others."""
_BINS = 10
_LEAST_OF_A_CLASS = 10
"""With fewer rows of a class in the reference a curve would follow single rows."""


@dataclass(frozen=True, slots=True)
class Calibrator:
    """Scores to probabilities: by a curve, or as they are where the curve did not help (``curve`` is ``None``)."""

    curve: Curve | None

    def __call__(self, scores: Floats) -> Floats:
        """Return the probability of each score, any shape, in [0, 1]; NaN where there is no score."""
        return np.clip(scores, 0.0, 1.0) if self.curve is None else self.curve(scores)


AS_THEY_ARE = Calibrator(None)


def fit_calibrator(scores: Floats, positive: Floats, weights: Floats | None = None) -> Calibrator:
    """Return the isotonic calibrator of a reference, or the scores as they are where a class has next to no rows.

    Parameters
    ----------
    scores: (n,), without NaN; ``positive``: 0 or 1 (n,); ``weights``: (n,) or none.
    """
    if min(positive.sum(), len(positive) - positive.sum()) < _LEAST_OF_A_CLASS:
        return AS_THEY_ARE
    return Calibrator(fit_rising(scores, positive, weights))


def calibrated(scores: Floats, positive: Floats, parts: NDArray[np.intp]) -> tuple[Calibrator, Floats]:
    """Return the calibrator of a reference, if one helps, and its rows foretold each from the other parts, (n,)."""
    apart = foretold(scores, positive, parts)
    if calibration_helps(scores, positive, apart):
        return fit_calibrator(scores, positive), apart
    return AS_THEY_ARE, AS_THEY_ARE(scores)


def foretold(scores: Floats, positive: Floats, parts: NDArray[np.intp]) -> Floats:
    """Return each row's probability by the calibrator of all other parts, (n,)."""
    probabilities = np.empty(len(scores))
    for part in np.unique(parts):
        here = parts == part
        probabilities[here] = fit_calibrator(scores[~here], positive[~here])(scores[here])
    return probabilities


def calibration_helps(scores: Floats, positive: Floats, calibrated: Floats) -> bool:
    """Say whether foretold probabilities are nearer to the truth than the scores, by expected calibration error."""
    return expected_error(calibrated, positive) < expected_error(np.clip(scores, 0.0, 1.0), positive)


def expected_error(probabilities: Floats, positive: Floats) -> float:
    """Return the expected calibration error over ten bins of equal counts (Naeini, Cooper, Hauskrecht 2015).

    >>> expected_error(np.array([0.25, 0.25, 0.25, 0.25]), np.array([0.0, 0.0, 1.0, 0.0]))
    0.0
    """
    order = np.argsort(probabilities, kind="stable")
    bins = min(_BINS, max(len(order) // _BINS, 1))
    first = np.arange(bins) * len(order) // bins
    gaps = np.add.reduceat(probabilities[order] - positive[order], first)
    return float(np.abs(gaps).sum() / len(order))


def time_parts(steps: NDArray[np.int64], number: int = FOLDS) -> NDArray[np.intp]:
    """Return the part of each row, (n,): parts are stretches of whole steps with about as many rows each.

    A reference of fewer steps than parts is cut by the order of its rows.

    Parameters
    ----------
    steps: the number of each row's step, (n,).
    """
    distinct, place, counts = np.unique(steps, return_inverse=True, return_counts=True)
    before = np.cumsum(counts) - counts
    if len(distinct) < number:
        return (np.arange(len(steps)) * number // max(len(steps), 1)).astype(np.intp)
    parts: NDArray[np.intp] = (before * number // len(steps)).astype(np.intp)[place]
    return parts
