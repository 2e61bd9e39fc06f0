"""A column that is stuck: nearly all its values in one cell, where in no step of the reference they were.

This is a rule, and no statistic: it has no part in the false-alarm budget. Its figures are those of the drift bench:
found at once in all 12 cases where it applied, no false one in 25,990 windows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.profile import Profile
from monitor.quality.check import NO_TIMESTAMPS, VARIES, Bounds, Check, Expectation, Found, Seen, Subject
from monitor.record import Kind

_STUCK, FREE = 0.995, 0.9
LEAST_VALUES = 20


@dataclass(frozen=True, slots=True)
class NotStuck:
    """No more than this share of the values in one cell."""

    def value(self, seen: Seen) -> float:
        """Return the share of the fullest cell."""
        return seen.ratio

    def bounds(self, of: int, level: float) -> Bounds:  # noqa: ARG002 - a rule
        """Return the shares that are allowed."""
        return Bounds(0.0, _STUCK)

    def is_broken(self, seen: Seen, level: float) -> bool:  # noqa: ARG002 - a rule
        """Say whether the column is stuck."""
        return seen.of >= LEAST_VALUES and seen.ratio > _STUCK


def expect(subject: Subject) -> Found:
    """Expect values to differ, if they do in every step of the reference."""
    place, steps, binning = subject.place, subject.reference.steps, subject.reference.binning
    if binning.columns[place].bins is None or subject.own.constant:
        return None
    if steps is None:
        return NO_TIMESTAMPS
    values = steps.rows - steps.missing[:, place]
    told = values >= LEAST_VALUES
    if not told.any() or float(np.max(steps.facts.top[told, place] / values[told])) > FREE:
        return VARIES
    span = slice(binning.offsets[place], binning.offsets[place + 1])

    def count(profile: Profile) -> Seen:
        return Seen(int(profile.counts[span].max()), profile.rows - int(profile.absent[place]))

    return Expectation(subject.column.name, CHECK.name, count, NotStuck())


CHECK = Check(
    "constant",
    "one value in nearly all records",
    frozenset({Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN, Kind.TEXT}),
    expect,
)
