"""Event time: panes, windows, the watermark, and which rows come too late.

A *pane* is the smallest stretch of event time that is profiled; windows are sums of panes. Both stand
on multiples of their length since 1970-01-01T00:00:00Z. The *watermark* is the newest accepted event
time less ``lateness``: a window is closed once the watermark has reached its end. It advances record by
record, so that how records are cut into batches changes nothing.
"""

from __future__ import annotations

from datetime import timedelta
from math import gcd

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from monitor.instant import Instant, microseconds
from monitor.settings import Duration, Settings

NEVER: Instant = -(2**62)
"""Before every instant: the watermark of a source that has not been read."""


class WindowSettings(Settings):
    """How event time is cut, and how long stragglers are waited for."""

    length: Duration = Field(timedelta(hours=1), description="length of a window, in event time")
    every: Duration = Field(timedelta(hours=1), description="a window ends every so often; also the engine's step")
    lateness: Duration = Field(timedelta(minutes=5), description="how long stragglers are waited for")
    idle: Duration = Field(timedelta(hours=2), description="a source silent this long holds no window open")
    max_future: Duration = Field(timedelta(minutes=5), description="a record stamped further ahead is set aside")
    min_rows: int = Field(300, ge=1, le=10**9, description="fewer rows are not judged")

    @model_validator(mode="after")
    def _lengths_are_positive(self) -> WindowSettings:
        if self.length <= timedelta() or self.every <= timedelta():
            raise ValueError("length and every must be longer than 0s")
        if self.every > self.length:
            raise ValueError("every must not be longer than length: rows between two windows would never be judged")
        return self

    @property
    def pane(self) -> int:
        """Return the length of a pane in microseconds: the greatest that divides ``length`` and ``every``."""
        return gcd(microseconds(self.length), microseconds(self.every))


def pane_starts(times: NDArray[np.int64], pane: int) -> NDArray[np.int64]:
    """Return the start of each row's pane, for event times in microseconds."""
    return np.floor_divide(times, pane) * pane


def late_rows(
    times: NDArray[np.int64], *, reached: Instant, hold: Instant | None, closed: Instant, lateness: int, pane: int
) -> NDArray[np.bool_]:
    """Say which rows come after their pane was closed, each judged by the watermark just before it.

    Parameters
    ----------
    times: event times of the rows in the order of the log, microseconds, shape (n,).
    reached: the newest event time before the first row, or ``NEVER``.
    hold: the newest event time of the slowest other file or source that still has rows, if any.
    closed: the watermark that has already been acted on; it never goes back.
    lateness, pane: lengths in microseconds.
    """
    before = np.maximum.accumulate(np.concatenate(([reached], times)))[:-1]
    if hold is not None:
        before = np.minimum(before, hold)
    watermark = np.maximum(before - lateness, closed)
    late: NDArray[np.bool_] = pane_starts(times, pane) + pane <= watermark
    return late


def first_window_end(earliest: Instant, settings: WindowSettings) -> Instant:
    """Return the end of the first window that holds an instant."""
    every = microseconds(settings.every)
    return earliest // every * every + every


def due_window_ends(first: Instant, watermark: Instant, every: int) -> range:
    """Return the ends, from ``first`` on, of the windows that a watermark has closed."""
    return range(first, watermark + 1, every)


def join_steps(rows: NDArray[np.int64], least: int) -> NDArray[np.intp]:
    """Return where each step starts among stretches of ``rows`` rows, and the end of the last, shape (steps + 1,).

    A stretch under ``least`` rows joins the next; what is left over at the end joins the last step.

    >>> join_steps(np.array([5, 1, 1, 4, 1]), 4).tolist()
    [0, 1, 5]
    """
    starts, pending = [0], 0
    for place, count in enumerate(rows):
        pending += int(count)
        if pending >= least:
            starts.append(place + 1)
            pending = 0
    if len(starts) == 1:
        return np.array([0, len(rows)], np.intp)
    starts[-1] = len(rows)
    return np.array(starts, np.intp)
