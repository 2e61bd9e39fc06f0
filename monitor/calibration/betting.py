"""Bets on a bounded loss: an alarm on performance that assumes no distribution, no variance and no independence.

A *block* is a stretch of records whose targets are known; its mean loss lies in [0, 1] (an error of 0 or 1, or a loss
clipped and divided by a stated maximum). While the conditional mean of a block is at most m0, each bet

    M <- (1 + M) max(1 + f / m0 (x - m0), tiny)

is a Shiryaev-Roberts e-detector (Shin, Ramdas, Rinaldo: E-detectors; Podkopaev, Ramdas 2021: tracking the risk of a
deployed model), so that the mean of all M reaches N once in N blocks at most. m0 is an upper bound of the reference's
mean, by betting too (Waudby-Smith, Ramdas 2023: estimating means of bounded random variables by betting), and a
tolerance.

Both hold of losses that are cut at a ceiling too, since a cut lowers a mean and never raises one. What a bet on [0, 1]
proves of a short reference is little: where no block lost more than a fifth, the ceiling is two fifths, and the mean is
known twice as well. It is taken far over the worst block, so that choosing it by the reference hardly matters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from monitor.calibration.arrays import Floats
from monitor.calibration.collapse import RunLimit, run_limits

FRACTIONS = (0.03, 0.06, 0.12, 0.25, 0.5, 0.8, 0.99)
"""Of the capital that each bet stakes: small ones find small losses, and late."""
LEVEL = 0.05
"""The reference's mean is over its bound so often."""
LEAST_TARGETS = 30
"""Smaller blocks say next to nothing each; a caller joins them."""
COLLAPSE_TARGETS, COLLAPSE_RATIO = 100, 2.0
"""A block of so many targets that is over so many times the worst block of the reference is a collapse."""
TOLERANCE = 0.02
_CEILING_RATIO, _LEAST_CEILING = 2.0, 0.2
"""Losses are cut at so many times the worst block of the reference, but not lower than this: large ones must win."""
_GRID = 401
_MOST_STAKED = 0.75
_TINY = 1e-12
_LARGEST = 1e200


@dataclass(frozen=True, slots=True)
class Bound:
    """What a reference says of the loss: its mean and worst block, what is no alarm (m0), and what is a collapse.

    ``ceiling``: a block that loses more is bet on as if it lost so much.
    """

    mean: float
    worst: float
    allowed: float
    runs: tuple[RunLimit, ...] = ()
    ceiling: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Capital:
    """What each bet has won, (7,)."""

    won: Floats = field(default_factory=lambda: np.zeros(len(FRACTIONS)), repr=False)

    @property
    def evidence(self) -> float:
        """Return the mean of all bets: at N the alarm fires."""
        return float(self.won.mean())


def upper_bound(losses: Floats, order: np.random.Generator, ceiling: float = 1.0) -> float:
    """Return the 95 % upper betting bound of the mean of block losses, at least their mean.

    Parameters
    ----------
    losses: mean losses of the reference's blocks, in [0, ceiling], (n,).
    order: the blocks are bet on in random order, so that a season does not decide.

    Raises
    ------
    ValueError: no block, or a loss outside [0, ceiling].
    """
    if not len(losses) or losses.min() < 0 or losses.max() > ceiling:
        raise ValueError(f"block losses lie in [0, {ceiling:g}], and there is at least one")
    drawn = losses[order.permutation(len(losses))] / ceiling
    number = np.arange(1, len(drawn) + 1)
    mean = (0.5 + np.cumsum(drawn)) / (number + 1)
    variance = (0.25 + np.cumsum((drawn - mean) ** 2)) / (number + 1)
    known = np.concatenate(([0.25], variance[:-1]))
    stake = np.sqrt(2 * math.log(1 / LEVEL) / (len(drawn) * known))
    grid = np.linspace(0, 1, _GRID)
    bet = np.minimum(stake[:, np.newaxis], _MOST_STAKED / np.maximum(1 - grid, _TINY))
    capital = np.cumsum(np.log(np.maximum(1 - bet * (drawn[:, np.newaxis] - grid), _TINY)), axis=0)
    possible = grid[capital.max(axis=0) < math.log(1 / LEVEL)]
    return max(float(possible.max(initial=0.0)) * ceiling, float(losses.mean()))


def bound(
    losses: Floats, order: np.random.Generator, tolerance: float = TOLERANCE, lengths: Iterable[int] = ()
) -> Bound:
    """Return what a reference allows; see :func:`upper_bound`, and :func:`run_limits` for the lengths of runs."""
    worst = float(losses.max(initial=0.0))
    ceiling = min(max(_CEILING_RATIO * worst, _LEAST_CEILING), 1.0)
    allowed = min(upper_bound(losses, order, ceiling) + tolerance, 1.0)
    return Bound(float(losses.mean()), worst, allowed, run_limits(losses, allowed, lengths), ceiling)


def bet(capital: Capital, bound: Bound, loss: float) -> Capital:
    """Return the capital after a block with a mean loss.

    >>> small = Bound(0.1, 0.2, 0.15)
    >>> bet(Capital(), small, 0.6).evidence > bet(Capital(), small, 0.2).evidence > bet(Capital(), small, 0.1).evidence
    True
    """
    return Capital(np.minimum((1 + capital.won) * _gains(bound, loss), _LARGEST))


def _gains(bound: Bound, loss: float) -> Floats:
    over = min(loss, bound.ceiling) - bound.allowed
    return np.maximum(1 + np.array(FRACTIONS) / max(bound.allowed, _TINY) * over, _TINY)


@dataclass(frozen=True, slots=True)
class Onset:
    """Since when a loss probably lasts: of each bet its winnings in one run (a logarithm), and where that run began.

    The run of a CUSUM: it begins anew where it has lost all; Page 1954, continuous inspection schemes.
    """

    runs: tuple[float, ...] = (0.0,) * len(FRACTIONS)
    since: tuple[int | None, ...] = (None,) * len(FRACTIONS)

    @property
    def began(self) -> int | None:
        """Return where the run that has won most began; ``None`` if none has won anything."""
        best = max(range(len(self.runs)), key=self.runs.__getitem__)
        return self.since[best]


def after(onset: Onset, bound: Bound, loss: float, start: int) -> Onset:
    """Return the onset after a block with a mean loss, which starts at an instant.

    >>> small = Bound(0.1, 0.2, 0.15)
    >>> after(after(after(Onset(), small, 0.1, 1), small, 0.4, 2), small, 0.4, 3).began
    2
    """
    logs = np.log(_gains(bound, loss)).tolist()
    runs = [max(run, 0.0) + log for run, log in zip(onset.runs, logs, strict=True)]
    begun = [start if run <= 0 else since for run, since in zip(onset.runs, onset.since, strict=True)]
    since = tuple(at if run > 0 else None for run, at in zip(runs, begun, strict=True))
    return Onset(tuple(max(run, 0.0) for run in runs), since)


def has_collapsed(bound: Bound, loss: float, targets: int) -> bool:
    """Say whether one block alone says it all: the level rule, which is outside the promise.

    >>> has_collapsed(Bound(0.1, 0.2, 0.15), 0.5, 100), has_collapsed(Bound(0.1, 0.2, 0.15), 0.5, 99)
    (True, False)
    """
    return targets >= COLLAPSE_TARGETS and loss > COLLAPSE_RATIO * bound.worst
