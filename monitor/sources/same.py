"""By what a record is known again that comes twice."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from monitor.record import Layout
from monitor.sampling import Hashes, hashes_with


def record_hashes(table: pa.Table, layout: Layout) -> Hashes:
    """Return a hash of each record: of its id, or of all that is read of it where it has none."""

    def told(alone: pa.Array) -> Iterator[str]:
        columns = table.filter(alone).columns
        return (repr(row) for row in zip(*(column.to_pylist() for column in columns), strict=True))

    ids = table[layout.id] if layout.id else pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    return hashes_with(ids, told)
