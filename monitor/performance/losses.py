"""The loss of each row, from 0 to 1: what an alarm by betting reads (:mod:`monitor.calibration.betting`).

A classifier loses 1 by each wrong prediction, or the Brier score where it logs scores alone; a regression its error,
clipped at a scale and divided by it; a recommender 1 - NDCG; a model of several labels the share that is wrong.
"""

from __future__ import annotations

import numpy as np

from monitor.performance.answers import Scored, probable
from monitor.performance.brier import brier_losses
from monitor.performance.hamming_loss import hamming_losses
from monitor.performance.interval import Floats
from monitor.performance.lists import DEFAULT_K, hits_of
from monitor.performance.ndcg_at import ndcgs
from monitor.performance.pairs import UNKNOWN, ClassPairs, LabelPairs, NumberPairs, Pairs, RankPairs


def losses(pairs: Pairs, scale: float = 1.0, k: int = DEFAULT_K) -> Floats:
    """Return the loss of each of n rows, in [0, 1], NaN where a row has no answer to judge, (n,).

    Parameters
    ----------
    scale: the largest error of a regression that still counts more than a smaller one, in the unit of its target.
    k: how many places of a recommendation count.

    Raises
    ------
    ValueError: the scale is not above zero, or k is less than 1.
    """
    match pairs:
        case ClassPairs():
            return _of_classes(pairs)
        case NumberPairs():
            return _of_numbers(pairs, scale)
        case RankPairs():
            if k < 1:
                raise ValueError("the first k places are 1 at least")
            return 1 - ndcgs(hits_of(pairs, k))
        case LabelPairs():
            return hamming_losses(pairs)


def _of_classes(pairs: ClassPairs) -> Floats:
    if pairs.predictions is not None:
        return np.where(pairs.predictions == UNKNOWN, np.nan, pairs.predictions != pairs.targets)
    if pairs.scores is None:
        return np.full(len(pairs.targets), np.nan)
    allowed = probable(pairs.scores)
    return np.where(allowed, brier_losses(Scored(pairs.targets, pairs.scores)), np.nan)


def _of_numbers(pairs: NumberPairs, scale: float) -> Floats:
    if not scale > 0:
        raise ValueError("errors are divided by a scale above zero")
    return np.minimum(np.abs(pairs.predictions - pairs.targets) / scale, 1.0)
