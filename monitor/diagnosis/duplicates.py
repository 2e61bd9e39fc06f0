"""Duplicates: many records have an id that another has, as after a retry or a replay."""

from __future__ import annotations

from monitor.diagnosis.finding import Found
from monitor.diagnosis.seen import Evidence

_SHARE = 0.02


def find(evidence: Evidence) -> Found | None:
    """Return the cause, or ``None``."""
    repeated = evidence.broken("duplicates", None)
    if repeated is None or repeated["value"] <= _SHARE:
        return None
    detail = f"{repeated['value']:.1%} of records have an id that another has: they were sent or replayed twice"
    return Found("duplicates", None, detail, confidence=0.9)
