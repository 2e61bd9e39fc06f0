"""How far two histograms in the same cells lie apart, from 0 to 1: what the causes hold their explanations against."""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats
from monitor.profile import Integers

_LEAST_ROWS = 30
"""A step with fewer rows says nothing of what is usual."""


def gap(p: Floats, q: Floats) -> float:
    """Return the mean distance of two distribution functions, over the values of both.

    It knows no unit: what counts is how many rows lie between, so that one row far away is one row. Of shares in
    cells in rising order, (cells,) each. Where the two have no value in common it is 0.5.

    >>> gap(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    0.5
    """
    return float((np.abs(_middles(p) - _middles(q)) * (p + q) / 2).sum())


def _middles(p: Floats) -> Floats:
    """Return the distribution function in the middle of each cell: half of its own rows lie below."""
    below: Floats = np.cumsum(p, axis=-1) - p / 2
    return below


def moved(p: Floats, q: Floats) -> float:
    """Return which share of the rows would have to change their cell: the total variation.

    >>> moved(np.array([0.5, 0.5]), np.array([0.25, 0.75]))
    0.25
    """
    return float(np.abs(p - q).sum()) / 2


def moved_by_chance(p: Floats, n: int, m: int) -> float:
    """Return which share of rows changes its cell by chance, at most, in samples of n and m rows of one population."""
    return 0.6 * float(np.sqrt(p * (1 - p)).sum()) * float(np.sqrt(1 / max(n, 1) + 1 / max(m, 1)))


def gaps_of_steps(counts: Integers, *, ordered: bool) -> Floats:
    """Return how far each step lies from all of them, less what chance makes of so few rows.

    Parameters
    ----------
    counts: int64 (steps, bins). ``ordered``: of numbers, measured by :func:`gap`; else by :func:`moved`.
    """
    rows = counts.sum(axis=1)
    counts, rows = counts[rows >= _LEAST_ROWS], rows[rows >= _LEAST_ROWS]
    if not len(rows):
        return np.zeros(1)
    whole = counts.sum(axis=0) / rows.sum()
    shares = counts / rows[:, np.newaxis]
    if ordered:
        found = (np.abs(_middles(shares) - _middles(whole)) * (shares + whole) / 2).sum(axis=1)
        chance = 0.25 / np.sqrt(rows)
    else:
        found = np.abs(shares - whole).sum(axis=1) / 2
        chance = np.sqrt(whole * (1 - whole)).sum() * 0.4 / np.sqrt(rows)
    gaps: Floats = np.sqrt(np.maximum(found**2 - chance**2, 0.0))
    return gaps


def moments_of_steps(counts: Integers, values: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each step, (steps,) each, of those with enough rows.

    Parameters
    ----------
    counts: int64 (steps, bins). ``values``: what a row of each bin counts as, (bins,).
    """
    rows = counts.sum(axis=1)
    counts, rows = counts[rows >= _LEAST_ROWS], rows[rows >= _LEAST_ROWS]
    shares = counts / rows[:, np.newaxis]
    size = max(float(np.abs(values).max(initial=0.0)), np.finfo(np.float64).tiny)  # so that no square overflows
    mean = shares @ (values / size)
    spread = np.sqrt(np.maximum(shares @ (values / size) ** 2 - mean**2, 0.0))
    return mean * size, spread * size
