"""References that follow the stream: of how much of it they are made, how often anew, and how many rows that takes.

*Rolling* by a length: made of the last stretch of that length, and anew once that has passed. *Season* by a period:
made anew once a period, of the last :data:`SEASONS` of them, so that each phase has been seen often enough to be
known; the engine then expects of a step what its phase lets expect.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from monitor.instant import Instant, microseconds
from monitor.window import WindowSettings

ROLLING, SEASON = "rolling", "season"
SEASONS = 8
"""Periods that are held for a season: one more than the gates ask for, as one may have gaps."""
MOST_ROWS = 100_000
"""Rows held of one version, in steps of equal share, unless each step needs more to be one."""
MOST_HELD_ROWS = 1_000_000
MOST_BYTES = 256 * 2**20
_SPARE = 10  # one more in so many, for records that no table can hold


@dataclass(frozen=True, slots=True)
class Trailing:
    """Of how much of the stream a reference is made. Lengths are in microseconds, and whole steps.

    Attributes
    ----------
    kind: ``rolling`` or ``season``. ``asked``: the length or period as it stands in the config.
    step: the length of a step. ``renew``: it is made anew so often. ``length``: of how much it is made at most.
    rows_a_step, bytes_a_step: no more rows, and no more text of them, are held of a step.
    """

    kind: str
    asked: timedelta
    step: int
    renew: int
    length: int
    rows_a_step: int
    bytes_a_step: int

    @property
    def key(self) -> str:
        """Return what a reference that was made so is known by: one that was asked for otherwise is not its like."""
        return f"{self.kind}:{microseconds(self.asked)}"

    @property
    def rows(self) -> int:
        """Return how many rows are held at most."""
        return self.length // self.step * self.rows_a_step

    def is_short(self, first: Instant, end: Instant) -> bool:
        """Say whether a reference of a season holds too few of them, from its first step to its end, to know it."""
        return self.kind == SEASON and end - first < (SEASONS - 1) * self.renew


def trailing_of(rolling: timedelta | None, season: timedelta | None, window: WindowSettings) -> Trailing | None:
    """Return how a reference follows the stream; ``None`` where it does not.

    A length that is no multiple of ``window.every`` is rounded up to the next.

    >>> trailing_of(timedelta(days=7), None, WindowSettings()).rows_a_step
    595
    """
    asked = season if season is not None else rolling
    if asked is None:
        return None
    step = microseconds(window.every)
    renew = max(-(-microseconds(asked) // step), 1) * step
    kind, length = (ROLLING, renew) if season is None else (SEASON, SEASONS * renew)
    steps = length // step
    rows = max(MOST_ROWS // steps, window.min_rows + -(-window.min_rows // _SPARE))
    return Trailing(kind, asked, step, renew, length, rows, MOST_BYTES // steps)
