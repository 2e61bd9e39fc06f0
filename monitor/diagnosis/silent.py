"""Silent: a category that many rows had has none any more, while the others are as they were among themselves."""

from __future__ import annotations

import numpy as np

from monitor.diagnosis.finding import Found
from monitor.diagnosis.gap import moved
from monitor.diagnosis.seen import Evidence, Seen

_LEAST = 0.02
_CERTAIN = 10
_SHOWN = 3


def find(seen: Seen, evidence: Evidence) -> Found | None:  # noqa: ARG001 - every cause is asked alike
    """Return the cause, or ``None``."""
    levels = seen.levels
    if levels is None or not seen.now.values:
        return None
    old, new = seen.before.shares, seen.now.shares
    lost = (old >= _LEAST) & (old * seen.now.values >= _CERTAIN) & (new == 0)
    lost[levels.other :] = False
    gone = np.flatnonzero(lost)
    share = float(old[gone].sum())
    if not len(gone) or share >= 1:
        return None
    rest = np.where(lost, 0.0, old) / (1 - share)
    left = moved(rest, new)
    if left > seen.usual + 0.5 * share + 2 * seen.noise:
        return None
    names = ", ".join(levels.levels[cell] for cell in gone[:_SHOWN])
    more = "" if len(gone) <= _SHOWN else f" and {len(gone) - _SHOWN} more"
    detail = f"no row has {names}{more}, {share:.1%} had before"
    return Found("gone_silent", seen.name, detail, confidence=1 - left / (left + share))
