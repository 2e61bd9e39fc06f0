"""Every cause that looks at counts, in the order in which they are asked: the first that explains a column is told.

What nearly proves itself comes first. A map, an exchange or a grid is not met by chance; that a category is new may be
the world's doing.
"""

from __future__ import annotations

from collections.abc import Callable

from monitor.diagnosis import (
    clipped,
    default,
    foreign,
    magnitude,
    relabelled,
    rounded,
    schema,
    silent,
    stuck,
    swapped,
    time_zone,
    unit,
)
from monitor.diagnosis.finding import Found
from monitor.diagnosis.seen import Evidence, Seen

Finder = Callable[[Seen, Evidence], Found | None]
BROKEN: tuple[Finder, ...] = (schema.find, swapped.find)
"""Asked before missing values are looked at, which a lost column has as well, and one with another's values."""
FINDERS: tuple[Finder, ...] = (
    time_zone.find,
    stuck.one_value,
    default.outside,
    unit.find,
    stuck.find,
    rounded.find,
    clipped.find,
    relabelled.find,
    default.find,
    magnitude.find,
    foreign.find,
)
LAST: tuple[Finder, ...] = (silent.find,)
"""Asked once no value is new."""


def first(finders: tuple[Finder, ...], seen: Seen | None, evidence: Evidence) -> Found | None:
    """Return what the first of some causes that explains a column says, or ``None``."""
    if seen is None:
        return None
    return next((found for find in finders if (found := find(seen, evidence)) is not None), None)
