"""A column that is gone: no record has a value, where in every step of the reference some had.

This is a rule, and no statistic: it has no part in the false-alarm budget. A column of another name than before is gone
under its own; what comes new to a log is never read, and so not told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.profile import Profile
from monitor.quality.check import ALL_KINDS, NO_TIMESTAMPS, VARIES, Bounds, Check, Expectation, Found, Seen, Subject
from monitor.quality.constant import LEAST_VALUES


@dataclass(frozen=True, slots=True)
class NotGone:
    """Some record has a value; at most the reference's worst share is missing."""

    worst: float

    def value(self, seen: Seen) -> float:
        """Return the share of records without a value."""
        return seen.ratio

    def bounds(self, of: int, level: float) -> Bounds:  # noqa: ARG002 - a rule
        """Return the shares that the reference had."""
        return Bounds(0.0, self.worst)

    def is_broken(self, seen: Seen, level: float) -> bool:  # noqa: ARG002 - a rule
        """Say whether the column is gone."""
        return seen.of >= LEAST_VALUES and seen.bad == seen.of


def expect(subject: Subject) -> Found:
    """Expect the column to be there, if it is in every step of the reference."""
    place, steps = subject.place, subject.reference.steps
    if steps is None:
        return NO_TIMESTAMPS
    gone = steps.missing[:, place] - steps.facts.nonfinite[:, place]
    worst = float(np.max(gone / np.maximum(steps.rows, 1), initial=0.0))
    if worst >= 1:
        return VARIES

    def count(profile: Profile) -> Seen:
        return Seen(int(profile.missing[place]), profile.rows)

    return Expectation(subject.column.name, CHECK.name, count, NotGone(worst))


CHECK = Check("schema", "the column is gone", ALL_KINDS, expect)
