"""Rounded: the values lie on a coarser grid than those of the reference."""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats, NumericBins
from monitor.diagnosis.finding import Found
from monitor.diagnosis.seen import Evidence, Half, Seen

_STEPS = tuple(digit * 10.0**power for power in range(6, -7, -1) for digit in (5, 2.5, 2, 1))
_ON = 0.995
_WAS_ON = 0.75
_MOST_CELLS = 0.5
_FEWEST = 4
"""A grid is told from so many of its values on."""


def find(seen: Seen, evidence: Evidence) -> Found | None:  # noqa: ARG001 - every cause is asked alike
    """Return the cause, with the step of the grid as its factor, or ``None``."""
    bins = seen.numbers
    if bins is None or not seen.now.values:
        return None
    full = int((seen.now.counts > 0).sum())
    if full < _FEWEST or full >= _MOST_CELLS * _expected(seen):
        return None
    for step in _STEPS:
        on = on_grid(bins, seen.before, seen.now, step)
        if on is not None and on[1] >= _ON and on[0] <= _WAS_ON:
            detail = f"rounded to multiples of {step:g}: {on[0]:.0%} of values were such before"
            return Found("rounding", seen.name, detail, step, confidence=1 - on[0] / 2)
    return None


def _expected(seen: Seen) -> float:
    """Return how many cells so many rows would fill if nothing had changed."""
    filled: Floats = -np.expm1(-seen.now.values * seen.before.shares)
    return float(filled.sum())


def on_grid(bins: NumericBins, before: Half, now: Half, step: float) -> tuple[float, float] | None:
    """Return which share of the values lie in cells that hold a multiple of a step, before and now.

    Where nearly every cell holds one, or the extremes are none themselves, it says nothing: ``None``.
    """
    ends = np.array([now.least, now.greatest])
    if not np.isfinite(ends).all() or np.abs(ends - np.rint(ends / step) * step).max() > 1e-6 * max(step, 1e-12):
        return None
    if (now.greatest - now.least) / step < _FEWEST - 1:
        return None
    lower = np.concatenate(([-np.inf], bins.edges))
    upper = np.concatenate((bins.edges, [np.inf]))
    with np.errstate(all="ignore"):
        holds = np.ceil(lower / step) * step < upper
    holds |= ~np.isfinite(lower) | ~np.isfinite(upper)
    return float(before.shares[holds].sum()), float(now.shares[holds].sum())
