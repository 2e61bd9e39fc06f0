"""What one read of a source returns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa

from monitor.instant import Instant
from monitor.record import Reason, Rejected
from monitor.sources.position import Position


@dataclass(frozen=True, slots=True)
class Batch:
    """One block of one file.

    Attributes
    ----------
    file: the key under which ``position`` is to be kept.
    path: the file's path, for people.
    table: the good records in the file's order, as in :class:`monitor.record.Decoded`; perhaps none.
    position: the next to read of this file. Its ``newest`` is the highest event time in the file so far:
        who refuses records as too far in the future replaces it, or the file is read too late.
    rejected: the bad records, in the file's order.
    mismatched: for a field's path, how many values were not of its type.
    hold: the lowest event time that other files with unread records have reached: no watermark may pass it.
        ``None`` if there are none; -2**63 if one of them cannot be judged.
    bytes_lost: bytes that were there but vanished before they were read; for packed and Parquet files the
        size of the file.
    lost: records that were there but vanished before they were read, where they can be counted.
    truncated: the file was cut short, and is read from its begin again.
    begins: it is the first of its object; the position that was kept under ``file`` speaks of another.
    """

    file: str
    path: str
    table: pa.Table
    position: Position
    rejected: tuple[Rejected, ...] = ()
    mismatched: dict[str, int] = field(default_factory=dict)
    hold: Instant | None = None
    bytes_lost: int = 0
    lost: int = 0
    truncated: bool = False
    begins: bool = False

    def refused(self) -> Counter[str]:
        """Count by reason what did not become a record."""
        found = Counter(str(entry.reason) for entry in self.rejected)
        return found | Counter({str(Reason.LOST): self.lost}) if self.lost else found
