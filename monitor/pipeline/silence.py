"""The ``volume`` alert: a version that should have records has none.

A stretch without records is a breach once the silence lasts more than twice the longest that the reference shows
between two steps, and no other version has taken over; after ``for`` breaches in a row the alert fires.
"""

from __future__ import annotations

import numpy as np

from monitor.instant import Instant, microseconds, to_text
from monitor.pipeline.model import Model, Version
from monitor.pipeline.ruling import Finding

NAME = "volume"
_FOLD = 2


def watch_silence(model: Model, name: str, rows: dict[str, int], end: Instant) -> Finding:
    """Look at one stretch of a version; return whether its silence is a breach, and since when it lasts."""
    version = model.versions[name]
    if rows[name]:
        version.heard_until = end
    last = to_text(version.heard_until) if version.heard_until is not None else "the beginning"
    cause = {"kind": "no_records", "column": None, "detail": f"no records since {last}", "factor": None}
    diagnosis = {"class": "data_fault", "causes": [cause]}
    return Finding(NAME, is_silent(model, name, rows, end), diagnosis=diagnosis)


def is_silent(model: Model, name: str, rows: dict[str, int], end: Instant) -> bool:
    """Say whether a version has been without records for longer than its reference ever was."""
    version = model.versions[name]
    if version.heard_until is None or any(rows.values()):
        return False
    return end - version.heard_until > _FOLD * _longest_gap(version) * microseconds(model.plan.window.every)


def _longest_gap(version: Version) -> int:
    """Return the most stretches between the ends of two steps of the reference; 1 where it has no time."""
    steps = version.judge.reference.steps if version.judge is not None else None
    if steps is None or len(steps.times) <= 1:
        return 1
    return int(np.diff(steps.times).max())
