"""Whether a figure moved only because other segments have the rows: each is as it was, and their shares are not.

The change of a mean over segments is split as Kitagawa (1955) splits the difference of two rates: what the shares
explain, with each segment's figure as it was in the reference, and what is left, which happened within the segments.
Where the segments moved one way and the whole the other, this is Simpson's paradox. It is an explanation of an alarm
that was raised, and no alarm by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.special import ndtr

from monitor.concentration import LEAST_ROWS, LEVEL, Change

_MOSTLY = 0.8
"""The least part of a change that the shares explain where they are what is told."""
_SURELY = 3.0
"""So many standard errors against the whole are no chance."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """A change that the mix of segments explains.

    Attributes
    ----------
    name: the column, or both, that make the segments.
    label: the segment whose share explains most; its shares of rows are ``before`` and ``now``.
    explained: the part of the change that the shares explain; over 1 where the segments moved the other way.
    against: whether the segments moved against the whole by more than chance: Simpson's paradox.
    """

    name: str
    label: str
    before: float
    now: float
    explained: float
    against: bool

    @property
    def words(self) -> str:
        """Return it in words.

        >>> Mixed("carrier", "carrier=AA", 0.31, 0.52, 0.93, False).words
        'the mix of carrier moved: carrier=AA is 52 % of rows instead of 31 %; this explains 93 % of the change'
        """
        moved = f"the mix of {self.name} moved: {self.label} is {_percent(self.now)} of rows instead of "
        if self.against:
            return f"{moved}{_percent(self.before)}; within each {self.name} it changed the other way"
        return f"{moved}{_percent(self.before)}; this explains {_percent(min(self.explained, 1.0))} of the change"


def mixed(name: str, whole: Change, parts: Mapping[str, Change], asked: int = 1) -> Mixed | None:
    """Return how the mix of segments explains a change, or ``None`` where it does not for the most part.

    Parameters
    ----------
    whole: the figure of all rows, in the reference and now. ``parts``: of the segments of one column or pair; rows in
        none of them are one more. ``asked``: how many figures and columns of segments share the level.
    """
    change = whole[1].mean - whole[0].mean
    cells = [*parts.values(), _rest(whole, parts)]
    if not change or not parts or any(new.rows and not old.rows for old, new in cells):
        return None
    added = {label: _added(whole, cell) / change for label, cell in parts.items()}
    label = max(added, key=lambda each: added[each])
    explained = sum(_added(whole, cell) for cell in cells) / change
    if explained < _MOSTLY or not _differ(whole, parts[label], asked * len(parts)):
        return None
    before, now = (part.rows / all_.rows for all_, part in zip(whole, parts[label], strict=True))
    against = explained > 1 and abs(change) * (explained - 1) > _SURELY * _error_within(whole[1].rows, cells)
    return Mixed(name, label, before, now, explained, against)


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %"


def _rest(whole: Change, parts: Mapping[str, Change]) -> Change:
    """Return the figure of the rows that are in no segment, on both sides."""
    before, now = whole
    for old, new in parts.values():
        before, now = before.without(old), now.without(new)
    return before, now


def _added(whole: Change, cell: Change) -> float:
    """Return what the share of a segment adds to the change, by how far its figure lay from that of all."""
    before, now = (part.rows / all_.rows for all_, part in zip(whole, cell, strict=True))
    return (now - before) * (cell[0].mean - whole[0].mean)


def _differ(whole: Change, part: Change, asked: int) -> bool:
    """Say whether a segment's share is another one, by a two-proportion z-test at a level that all who ask share."""
    rows, hits = [each.rows for each in whole], [each.rows for each in part]
    if min(rows) < LEAST_ROWS or max(hits) < LEAST_ROWS:
        return False
    pooled = sum(hits) / sum(rows)
    error = math.sqrt(pooled * (1 - pooled) * (1 / rows[0] + 1 / rows[1]))
    z = abs(hits[1] / rows[1] - hits[0] / rows[0]) / error if error else 0.0
    return bool(ndtr(-z) * 2 * asked <= LEVEL)


def _error_within(rows: float, cells: Sequence[Change]) -> float:
    """Return the standard error of what happened within the segments."""
    known = [(old, new) for old, new in cells if old.rows and new.rows]
    squares = ((new.rows / rows) ** 2 * (old.variance / old.rows + new.variance / new.rows) for old, new in known)
    return math.sqrt(sum(squares))
