"""Numbers that must stand to each other in a way: the records in which they do not, as a share of all records."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.quality.check import NO_TIMESTAMPS, TOO_SHORT, AsInReference, Expectation, Unchecked
from monitor.quality.settings import QualitySettings
from monitor.quality.tallied import place_of, seen_of
from monitor.quality.usual import LEAST_STEPS, usual
from monitor.reference import Reference
from monitor.tally import Pair


def expect_pairs(reference: Reference, settings: QualitySettings) -> Iterator[tuple[str, Expectation | Unchecked]]:
    """Yield what is expected of each pair: that it is broken no more often than in the reference."""
    keys = {column.name: column.key for column in reference.all_columns}
    for left, relation, right in settings.pairs:
        if left not in keys or right not in keys:
            continue
        place = place_of(reference, Pair(keys[left], relation, keys[right]).name)
        if place is None:
            continue
        name, steps = f"{left} {relation} {right}", reference.steps
        if steps is None or len(steps.rows) < LEAST_STEPS:
            yield name, NO_TIMESTAMPS if steps is None else TOO_SHORT
            continue
        found = usual(steps.facts.tallies[:, place], steps.rows)
        yield name, Expectation(None, name, seen_of(place), AsInReference(found, settings.tolerance))
