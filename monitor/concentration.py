"""In which segment a change is concentrated: an explanation of an alarm that was raised, and no alarm by itself.

Of each candidate the change between reference and current is compared with that of all other rows, by Welch's
difference of differences; its level is divided among all candidates that were asked (Bonferroni), so that the search
finds none by its width. Rows are taken as independent. What is statistically sure must matter, too: a segment is named
only where it carries half of the whole change, and changed at least twice as much as the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scipy.special import ndtr

LEVEL = 0.01
LEAST_ROWS = 30
MOST_CANDIDATES = 300
_LEAST_SHARE = 0.5
_LEAST_TIMES = 2.0


@dataclass(frozen=True, slots=True)
class Moments:
    """Some rows' figure: of how many rows, its mean and its variance."""

    rows: float
    mean: float
    variance: float

    def without(self, part: Moments) -> Moments:
        """Return the figure of the rows that are not among a part of them.

        >>> Moments(4, 2.5, 1.25).without(Moments(2, 1.5, 0.25))
        Moments(rows=2, mean=3.5, variance=0.25)
        """
        rows = self.rows - part.rows
        if rows <= 0:
            return Moments(0, 0.0, 0.0)
        mean = (self.rows * self.mean - part.rows * part.mean) / rows
        square = self.rows * (self.variance + self.mean**2) - part.rows * (part.variance + part.mean**2)
        return Moments(rows, mean, max(square / rows - mean**2, 0.0))


@dataclass(frozen=True, slots=True)
class Concentration:
    """Where a change is: the segment, its share of the current rows, and of the change; ``z`` its standard score."""

    label: str
    rows_ratio: float
    change_ratio: float
    z: float

    @property
    def words(self) -> str:
        """Return it in words.

        >>> Concentration("carrier=UA", 0.31, 0.92, 8.0).words
        'concentrated in carrier=UA: 31 % of rows, 92 % of the change'
        """
        return (
            f"concentrated in {self.label}: {self.rows_ratio * 100:.2g} % of rows, "
            f"{self.change_ratio * 100:.3g} % of the change"
        )


Change = tuple[Moments, Moments]
"""A figure in the reference, and now."""


def concentrated(whole: Change, candidates: Mapping[str, Change], asked: int = 1) -> Concentration | None:
    """Return the candidate in which a change is concentrated, or ``None``.

    Parameters
    ----------
    asked: how many figures share the level.
    """
    fit = {
        label: change
        for label, change in list(candidates.items())[:MOST_CANDIDATES]
        if all(_is_large(all_, part) for all_, part in zip(whole, change, strict=True))
    }
    found = [each for label, change in fit.items() if (each := _compared(whole, label, change)) is not None]
    best = max(found, key=lambda each: each.z, default=None)
    if best is None or ndtr(-best.z) * 2 * len(fit) * asked > LEVEL:
        return None
    return best


def _is_large(whole: Moments, part: Moments) -> bool:
    return part.rows >= LEAST_ROWS and whole.rows - part.rows >= LEAST_ROWS


def _compared(whole: Change, label: str, part: Change) -> Concentration | None:
    """Return how a candidate's change compares with that of the rest; ``None`` where it carries too little of it."""
    before, now = part
    rest_before, rest_now = whole[0].without(before), whole[1].without(now)
    own, rest = now.mean - before.mean, rest_now.mean - rest_before.mean
    moved = now.rows * own + rest_now.rows * rest
    error = math.sqrt(sum(each.variance / each.rows for each in (before, now, rest_before, rest_now)))
    if not moved or not error or now.rows * own / moved < _LEAST_SHARE:
        return None
    if abs(own) < _LEAST_TIMES * abs(rest):
        return None
    share = min(now.rows * own / moved, 1.0)
    return Concentration(label, now.rows / whole[1].rows, share, abs(own - rest) / error)


def share_moments(hits: float, rows: float) -> Moments:
    """Return the figure of a share; also of the mean of losses in [0, 1], whose variance is at most that of a share.

    >>> share_moments(0, 98).variance > 0
    True
    """
    smooth = (hits + 1) / (rows + 2)
    return Moments(rows, hits / rows if rows else 0.0, smooth * (1 - smooth))
