"""Foreign values: numbers that lie between those of the reference, which has few enough to know them all."""

from __future__ import annotations

from monitor.diagnosis.atoms import off_grid
from monitor.diagnosis.finding import Found
from monitor.diagnosis.seen import Evidence, Seen


def find(seen: Seen, evidence: Evidence) -> Found | None:  # noqa: ARG001 - every cause is asked alike
    """Return the cause, or ``None``. A population has other shares of the same values."""
    if seen.numbers is None or not seen.now.values or not off_grid(seen, lattice=True):
        return None
    detail = "values lie between those that the reference has, as after a change of scale that no known unit explains"
    return Found("foreign_values", seen.name, detail, confidence=0.6)
