"""Numbers that are none: NaN and infinities, as a share of all records."""

from __future__ import annotations

from monitor.profile import Profile
from monitor.quality.check import Check, Found, Seen, Subject, share
from monitor.record import Kind


def expect(subject: Subject) -> Found:
    """Expect as many as in the reference."""
    place, steps = subject.place, subject.reference.steps

    def count(profile: Profile) -> Seen:
        return Seen(int(profile.nonfinite[place]), profile.rows)

    known = {} if steps is None else {"bad": steps.facts.nonfinite[:, place], "of": steps.rows}
    return share(subject, CHECK.name, count, known, subject.own.non_finite)


CHECK = Check("non_finite", "NaN and infinities", frozenset({Kind.NUMERIC}), expect)
