"""Values outside of their range, or texts of a length outside of it, as a share of all records.

A range that is not given is the usual one of the reference, see ``monitor.usual_range``, which the reference keeps.
"""

from __future__ import annotations

from dataclasses import replace

from monitor.quality.check import NO_TIMESTAMPS, VARIES, Check, Expectation, Found, Subject, share
from monitor.quality.tallied import seen_of
from monitor.record import Kind
from monitor.tally import Outside


def expect(subject: Subject) -> Found:
    """Expect no more outside of the range than in the reference."""
    steps = subject.reference.steps
    tallies = enumerate(subject.reference.binning.tallies)
    mine = [
        (place, tally) for place, tally in tallies if isinstance(tally, Outside) and tally.key == subject.column.key
    ]
    if not mine:
        return NO_TIMESTAMPS if steps is None else VARIES
    place, tally = mine[0]
    name = LENGTH.name if subject.column.kind is Kind.TEXT else RANGE.name
    known = {} if steps is None else {"bad": steps.facts.tallies[:, place], "of": steps.rows}
    found = share(subject, name, seen_of(place), known, None)
    return replace(found, ends=(tally.least, tally.most)) if isinstance(found, Expectation) else found


RANGE = Check("range", "values outside of their range", frozenset({Kind.NUMERIC}), expect)
LENGTH = Check("length", "texts whose length is outside of its range", frozenset({Kind.TEXT}), expect)
