"""By what a record is known again that comes twice."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.record import Layout
from monitor.sampling import id_hashes

Hashes: TypeAlias = NDArray[np.uint64]


def record_hashes(table: pa.Table, layout: Layout) -> Hashes:
    """Return a hash of each record: of its id, or of all that is read of it where it has none."""
    ids: list[Any] = table[layout.id].to_pylist() if layout.id else [None] * table.num_rows
    if None in ids:
        bare = table.filter(pa.array([id_ is None for id_ in ids]))
        rows = iter(zip(*(column.to_pylist() for column in bare.columns), strict=True))
        ids = [f"{next(rows)!r}" if id_ is None else id_ for id_ in ids]
    return id_hashes(ids)
