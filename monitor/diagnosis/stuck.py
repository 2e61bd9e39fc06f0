"""Stuck: every value, or nearly every one, is one and the same, where the reference has many."""

from __future__ import annotations

import numpy as np

from monitor.bins import NumericBins
from monitor.diagnosis.atoms import lone_values
from monitor.diagnosis.cell import value_words
from monitor.diagnosis.finding import Found
from monitor.diagnosis.seen import Evidence, Seen

_ALL = 0.98
_WAS = 0.5


def find(seen: Seen, evidence: Evidence) -> Found | None:  # noqa: ARG001 - every cause is asked alike
    """Return the cause, or ``None``."""
    if not seen.now.values:
        return None
    old, new = seen.before.shares, seen.now.shares
    cell = int(np.argmax(new))
    one = new[cell] >= _ALL and old[cell] < _WAS and new[cell] > seen.usual_top
    if seen.numbers is not None:
        return _number(seen, cell) if one else None
    levels = seen.levels
    if not one or levels is None or cell >= levels.other:
        return None
    detail = f"{new[cell]:.1%} of values are one category, {old[cell]:.1%} before"
    return Found("constant", seen.name, detail, confidence=float(new[cell] - old[cell]))


def one_value(seen: Seen, evidence: Evidence) -> Found | None:
    """Return the cause where all numbers are the same to the last digit, or ``None``."""
    return find(seen, evidence) if seen.numbers is not None and seen.now.least == seen.now.greatest else None


def _number(seen: Seen, cell: int) -> Found | None:
    old, new = float(seen.before.shares[cell]), float(seen.now.shares[cell])
    bins = seen.numbers
    if seen.now.least < seen.now.greatest and (new == 1.0 or bins is None or not _narrow(seen, bins, cell)):
        return None
    detail = f"{new:.1%} of values are {value_words(seen, cell)}, {old:.1%} before"
    return Found("constant", seen.name, detail, confidence=new - old)


def _narrow(seen: Seen, bins: NumericBins, cell: int) -> bool:
    """Say whether a cell holds one value of the reference, and so is too narrow for many."""
    return int(seen.before.counts[cell]) > 0 and lone_values(bins, seen.before)
