"""Magnitude: the numbers are many times as large or small as they were, by no factor that fits."""

from __future__ import annotations

import numpy as np

from monitor.diagnosis.finding import Found
from monitor.diagnosis.seen import Evidence, Seen

_TIMES = 20.0
_MOST = 0.5
_ALIKE = 4.0
"""Mean and spread have changed by factors that differ by no more."""


def find(seen: Seen, evidence: Evidence) -> Found | None:  # noqa: ARG001 - every cause is asked alike
    """Return the cause, with about the factor, or ``None``."""
    bins, old, new = seen.numbers, seen.before.side, seen.now.side
    if bins is None or not old.mean or not new.mean or not old.sd or old.mean * new.mean <= 0:
        return None
    times = new.mean / old.mean
    if 1 / _TIMES < times < _TIMES or not _together(seen, times):
        return None
    detail = f"values are about {times:.2g} times as large"
    return Found("unit_change", seen.name, detail, times, confidence=0.6)


def _together(seen: Seen, times: float) -> bool:
    """Say whether the extremes have moved along: no value of a few rows makes the mean."""
    was = np.array([abs(seen.before.least), abs(seen.before.greatest)]).max() * times
    now = np.array([abs(seen.now.least), abs(seen.now.greatest)]).max()
    outside = float(seen.now.shares[seen.before.counts == 0].sum())
    return bool(was / _ALIKE <= now <= was * _ALIKE) and (times < 1 or outside > _MOST)
