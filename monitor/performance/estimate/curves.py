"""Areas under curves that are expected of rows whose targets are known by their probabilities."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.performance.estimate.expected import LEAST_EXPECTED, Expected
from monitor.performance.metric import Undefined
from monitor.performance.pairs import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Rows by score, the highest first; rows with one score are one tie.

    Attributes
    ----------
    tie: the place of each row's tie, (n,).
    positives, negatives: expected in each tie, (t,); ``chance``: the sum of p (1 - p) in each tie, (t,).
    """

    tie: NDArray[np.intp] = field(repr=False)
    positives: Floats = field(repr=False)
    negatives: Floats = field(repr=False)
    chance: Floats = field(repr=False)


def ranked(probabilities: Floats, scores: Floats) -> Ranked:
    """Return rows in ties of one score, (n,) both without NaN."""
    distinct, rising = np.unique(scores, return_inverse=True)
    tie = len(distinct) - 1 - rising
    rows = np.bincount(tie, minlength=len(distinct)).astype(np.float64)
    positives: Floats = np.bincount(tie, probabilities, len(distinct)).astype(np.float64)
    chance: Floats = np.bincount(tie, probabilities * (1 - probabilities), len(distinct)).astype(np.float64)
    return Ranked(tie, positives, rows - positives, chance)


def roc_auc(probabilities: Floats, rows: Ranked) -> Expected | Undefined:
    """Return the expected area under the ROC curve.

    It is the share of pairs of a positive and a negative row that stand in the right order, ties half (Mann and
    Whitney 1947). A row makes no pair with itself: what it would add to pairs is taken out, which matters in small
    windows.
    """
    positives, negatives = rows.positives.sum(), rows.negatives.sum()
    if min(positives, negatives) < LEAST_EXPECTED:
        return Undefined.ONE_CLASS
    pairs = positives * negatives - rows.chance.sum()
    beaten = negatives - np.cumsum(rows.negatives) + rows.negatives / 2
    beating = np.cumsum(rows.positives) - rows.positives / 2
    if pairs <= 0:
        return Undefined.ONE_CLASS
    area = (np.sum(rows.positives * beaten) - rows.chance.sum() / 2) / pairs
    itself = probabilities - 0.5
    right = (beaten - beating)[rows.tie] + itself
    slope = (right - area * (negatives - positives + 2 * itself)) / pairs
    return Expected(float(area), slope)


def pr_auc(rows: Ranked) -> Expected | Undefined:
    """Return the expected average precision: the mean, over positive rows, of the precision down to their score.

    The precision at a row's own place counts that row as the positive that it then is.
    """
    positives = rows.positives.sum()
    if positives < LEAST_EXPECTED:
        return Undefined.ONE_CLASS
    down_to = np.cumsum(rows.positives + rows.negatives)
    precision = np.cumsum(rows.positives) / down_to
    area = np.sum(rows.positives * precision + rows.chance / down_to) / positives
    lower_down = np.cumsum((rows.positives / down_to)[::-1])[::-1]
    slope = ((precision + lower_down)[rows.tie] - area) / positives
    return Expected(float(area), slope)
