"""Records whose id another record of the window has, as a share of those with an id.

Told from a sample of ids, see ``monitor.repeats``; records without an id are not looked at.
"""

from __future__ import annotations

import numpy as np

from monitor.profile import Profile
from monitor.quality.check import (
    NO_TIMESTAMPS,
    TOO_SHORT,
    Allowed,
    AsConfigured,
    AsInReference,
    Expectation,
    Seen,
    Unchecked,
)
from monitor.quality.settings import QualitySettings
from monitor.quality.usual import LEAST_STEPS, usual
from monitor.reference import Reference

NAME = "duplicates"


def expect_duplicates(reference: Reference, settings: QualitySettings) -> Expectation | Unchecked:
    """Expect as many as in the reference; none, where it has no ids."""
    allowed: Allowed
    if settings.duplicates is not None:
        allowed = AsConfigured(settings.duplicates.at_most)
    elif reference.steps is None:
        return NO_TIMESTAMPS
    elif len(reference.steps.rows) < LEAST_STEPS:
        return TOO_SHORT
    else:
        bad, of = reference.steps.facts.repeated.T
        known = usual(bad, of) if of.any() else usual(np.zeros_like(bad), reference.steps.rows)
        allowed = AsInReference(known, settings.tolerance)
    return Expectation(None, NAME, count, allowed)


def count(profile: Profile) -> Seen:
    """Return how many records of the sample are not the first of their id."""
    return Seen(*profile.ids.seen)
