"""Label shift: how many rows are positive now, told from how many the model calls so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.performance.estimate.calibrator import Calibrator
from monitor.performance.estimate.taught import Taught
from monitor.performance.estimate.unfit import Unfit
from monitor.performance.pairs import Floats

LEAST_INFORMED = 0.1
"""Calls that find positives hardly more often than they mistake negatives tell next to nothing of shares."""


@dataclass(frozen=True, slots=True)
class LabelShift:
    """What the reference says of calls.

    Attributes
    ----------
    positive: the share of its rows that are positive.
    found, mistaken: the share of positive rows, and of negative ones, that are called positive.
    """

    positive: float
    found: float
    mistaken: float


@dataclass(frozen=True, slots=True)
class Positive:
    """The share of a window's rows that is positive, and its variance."""

    share: float
    variance: float


@dataclass(frozen=True, slots=True)
class ShiftedTaught:
    """What the reference and the window leave unknown where the share of positives moved."""

    taught: Taught
    calibrator: Calibrator
    before: float
    now: Positive

    def variance(self, scores: Floats, slope: Floats) -> float:
        """Return what both make of a metric that grows by ``slope`` with each row's probability, (n,)."""
        chance = with_share(self.calibrator(scores), self.before, self.now.share)
        moved = float(np.sum(slope * chance * (1 - chance))) / (self.now.share * (1 - self.now.share))
        return self.taught.variance(scores, slope) + moved**2 * self.now.variance


def fit_label_shift(positive: Floats, predicted: Floats) -> LabelShift | Unfit:
    """Return what a reference says of calls, or that they tell too little.

    Parameters
    ----------
    positive: 0 or 1, (n,), both there; ``predicted``: 0 or 1, NaN where there is none, (n,).
    """
    told = ~np.isnan(predicted)
    truth, called = positive[told], predicted[told]
    if not 0 < truth.sum() < len(truth):
        return Unfit.CALLS_TELL_TOO_LITTLE
    found, mistaken = float(called[truth == 1].mean()), float(called[truth == 0].mean())
    if abs(found - mistaken) < LEAST_INFORMED:
        return Unfit.CALLS_TELL_TOO_LITTLE
    return LabelShift(float(truth.mean()), found, mistaken)


def positive_now(shift: LabelShift, predicted: Floats) -> Positive | None:
    """Return the share of positive rows by black box shift estimation (Lipton, Wang, Smola 2018).

    The share that is called positive is a mixture of what is found and what is mistaken, if rows of either class look
    as they did in the reference and only their shares moved. ``None`` where nothing was predicted.

    >>> positive_now(LabelShift(0.5, 0.75, 0.25), np.array([1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])).share
    0.75
    """
    called = predicted[~np.isnan(predicted)]
    if not len(called):
        return None
    apart, mean = shift.found - shift.mistaken, float(called.mean())
    least = 0.5 / len(called)
    share = min(max((mean - shift.mistaken) / apart, least), 1 - least)
    return Positive(share, max(mean * (1 - mean), least) / (len(called) * apart**2))


def with_share(probabilities: Floats, before: float, now: float) -> Floats:
    """Return probabilities for another share of positives, by Bayes's rule (Saerens, Latinne, Decaestecker 2002).

    >>> with_share(np.array([0.5]), 0.5, 0.8).round(3).tolist()
    [0.8]
    """
    positive, negative = probabilities * (now / before), (1 - probabilities) * ((1 - now) / (1 - before))
    shares: Floats = positive / (positive + negative)
    return shares
