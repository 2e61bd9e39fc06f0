"""Clipped: what lay beyond a bound lies on it now, as behind a full scale or a wrong type."""

from __future__ import annotations

import numpy as np

from monitor.bins import Floats
from monitor.diagnosis.cell import value_words
from monitor.diagnosis.finding import Class, Found
from monitor.diagnosis.gap import gap
from monitor.diagnosis.seen import Evidence, Seen

_TAIL = 0.02
"""So large a share of the reference lies beyond the bound; and no larger one than the first of the next two."""
_MOST, _CUT = 0.6, 0.1
_CERTAIN = 20
"""So many rows were to lie there, and none does."""
_HALF = 0.5


def find(seen: Seen, evidence: Evidence) -> Found | None:  # noqa: ARG001 - every cause is asked alike
    """Return the cause where one end is held at a bound or cut off, or ``None``."""
    if seen.numbers is None or not seen.now.values:
        return None
    old, new = seen.before.shares, seen.now.shares
    high = _end(seen, old, new, len(old) - 1 - int(np.argmax(new[::-1] > 0)), "above")
    return high or _end(seen, old[::-1], new[::-1], len(old) - 1 - int(np.argmax(new > 0)), "below")


def _end(seen: Seen, old: Floats, new: Floats, last: int, side: str) -> Found | None:
    """Look at the upper end; at the lower one all is turned round. ``last``: the last cell that has a row."""
    gone = float(old[last + 1 :].sum())
    if not _TAIL <= gone <= _MOST or gone * seen.now.values < _CERTAIN or last == 0:
        return None
    pile = float(new[last] - old[last])
    held = np.append(old[:last], old[last:].sum())
    left = gap(held, np.append(new[:last], new[last]))
    cell = last if side == "above" else len(old) - 1 - last
    bound = value_words(seen, cell)
    was = f"{gone:.1%} of values lay {side} before"
    if pile >= _HALF * gone and left <= seen.slack and pile > 3 * _rest(old, new, last):
        return Found("clipping", seen.name, f"held at {bound}: {was}", confidence=1 - left / (left + gone))
    cut = old[: last + 1] / max(1 - gone, 1e-9)
    if gone >= _CUT and gap(cut, new[: last + 1]) <= min(seen.noise, gap(old, new) / 2):
        return Found("truncation", seen.name, f"none is {side} {bound}: {was}", confidence=0.5, class_=Class.UNCLEAR)
    return None


def _rest(old: Floats, new: Floats, last: int) -> float:
    """Return by how much the share of another cell rose, at most."""
    return max(float((new[:last] - old[:last]).max(initial=0.0)), 0.0)
