"""Categories that the reference does not hold, as a share of the records with a value.

How often that happens where nothing is wrong is told by the reference without a part of itself, see ``monitor.lone``.
"""

from __future__ import annotations

import numpy as np

from monitor.bins import CategoryBins
from monitor.lone import LEAST_ROWS
from monitor.profile import Profile
from monitor.quality.check import Check, Found, Seen, Subject, share
from monitor.record import Kind


def expect(subject: Subject) -> Found:
    """Expect as many as each part of the reference has that the others do not hold."""
    place, steps, binning = subject.place, subject.reference.steps, subject.reference.binning
    if not isinstance(binning.columns[place].bins, CategoryBins):
        return None
    last = binning.offsets[place + 1] - 1

    def count(profile: Profile) -> Seen:
        return Seen(int(profile.counts[last]), profile.rows - int(profile.absent[place]))

    known = {}
    if steps is not None:
        hidden = 0 if subject.column.kind is Kind.CONSTANT else LEAST_ROWS - 1
        known = {
            "bad": steps.facts.unseen[:, place],
            "of": steps.rows - steps.missing[:, place],
            "hidden": np.array(hidden),
        }
    return share(subject, CHECK.name, count, known, subject.own.unseen)


CHECK = Check(
    "unseen",
    "categories that the reference does not hold",
    frozenset({Kind.CATEGORICAL, Kind.BOOLEAN, Kind.CONSTANT}),
    expect,
)
