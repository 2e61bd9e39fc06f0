"""The bins of a reference's columns, frozen from its values."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.bins import Bins, category_bins, numeric_bins
from monitor.kinds import without_nan
from monitor.profile import ColumnBins, numbers, texts, watchable
from monitor.record import Column, Kind


def binned(table: pa.Table, columns: Iterable[Column]) -> tuple[ColumnBins, ...]:
    """Return the columns of canonical rows with their bins; ``None`` for one of which only missing values count."""
    return tuple(ColumnBins(column, _bins(table[column.key], column)) for column in columns)


def _bins(array: pa.ChunkedArray, column: Column) -> Bins | None:
    if not watchable(column.kind):
        return None
    values = without_nan(array).drop_null()
    if column.kind in (Kind.NUMERIC, Kind.TEXT):
        found = numbers(values.combine_chunks())
        return numeric_bins(found[np.isfinite(found)])
    counted = pc.value_counts(values.combine_chunks())
    return category_bins(texts(counted.field("values")), counted.field("counts").to_numpy(zero_copy_only=False))
