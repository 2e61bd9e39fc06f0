"""What closing the windows of one instant gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from monitor.incidents.post import Told
from monitor.instant import Instant

Json = dict[str, Any]


@dataclass(slots=True)
class Closed:
    """What closing the windows of one instant gives: it is committed as one, and only then seen.

    ``alerts`` are those that changed; ``moved`` all whose body is to be kept; ``told`` what there is to send;
    ``performance`` what is known now of windows that closed before; ``references`` what the log is to say of those that
    follow the stream; ``comparisons`` those of versions that serve side by side, by the version held against another.
    """

    end: Instant
    at: Instant
    windows: list[Json] = field(default_factory=list)
    performance: list[Json] = field(default_factory=list)
    alerts: list[Json] = field(default_factory=list)
    moved: list[Json] = field(default_factory=list)
    actions: list[Json] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    references: list[Json] = field(default_factory=list)
    comparisons: dict[str, Json] = field(default_factory=dict)

    def window_of(self, version: str) -> Json:
        """Return the window of a version that closes now."""
        return next(body for body in self.windows if body["version"] == version)
