"""The chi-squared test of two samples of categories: its distance, its p-value, and the distance that a p needs.

The distance is Cohen's w, sqrt(chi² (n + m) / (n m)), as in :mod:`monitor.drift.chi_squared`. With two bins the law is
exact (hypergeometric, by the difference of the shares). With more, chi² has its exact mean and variance given both
margins, and the tail of a gamma law with these: plain chi² calls thin bins drift up to forty times too often, this at
most twice (measured at a level of 0.0005). Bins with fewer than five expected rows are joined. Rows are taken as
exchangeable.

Source: Nass (1959), Biometrika 46:365; the variance of Dawson (1954), Biometrika 41:280; Cohen (1988), 7.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import gammaincc, gammainccinv, gammaln, ndtri

from monitor.bins import Floats
from monitor.profile import Integers

LEAST_EXPECTED = 5.0
_REACH = 40.0
"""Standard deviations beyond which an outcome has no chance that a float could tell from 0."""


@dataclass(frozen=True, slots=True)
class Tested:
    """A table of two samples, tested.

    Attributes
    ----------
    distance: w of the tested bins; thin ones are joined.
    """

    distance: float
    p_value: float
    _law: _Two | _Many | None = field(repr=False)

    def critical(self, level: float) -> float:
        """Return the least w, given both margins, whose p-value is at most ``level``; larger than any if none has."""
        return self._law.critical(level) if self._law is not None else float(ndtri(1 - level / 2))


def tested(reference: Integers, current: Integers) -> Tested:
    """Test counts by bin, both of shape (bins,), each with at least one row.

    >>> round(tested(np.array([10, 20]), np.array([20, 10])).p_value, 5)
    0.01938
    """
    old, new = _joined(np.asarray(reference, np.int64), np.asarray(current, np.int64))
    if len(old) < 2:  # noqa: PLR2004 - all rows in one bin: nothing differs
        return Tested(0.0, 1.0, None)
    if len(old) == 2:  # noqa: PLR2004 - a share and the rest
        two = _Two.of(old, new)
        return Tested(two.distance(int(new[0])), two.p_value(int(new[0])), two)
    many = _Many.of(old, new)
    return Tested(many.distance, many.p_value, many)


def _joined(old: Integers, new: Integers) -> tuple[Integers, Integers]:
    """Join the bins that the smaller sample is to have few rows in; given the margins this chooses nothing."""
    both = old + new
    old, new, both = old[both > 0], new[both > 0], both[both > 0]
    thin = both * (min(old.sum(), new.sum()) / both.sum()) < LEAST_EXPECTED
    thin[np.argmax(both)] = False  # of samples with few rows all are, and one bin would tell nothing
    if thin.sum() < 2:  # noqa: PLR2004 - one is joined with nothing
        return old, new
    return np.append(old[~thin], old[thin].sum()), np.append(new[~thin], new[thin].sum())


@dataclass(frozen=True, slots=True)
class _Two:
    """The exact law of the current sample's rows in the first of two bins, given both margins.

    ``least`` is the fewest rows of the law; ``gaps`` and ``tails``: of each number of rows, the difference of the
    shares in units of w, and the chance of one at least as large.
    """

    least: int
    gaps: Floats
    tails: Floats

    @classmethod
    def of(cls, old: Integers, new: Integers) -> _Two:
        n, m, rows = int(old.sum()), int(new.sum()), int(old[0] + new[0])
        share = rows / (n + m)
        mean, spread = m * share, (m * share * (1 - share) * n / (n + m)) ** 0.5
        least = max(0, rows - n, min(int(new[0]), int(mean - _REACH * (spread + 1))))
        most = min(m, rows, max(int(new[0]), int(mean + _REACH * (spread + 1))))
        here = np.arange(least, most + 1, dtype=np.int64)
        chance = np.exp(_ways(m, here) + _ways(n, rows - here) - _ways(n + m, np.array([rows])))
        gaps = np.abs(here / m - (rows - here) / n) / (share * (1 - share)) ** 0.5
        order = np.argsort(-gaps, kind="stable")
        reached = np.cumsum(chance[order])
        # Of outcomes with one gap each has the chance of all of them; rounding must not part them.
        last = np.searchsorted(-gaps[order], -gaps[order] * (1 - 1e-12), side="right") - 1
        tails = np.empty(len(here))
        tails[order] = np.minimum(reached[last], 1.0)
        return cls(least, gaps, tails)

    def distance(self, rows: int) -> float:
        return float(self.gaps[rows - self.least])

    def p_value(self, rows: int) -> float:
        return float(self.tails[rows - self.least])

    def critical(self, level: float) -> float:
        enough = self.gaps[self.tails <= level]
        return float(enough.min()) if len(enough) else float(np.nextafter(self.gaps.max(), np.inf))


def _ways(rows: int, taken: Integers) -> Floats:
    """Return the logarithm of the ways to take so many of the rows."""
    ways: Floats = gammaln(rows + 1) - gammaln(taken + 1) - gammaln(rows - taken + 1)
    return ways


@dataclass(frozen=True, slots=True)
class _Many:
    """The gamma law of chi² with its exact mean and variance; ``worth`` is n m / (n + m)."""

    distance: float
    shape: float
    scale: float
    worth: float

    @classmethod
    def of(cls, old: Integers, new: Integers) -> _Many:
        margins = np.array([old.sum(), new.sum()], np.float64)
        rows, both = float(margins.sum()), (old + new).astype(np.float64)
        worth = margins[0] / rows * margins[1]
        gap = new / margins[1] - old / margins[0]
        w = float(np.sqrt((gap * gap / (both / rows)).sum()))
        bins = len(both)
        mean = rows * (bins - 1) / (rows - 1)
        variance = variance_of(rows, both, margins)
        return cls(w, mean * mean / variance, variance / mean, worth)

    @property
    def p_value(self) -> float:
        return float(gammaincc(self.shape, self.distance**2 * self.worth / self.scale))

    def critical(self, level: float) -> float:
        return float(np.sqrt(gammainccinv(self.shape, level) * self.scale / self.worth))


def variance_of(rows: float, *sides: Floats) -> float:
    """Return the variance of chi² given both margins (Dawson 1954)."""
    v, w = [], []
    for margin in sides:
        bins = len(margin)
        v.append((bins - 1) * (rows - bins) / (rows - 1))
        w.append(((rows / margin).sum() - bins * bins) / (rows - 2))
    return float(2 * rows / (rows - 3) * (v[0] - w[0]) * (v[1] - w[1]) + rows * rows / (rows - 1) * w[0] * w[1])
