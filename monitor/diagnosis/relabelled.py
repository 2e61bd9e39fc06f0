"""Relabelled: categories have other names, or one another's; their shares are what they were."""

from __future__ import annotations

import numpy as np

from monitor.bins import CategoryBins, Floats
from monitor.diagnosis.finding import Found
from monitor.diagnosis.gap import moved, moved_by_chance
from monitor.diagnosis.seen import Evidence, Seen

_GONE = 0.1
"""A category is gone if it has less than this part of its share."""
_LEAST = 0.02
_CERTAIN = 8
_ALL_NEW = 0.9
_FOLD = 3.0
_MOST_OF, _ERRORS = 0.8, 2.0
"""So much of what is lost stands in the new place, less so many standard errors."""
_SHOWN = 3
_MOST = 20
"""More categories than these change their places in a world that changed."""


def find(seen: Seen, evidence: Evidence) -> Found | None:  # noqa: ARG001 - every cause is asked alike
    """Return the cause with the mapping, or ``None``."""
    levels = seen.levels
    if levels is None or not seen.now.values:
        return None
    old, new = seen.before.shares, seen.now.shares
    if new[levels.unseen] >= _ALL_NEW:
        detail = f"{new[levels.unseen]:.1%} of values are categories that the reference does not hold: another encoding"
        return Found("relabelled", seen.name, detail, confidence=float(new[levels.unseen]))
    gone = _gone(seen, old, new)
    if len(gone) and old[gone].sum() >= 1:
        return None
    if not gone:
        return _permuted(seen, levels, old, new)
    return _renamed(seen, levels, gone)


def _gone(seen: Seen, old: Floats, new: Floats) -> list[int]:
    lost = (old >= _LEAST) & (old * seen.now.values >= _CERTAIN) & (new < _GONE * old)
    return [int(cell) for cell in np.flatnonzero(lost)]


def _renamed(seen: Seen, levels: CategoryBins, gone: list[int]) -> Found | None:
    """Return the cause where the share of those that are gone stands in one other place."""
    old, new = seen.before.shares, seen.now.shares
    lost = float(old[gone].sum() - new[gone].sum())
    rise = new - old
    rise[gone] = 0.0
    place = int(np.argmax(rise))
    expected = old.copy()
    expected[gone] = new[gone]
    expected[place] += lost
    left, apart = moved(expected, new), moved(old, new)
    spread = np.where(np.isin(np.arange(len(old)), gone), new, old * (1 - new[gone].sum()) / (1 - old[gone].sum()))
    error = float(np.sqrt(lost / seen.now.values))
    if left > _slack(seen) or left >= moved(spread, new) or rise[place] < lost * _MOST_OF - _ERRORS * error:
        return None
    target = "a new category" if place >= levels.other else levels.levels[place]
    names = ", ".join(levels.levels[cell] if cell < levels.other else "rare ones" for cell in gone[:_SHOWN])
    more = "" if len(gone) <= _SHOWN else f" and {len(gone) - _SHOWN} more"
    detail = f"{names}{more} → {target}: gone, and {lost:.1%} of rows have moved there"
    return Found("relabelled", seen.name, detail, confidence=1 - left / apart)


def _permuted(seen: Seen, levels: CategoryBins, old: Floats, new: Floats) -> Found | None:
    """Return the cause where the categories that changed have one another's shares."""
    slack = _slack(seen)
    changed = [int(cell) for cell in np.flatnonzero(np.abs(new - old) > max(slack / 2, _LEAST)) if cell < levels.other]
    if not 2 <= len(changed) <= _MOST:  # noqa: PLR2004 - an exchange needs two
        return None
    was = sorted(changed, key=lambda cell: (-old[cell], cell))
    now = sorted(changed, key=lambda cell: (-new[cell], cell))
    expected = old.copy()
    expected[now] = old[was]
    left, apart = moved(expected, new), moved(old, new)
    if left > min(slack, apart / _FOLD) or any(a == b for a, b in zip(was, now, strict=True)):
        return None
    pairs = [f"{levels.levels[a]} → {levels.levels[b]}" for a, b in zip(was, now, strict=True)]
    more = "" if len(pairs) <= _SHOWN else f" and {len(pairs) - _SHOWN} more"
    return Found("relabelled", seen.name, f"{', '.join(pairs[:_SHOWN])}{more}", confidence=1 - left / apart)


def _slack(seen: Seen) -> float:
    """Return how many rows change their category by chance and by what steps differ in."""
    return moved_by_chance(seen.before.shares, seen.now.values, seen.before.values) + seen.usual
