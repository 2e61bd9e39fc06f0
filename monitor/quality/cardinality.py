"""Categories that a window holds: far fewer than so many records usually have.

So many records, drawn from the reference's shares, hold a known number of categories on average; a window's number over
that varies as it does over the reference's steps, and Student's t says how far. More categories than the reference has
are told as ``unseen``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtrit

from monitor.bins import CategoryBins
from monitor.profile import Profile
from monitor.quality.check import NO_TIMESTAMPS, TOO_SHORT, Bounds, Check, Expectation, Found, Seen, Subject
from monitor.quality.usual import LEAST_STEPS, Integers
from monitor.record import Kind

_FEW = 3
"""Of fewer categories none is missed: what is left of two is a stuck column."""


@dataclass(frozen=True, slots=True)
class Variety:
    """How many categories a window of so many values holds.

    Attributes
    ----------
    shares: of the reference's categories, (levels,).
    mean, sd: of a step's categories over those expected. ``steps``: how many told so.
    """

    shares: np.ndarray = field(repr=False)
    mean: float
    sd: float
    steps: int

    def value(self, seen: Seen) -> float:
        """Return the number of categories."""
        return float(seen.bad)

    def bounds(self, of: int, level: float) -> Bounds:
        """Return the fewest that are usual, and how many there are."""
        reach = float(-stdtrit(self.steps - 1, level)) * self.sd * np.sqrt(1 + 1 / self.steps)
        fewest = np.floor((self.mean - reach) * expected(self.shares, of)) - 1
        return Bounds(max(float(fewest), 0.0), float(len(self.shares)))

    def is_broken(self, seen: Seen, level: float) -> bool:
        """Say whether there are fewer than is usual."""
        return seen.of > 0 and seen.bad < self.bounds(seen.of, level).lower


def expected(shares: np.ndarray, of: int) -> float:
    """Return the categories that so many draws hold on average.

    >>> expected(np.array([0.5, 0.5]), 2)
    1.5
    """
    return float((1 - (1 - shares) ** of).sum())


def expect(subject: Subject) -> Found:
    """Expect about as many categories as the reference's steps hold."""
    place, reference = subject.place, subject.reference
    bins, steps, start = reference.binning.columns[place].bins, reference.steps, reference.binning.offsets[place]
    if not isinstance(bins, CategoryBins) or len(bins.levels) < _FEW:
        return None
    if steps is None:
        return NO_TIMESTAMPS
    end = start + bins.other
    values = steps.rows - steps.missing[:, place]
    told = values > 0
    if int(told.sum()) < LEAST_STEPS:
        return TOO_SHORT
    counts = reference.profile.counts[start:end]
    allowed = _variety(counts / max(int(counts.sum()), 1), steps.facts.levels[told, place], values[told])

    def count(profile: Profile) -> Seen:
        return Seen(int((profile.counts[start:end] > 0).sum()), profile.rows - int(profile.absent[place]))

    return Expectation(subject.column.name, CHECK.name, count, allowed)


def _variety(shares: np.ndarray, levels: Integers, values: Integers) -> Variety:
    sizes, which = np.unique(values, return_inverse=True)
    ratio = levels / np.array([expected(shares, int(size)) for size in sizes])[which]
    return Variety(shares, float(ratio.mean()), float(ratio.std(ddof=1)), len(ratio))


CHECK = Check("cardinality", "far fewer categories than usual", frozenset({Kind.CATEGORICAL}), expect)
