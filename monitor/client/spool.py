"""Batches that could not be sent, each a file of a folder, the oldest first; bounded by their bytes."""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

_SUFFIX = ".batch"


@dataclass(slots=True)
class Spool:
    """Keeps batches over a restart of either side. Several processes may share a folder.

    Attributes
    ----------
    folder: made with its parents, for its owner alone. ``most_bytes``: what is over that is not taken.
    """

    folder: Path
    most_bytes: int
    _count: itertools.count[int] = field(default_factory=itertools.count)

    def put(self, role: str, body: bytes) -> bool:
        """Keep a batch; say whether there was room, and the disk took it."""
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(self._count)}.{role}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if sum(path.stat().st_size for path in self.batches()) + len(body) > self.most_bytes:
                return False
            part = self.folder / f"{name}.part"
            part.write_bytes(body)
            part.rename(self.folder / (name + _SUFFIX))
        except OSError:
            return False
        return True

    def batches(self) -> list[Path]:
        """Return what is kept, oldest first."""
        return sorted(self.folder.glob(f"*{_SUFFIX}"))


def role_of(batch: Path) -> str:
    """Return what a batch holds, ``records`` or ``targets``."""
    return batch.name.removesuffix(_SUFFIX).rpartition(".")[2]
