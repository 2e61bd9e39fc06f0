"""Values that are not of the column's type, as a share of all records; they count as missing besides."""

from __future__ import annotations

import numpy as np

from monitor.quality.check import ALL_KINDS, Check, Found, Subject, share
from monitor.quality.tallied import place_of, seen_of
from monitor.tally import Mismatched


def expect(subject: Subject) -> Found:
    """Expect none: the reference told the type, so that all its values are of it."""
    place, steps = place_of(subject.reference, Mismatched(subject.column.key).name), subject.reference.steps
    if place is None:
        return None
    known = {} if steps is None else {"bad": np.zeros_like(steps.rows), "of": steps.rows}
    return share(subject, CHECK.name, seen_of(place), known, subject.own.type)


CHECK = Check("type", "values not of the column's type", ALL_KINDS, expect)
