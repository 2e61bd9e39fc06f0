"""A model's latency and volume step by step: what is usual is learnt from it.

A *step* is of length ``every``, or of several where ``every`` is under a quarter of an hour: what is usual then would
take too many to tell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.folds import numeric_fold
from monitor.instant import microseconds
from monitor.latency import BINS, latency_bins
from monitor.window import WindowSettings, join_steps

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_LEAST = microseconds(timedelta(minutes=15))
_MOST_STEPS = 1_000_000
"""A reference with longer gaps than its rows are dense tells no volume."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Steps in time.

    Attributes
    ----------
    times: numbers of steps since 1970, rising, (B,).
    counts: of latencies by bin, (B, bins); of volumes the records, (B, 1).
    whole, fold: the latencies of all steps by fine bin, and the bin of ``counts`` of each fine one.
    """

    times: Integers
    counts: Integers = field(repr=False)
    whole: Integers | None = field(default=None, repr=False)
    fold: NDArray[np.intp] | None = field(default=None, repr=False)


def step_length(window: WindowSettings) -> int:
    """Return the length of a step in microseconds: the least multiple of ``every`` from a quarter of an hour on.

    >>> step_length(WindowSettings()) // 60_000_000
    60
    """
    every = microseconds(window.every)
    return -(-_LEAST // every) * every


def volume_history(times: Integers, step: int) -> History | None:
    """Return the rows of each whole step, those without any too; ``None`` where there is no such step.

    Parameters
    ----------
    times: event times in microseconds, (n,), in any order. The steps of the first and the last are left out: they may
        be in part outside.
    """
    numbers = times // step
    first, last = int(numbers.min()) + 1, int(numbers.max())
    if not 0 < last - first <= _MOST_STEPS:
        return None
    inside = (numbers >= first) & (numbers < last)
    rows = np.bincount(numbers[inside] - first, minlength=last - first)
    return History(np.arange(first, last), rows.astype(np.int64)[:, np.newaxis])


def latency_history(times: Integers, seconds: Floats, step: int, least: int) -> History | None:
    """Return the latencies of each step; one with fewer than ``least`` joins the next. ``None`` without any.

    Parameters
    ----------
    seconds: latencies, (n,); NaN where there is none.
    """
    known = np.isfinite(seconds)
    if not known.any():
        return None
    numbers, places = np.unique(times[known] // step, return_inverse=True)
    joined = join_steps(np.bincount(places), least)
    numbers, places = numbers[joined[1:] - 1], np.searchsorted(joined, places, side="right") - 1
    bins = latency_bins(seconds[known])
    whole = np.bincount(bins, minlength=BINS).astype(np.int64)
    fold = numeric_fold(whole)
    size = int(fold.max()) + 1
    counts = np.bincount(places * size + fold[bins], minlength=len(numbers) * size)
    return History(numbers, counts.reshape(len(numbers), size).astype(np.int64), whole, fold)


def folded(times: Integers, counts: Integers) -> History:
    """Return a history of latencies by fine bin, (B, BINS), in the bins that what is usual is judged in."""
    whole: Integers = counts.sum(axis=0)
    fold = numeric_fold(whole)
    starts = np.flatnonzero(np.diff(fold, prepend=-1))
    return History(times, np.add.reduceat(counts, starts, axis=1), whole, fold)
