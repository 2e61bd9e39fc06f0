"""What the pipeline asks of every source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from monitor.sources.batch import Batch
from monitor.sources.position import Position


class Source(Protocol):
    """Something that is read batch by batch; a batch depends on what lies there and the positions alone."""

    def read(self, positions: Mapping[str, Position]) -> Batch | None:
        """Return the next batch, whose position is to be kept under its ``file`` and given again; or ``None``."""

    def problem(self) -> str | None:
        """Say why it cannot be read now; ``None`` if all is well."""

    def matches(self) -> list[Path]:
        """Return the files that it is read from, where they are a user's own."""

    def close(self) -> None:
        """Give back what is open."""
