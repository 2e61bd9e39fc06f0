"""Schema change: a column is not logged any more, or its values are of another type."""

from __future__ import annotations

from monitor.diagnosis.finding import Found
from monitor.diagnosis.seen import Evidence, Seen

_ALL = 0.999
_SOME = 0.5


def find(seen: Seen, evidence: Evidence) -> Found | None:
    """Return the cause, or ``None``."""
    mistyped = evidence.broken("type", seen.name)
    if mistyped is not None:
        detail = f"{mistyped['value']:.1%} of values are of another type than the reference's"
        return Found("type_change", seen.name, detail)
    old, new = seen.before, seen.now
    if not new.rows or new.absent < _ALL * new.rows or old.absent > _SOME * old.rows:
        return None
    return Found("schema_change", seen.name, "no row has a value: the column is gone or has another name")
