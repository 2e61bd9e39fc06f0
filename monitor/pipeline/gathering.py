"""A reference that is made of the stream: the first rows of a version, held until a close freezes them.

Which rows these are follows from the log alone. They are the first by event time, then by the hash that also samples
them, then by content; and they are frozen at the end of the first window by which there are enough, since from then on
no earlier row can come. What is held is bounded: the first rows so far, and those after the last closed window, which
are to be counted by the reference once it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.instant import Instant
from monitor.record import TEXTS, WHOLE

MOST_BYTES = 256 * 2**20
"""A reference is made of no more text than this: as much as is read of a file."""
MOST_CHUNKS = 64
"""Tables of held rows are joined once they lie in more pieces."""
HASHED, _SAMPLED = "hash", "sampled"
ORDER = [("timestamp", "ascending"), (HASHED, "ascending"), (WHOLE, "ascending")]
"""Of the rows that a reference is made of."""
SCHEMA = pa.schema(
    [
        ("timestamp", pa.int64()),
        (HASHED, pa.uint64()),
        (_SAMPLED, pa.bool_()),
        (WHOLE, pa.string()),
        (TEXTS, pa.bool_()),
    ]
)


@dataclass(slots=True)
class Gathered:
    """The rows held of one version.

    Attributes
    ----------
    most: of how many its reference is to be made; ``most_bytes``: or of as many as have so much text.
    rows: with the columns of ``rows_of``, in any order.
    pieces: the names under which the store holds them.
    """

    most: int
    rows: pa.Table = field(default_factory=SCHEMA.empty_table)
    pieces: list[str] = field(default_factory=list)
    most_bytes: int = MOST_BYTES

    @property
    def first(self) -> int:
        """Return how many rows there are of those that are wanted."""
        return min(int(np.count_nonzero(are_sampled(self.rows))), self.most)

    def add(self, rows: pa.Table, since: Instant) -> None:
        """Hold more rows; no reference can end before ``since`` any more, so that earlier ones past the first go."""
        held = pa.concat_tables([self.rows, rows])
        if held.num_rows > self.most or held.nbytes > self.most_bytes:
            held = self._needed(held, since)
        self.rows = held.combine_chunks() if held["timestamp"].num_chunks > MOST_CHUNKS else held

    def is_full(self, end: Instant) -> bool:
        """Say whether there are enough rows before an instant."""
        before = (instants(self.rows) < end) & are_sampled(self.rows)
        if np.count_nonzero(before) >= self.most:
            return True
        return self.rows.nbytes > self.most_bytes and int(text_lengths(self.rows)[before].sum()) > self.most_bytes

    def chosen(self, end: Instant) -> pa.Table:
        """Return the rows that the reference is made of, in order."""
        before = self.rows.filter(pa.array(instants(self.rows) < end))
        return self._needed(before, end)

    def after(self, end: Instant) -> pa.Table:
        """Return the rows from an instant on."""
        return self.rows.filter(pa.array(instants(self.rows) >= end))

    def between(self, start: Instant, end: Instant) -> pa.Table:
        """Return the rows of [start, end)."""
        times = instants(self.rows)
        return self.rows.filter(pa.array((times >= start) & (times < end)))

    def _needed(self, rows: pa.Table, since: Instant) -> pa.Table:
        """Return the first rows that are sampled, in order, and all from an instant on."""
        ordered = rows.sort_by(ORDER)
        sampled = are_sampled(ordered)
        lengths = text_lengths(ordered) * sampled
        first = sampled & (np.cumsum(sampled) <= self.most) & (np.cumsum(lengths) - lengths <= self.most_bytes)
        return ordered.filter(pa.array(first | (instants(ordered) >= since))).combine_chunks()


def rows_of(table: pa.Table, hashes: NDArray[np.uint64], sampled: NDArray[np.bool_]) -> pa.Table:
    """Return canonical rows that hold whole records as what is held of them."""
    arrays = [table["timestamp"], pa.array(hashes, pa.uint64()), pa.array(sampled), table[WHOLE], table[TEXTS]]
    return pa.table(arrays, schema=SCHEMA).combine_chunks()


def to_bytes(rows: pa.Table) -> bytes:
    """Return rows as the store holds them."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue().to_pybytes())


def from_bytes(payloads: Sequence[bytes]) -> pa.Table:
    """Return the rows of several pieces."""
    tables = [pa.ipc.open_stream(payload).read_all() for payload in payloads]
    return pa.concat_tables([SCHEMA.empty_table(), *tables]).combine_chunks()


def instants(rows: pa.Table) -> NDArray[np.int64]:
    """Return the event times of held rows, in microseconds."""
    return np.asarray(rows["timestamp"].to_numpy(), dtype=np.int64)


def are_sampled(rows: pa.Table) -> NDArray[np.bool_]:
    """Say which held rows are sampled."""
    return np.asarray(rows[_SAMPLED].to_numpy(), dtype=np.bool_)


def text_lengths(rows: pa.Table) -> NDArray[np.int64]:
    """Return how many bytes of text each held row has."""
    return np.asarray(pc.binary_length(rows[WHOLE]).to_numpy(), dtype=np.int64)
