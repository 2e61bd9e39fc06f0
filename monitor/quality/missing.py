"""Records without a value, as a share of all records."""

from __future__ import annotations

from monitor.profile import Profile
from monitor.quality.check import ALL_KINDS, Check, Found, Seen, Subject, share


def expect(subject: Subject) -> Found:
    """Expect as many missing values as in the reference."""
    place, steps = subject.place, subject.reference.steps

    def count(profile: Profile) -> Seen:
        return Seen(int(profile.missing[place]), profile.rows)

    known = {}
    if steps is not None:
        known = {"bad": steps.missing[:, place] - steps.facts.nonfinite[:, place], "of": steps.rows}
    return share(subject, CHECK.name, count, known, subject.own.missing)


CHECK = Check("missing", "records without a value", ALL_KINDS, expect)
