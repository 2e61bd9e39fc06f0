"""Default value: one value, such as 0, -1 or 999, has taken rows from all the others."""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats
from monitor.diagnosis.cell import is_beyond, value_of, value_words
from monitor.diagnosis.finding import Found
from monitor.diagnosis.gap import gap
from monitor.diagnosis.seen import Evidence, Seen

_SURGE = 0.03
"""The value's share has risen by more than this."""
_WAS_RARE = 0.05
"""A value that the reference holds more often may be common for good reasons, such as an hour without rain."""
_CERTAIN = 4.0
"""Standard errors of the surge."""
_FOLD = 2.0
"""Among the reference's own values the surge is so many times that of any other."""
_OFF, _OFF_SPREAD = 0.02, 0.1
"""The mean of the rows in its cell is so near to the one value, in its distance from the reference and in spreads."""
_SUMS_END = 2.0**36
"""Farther out, in quanta, sums are cut off and say nothing."""
_MANY = 20
"""With fewer values a surge of one is a change of mix."""


def find(seen: Seen, evidence: Evidence) -> Found | None:  # noqa: ARG001 - every cause is asked alike
    """Return the cause where one cell took a surge and the rest is as it was, or ``None``."""
    if seen.numbers is None or not seen.now.values or int((seen.before.counts > 0).sum()) < _MANY:
        return None
    old, new = seen.before.shares, seen.now.shares
    cell = _cell(seen, old, new)
    surge = float(new[cell] - old[cell])
    if surge <= _SURGE or old[cell] >= _WAS_RARE or new[cell] >= 1 or new[cell] <= seen.usual_top:
        return None
    error = float(np.sqrt(new[cell] * (1 - new[cell]) / seen.now.values))
    rest_old, rest_new = (np.delete(each, cell) / (1 - each[cell]) for each in (old, new))
    left, apart = gap(rest_old, rest_new), gap(old, new)
    if left > seen.slack or surge < _CERTAIN * error:
        return None
    known = seen.before.counts[cell] > 0
    stands_out = surge >= _FOLD * float((rest_new - rest_old).max()) and left <= min(seen.slack, apart) / 2
    if not (stands_out or is_beyond(seen, cell) if known else _is_one_value(seen, cell)):
        return None
    share = f"{new[cell]:.1%} of values are {value_words(seen, cell)}, {old[cell]:.1%} before"
    return Found("default_value", seen.name, share, surge, confidence=1 - 0.5 * left / max(left + apart, 1e-9))


def outside(seen: Seen, evidence: Evidence) -> Found | None:
    """Return the cause where the one value lies outside of the reference, or ``None``."""
    if seen.numbers is None or not seen.now.values:
        return None
    cell = _cell(seen, seen.before.shares, seen.now.shares)
    return find(seen, evidence) if not seen.before.counts[cell] else None


def _cell(seen: Seen, old: Floats, new: Floats) -> int:
    """Return the cell that took the surge: one outside of the reference if there is one."""
    outside = np.where(seen.before.counts == 0, new, 0.0)
    return int(np.argmax(outside)) if outside.max() > _SURGE else int(np.argmax(new - old))


def _is_one_value(seen: Seen, cell: int) -> bool:
    """Say whether all rows in a cell outside of the reference have one value, an extreme: their mean is it then."""
    bins, mean, counts = seen.numbers, seen.now.side.mean, seen.now.counts
    value = value_of(seen, cell)
    if bins is None or mean is None or value not in (seen.now.least, seen.now.greatest):
        return False
    if abs(value - bins.origin) > _SUMS_END * bins.quantum:
        return True
    others = float((counts * bins.centres).sum() - counts[cell] * bins.centres[cell])
    average = (mean * seen.now.values - others) / float(counts[cell])
    beyond = min(abs(value - seen.before.least), abs(value - seen.before.greatest))
    return abs(average - value) <= _OFF * beyond + _OFF_SPREAD * (seen.before.side.sd or 0.0)
