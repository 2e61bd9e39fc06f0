"""What a pipeline counts of what it reads, and what bounds a read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from monitor.instant import Instant


@dataclass(slots=True)
class Tally:
    """Rows of one role by fate, since this process began."""

    accepted: int = 0
    late: int = 0
    sampled: int = 0
    changed: int = 0
    """Targets that are other than what was known before of their record."""
    rejected: Counter[str] = field(default_factory=Counter)
    mismatched: Counter[str] = field(default_factory=Counter)
    bytes_lost: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a read: the instant from which on a record is of the future, and where a replay ends."""

    newest: Instant | None = None


NO_LIMITS = Limits()
