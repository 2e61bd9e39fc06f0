"""Bets that a score ranks high among those before it: evidence without a model of what scores are like.

Among exchangeable scores each one's rank is uniform, whatever came before it (Vovk, Gammerman, Shafer 2005, ch. 8). A
bet that a rank is among the k highest of n + 1 therefore pays (n + 1) / k at most one time in (n + 1) / k, and has mean
one; so has half of it beside half of nothing staked. The sum that starts anew with every step, M = (1 + M) e, then
grows by one a step at most, in the mean: it passes N no sooner than after N steps on average (Shiryaev, Roberts; as
e-detectors: Shin, Ramdas, Rinaldo 2022, arXiv:2203.03532). Nothing is estimated, so that there is no margin to charge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

BETS = (1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64)
"""That a score is among the highest quarter, eighth, …; each with a sum of its own, of which the mean is told."""
STAKE = 0.5
LEAST_SCORES = 15
"""With fewer of the reference the highest rank is too common to be worth a bet."""
MOST_SEEN = 4_096
"""Scores of the stream that are remembered: eleven years of days."""
_CAP = 1e200
_SIGMAS = 2.0


class Unfit(StrEnum):
    """Why ranks among the reference's scores are no evidence."""

    TOO_SHORT = "reference_too_short"
    NOT_EXCHANGEABLE = "steps_not_exchangeable"


@dataclass(frozen=True, slots=True)
class Conformal:
    """What is known of scores, and the evidence that they became higher.

    Attributes
    ----------
    own: the reference's scores, in order of time. ``seen``: the stream's since.
    evidence: the sum of each bet.
    """

    own: tuple[float, ...]
    seen: tuple[float, ...] = ()
    evidence: tuple[float, ...] = field(default=(0.0,) * len(BETS))

    @property
    def total(self) -> float:
        """Return the evidence: at most the number of steps since it was 0, in the mean, while nothing drifts."""
        return sum(self.evidence) / len(self.evidence)


def rank_of(score: float, known: Sequence[float]) -> int:
    """Return how many scores, with its own, are at least as high.

    >>> rank_of(0.4, [0.1, 0.5, 0.4])
    3
    """
    return 1 + sum(other >= score for other in known)


def p_value(conformal: Conformal, score: float) -> float:
    """Return the chance of so high a rank among exchangeable scores."""
    known = (*conformal.own, *conformal.seen)
    return rank_of(score, known) / (len(known) + 1)


def bet(conformal: Conformal, score: float, *, matters: bool) -> Conformal:
    """Return what is known after another score.

    Parameters
    ----------
    matters: whether so high a score is of any concern; of one that is not, every bet is lost.
    """
    known = (*conformal.own, *conformal.seen)
    size = len(known) + 1
    rank = rank_of(score, known) if matters else size
    evidence = tuple(
        min((1 + before) * _paid(rank, size, share), _CAP)
        for before, share in zip(conformal.evidence, BETS, strict=True)
    )
    return replace(conformal, seen=(*conformal.seen, score)[-MOST_SEEN:], evidence=evidence)


def _paid(rank: int, size: int, share: float) -> float:
    """Return what a bet pays; 1 where no rank is so high that it could be won.

    >>> _paid(1, 16, 1 / 8), _paid(3, 16, 1 / 8), _paid(1, 16, 1 / 32)
    (4.5, 0.5, 1.0)
    """
    highest = int(share * size)
    if highest == 0:
        return 1.0
    return 1 - STAKE + (STAKE * size / highest if rank <= highest else 0.0)


def forget(conformal: Conformal) -> Conformal:
    """Return what is known, without evidence."""
    return replace(conformal, evidence=(0.0,) * len(BETS))


def unfit(own: Sequence[float]) -> Unfit | None:
    """Return why the reference's scores can be no measure for the stream's, or ``None``.

    Exchangeable scores neither rise in time nor go with the one before: Spearman's correlation with the time, and of
    neighbours, lies under two standard errors.
    """
    if len(own) < LEAST_SCORES:
        return Unfit.TOO_SHORT
    ranks = np.argsort(np.argsort(np.asarray(own), kind="stable"), kind="stable").astype(np.float64)
    rising = float(np.corrcoef(ranks, np.arange(len(own)))[0, 1])
    neighbours = float(np.corrcoef(ranks[:-1], ranks[1:])[0, 1])
    bound = _SIGMAS / len(own) ** 0.5
    return Unfit.NOT_EXCHANGEABLE if max(rising, neighbours) > bound else None
