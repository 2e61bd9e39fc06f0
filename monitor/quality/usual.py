"""How many records of a window may be so, given how many were in each step of the reference.

The share of a step is taken to vary as a beta distribution, so that counts are beta-binomial: the mean is the
reference's, the spread what its steps show beyond sampling, and the reference's own error comes to it. Where single
steps lie far out, a window may be like the worst of them. And where steps vary for sure, storms to come may be worse
than any that the reference holds: the share then varies as Student's t with four degrees of freedom does, the same
that the drift engine was found to need at most (``python -m benchmarks.quality nulls``).

Sources: Williams (1982), Applied Statistics 31:144 (the moment estimate of the spread); Skellam (1948), Journal of the
Royal Statistical Society B 10:257 (the beta-binomial distribution).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, chdtrc, gammaln, stdtr

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

LEAST_STEPS = 20
"""Fewer steps do not tell how much a share varies."""
_LEAST_JOINED = 10
"""So many joined steps at least tell how much they vary."""
_SURE = 1.645
"""The spread is taken at the upper end of its one-sided 95 % interval."""
_CERTAIN = 1e-4
"""Steps vary for sure where chi-squared has so small a chance of being luck."""
_TAIL_FREEDOM = 4
_GRID = np.concatenate((-np.geomspace(1e3, 1e-2, 300), [0.0], np.geomspace(1e-2, 1e3, 300)))
"""In spreads from the mean: where the distribution of shares is cut into pieces to be summed over."""
_MOST_ROWS = 50_000
"""A larger window is taken for one of so many rows of the same shares: its sampling error matters no more."""
_WHOLLY = 1e-9


@dataclass(frozen=True, slots=True)
class Usual:
    """How a share varies over steps.

    Attributes
    ----------
    mean: the share. ``size``: the sum of both parameters of its beta distribution over steps; infinite: no spread.
    rows: what the mean is worth, in rows.
    worst: the share of the worst step, less the luck in it. ``steps``: how many there are.
    storms: the steps vary for sure, and so may be worse yet than the worst.
    """

    mean: float
    size: float
    rows: float
    worst: float
    steps: int
    storms: bool = False

    def most(self, of: int, level: float) -> int:
        """Return the most records among so many that are usual: more have a chance of at most ``level``.

        >>> usual(np.full(100, 20), np.full(100, 1000)).most(1000, 1e-6)
        44
        """
        if of <= 0:
            return 0
        n = min(of, _MOST_ROWS)
        found = _most(self, n, level)
        return found if n == of else int(np.ceil(found / n * of))

    def found_most(self, n: int, level: float) -> int:
        """Return :meth:`most` of at most 50,000 records, reckoned anew."""
        return max(self._by_spread(n, level), self._by_worst(n, level), self._by_storms(n, level))

    def _by_spread(self, n: int, level: float) -> int:
        size = 1 / (1 / self.size + 1 / self.rows)
        a, b = self.mean * size, (1 - self.mean) * size
        k = np.arange(n + 1)
        log = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + betaln(k + a, n - k + b) - betaln(a, b)
        beyond = np.cumsum(np.exp(log)[::-1])[::-1]  # the chance of k or more
        return int(np.argmax(beyond <= level)) - 1 if beyond[-1] <= level else n

    def _by_worst(self, n: int, level: float) -> int:
        """Return the most in a step like the worst, given how seldom the reference shows one like it."""
        rare = min(level * self.steps, 0.5)
        return _least(int(n * self.worst), n, lambda k: betainc(k + 1, n - k, self.worst) <= rare)

    def _by_storms(self, n: int, level: float) -> int:
        """Return the most in a step whose share has the long tail of steps that vary; 0 where none does."""
        if not self.storms:
            return 0
        spread = np.sqrt(self.mean * (1 - self.mean) * (1 / self.size + 1 / self.rows))
        shares = np.clip(self.mean + spread * (_GRID[1:] + _GRID[:-1]) / 2, 0, 1)
        chances = np.diff(stdtr(_TAIL_FREEDOM, _GRID))
        return _least(0, n, lambda k: float(chances @ betainc(k + 1, n - k, shares)) <= level)


@lru_cache(maxsize=4096)  # steps of a model have few sizes
def _most(usual: Usual, n: int, level: float) -> int:
    return usual.found_most(n, level)


def _least(low: int, n: int, is_rare: Callable[[int], bool]) -> int:
    """Return the least number of which more are rare, at most n."""
    high = n
    while low < high:
        middle = (low + high) // 2
        if middle == n or is_rare(middle):
            high = middle
        else:
            low = middle + 1
    return low


def usual(bad: Integers, of: Integers, hidden: float = 0.0) -> Usual:
    """Return how a share varies over the steps of a reference.

    Parameters
    ----------
    bad, of: records that are so, among how many; int64 (B,).
    hidden: such records that the reference may hold without showing them.
    """
    held = of > 0
    rows_of, rows_bad = of[held].astype(np.float64), bad[held].astype(np.float64)
    steps, rows = len(rows_of), float(rows_of.sum())
    mean = (float(rows_bad.sum()) + hidden + 0.5) / (rows + 1)
    if not rows_bad.any():
        return Usual(mean, np.inf, rows, mean, steps)
    scales = [_spread(*_joined(rows_bad, rows_of, length), mean) for length in _lengths(steps)]
    between = min(max(found[0] for found in scales), 1 - _WHOLLY)
    worth = rows / max(*(found[1] for found in scales), 1.0)
    if not between:
        return Usual(mean, np.inf, worth, mean, steps)
    size = (1 - between) / between
    storms = any(found[2] for found in scales)
    worst = float(((rows_bad + mean * size) / (rows_of + size)).max())
    return Usual(mean, size, worth, worst, steps, storms)


def usual_of_rows(bad: int, of: int) -> Usual:
    """Return how a share varies where rows are exchangeable: by sampling alone, the reference's own included.

    >>> usual_of_rows(20, 1000).most(1000, 1e-6)
    61
    """
    mean = (bad + 0.5) / (of + 1)
    return Usual(mean, np.inf, of + 1.0, mean, 1)


def _lengths(steps: int) -> list[int]:
    """Return the numbers of steps that are joined: what varies slowly hides in single ones."""
    return [2**power for power in range(20) if 2**power == 1 or steps // 2**power >= _LEAST_JOINED]


def _joined(bad: Floats, of: Floats, length: int) -> tuple[Floats, Floats]:
    starts = np.arange(0, len(bad), length)
    return np.add.reduceat(bad, starts), np.add.reduceat(of, starts)


def _spread(bad: Floats, of: Floats, mean: float) -> tuple[float, float, bool]:
    """Return the correlation of two rows of a step, at the upper end of its interval; of chi-squared, how far it is up.

    And whether that is more than luck.
    """
    steps, spread = len(of), mean * (1 - mean)
    chi2 = float(((bad - of * mean) ** 2 / of).sum()) / spread
    luck = np.sqrt(2 * max(steps - 1, 1) + float((1 / of).sum()) / spread)
    between = max(chi2 - (steps - 1) + _SURE * luck, 0.0) / max(float((of - 1).sum()), 1.0)
    freedom = max(steps - 1, 1)
    chance = chdtrc(freedom, max(freedom + (chi2 - freedom) * np.sqrt(2 * freedom) / luck, 0.0))
    return between, chi2 / freedom, bool(chance < _CERTAIN)
