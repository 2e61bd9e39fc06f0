"""What a column held earlier: read once through the whole log, so that no way of reading changes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitor.pipeline.intake import arrange, row_hashes
from monitor.pipeline.plan import ModelPlan
from monitor.record import Column, Layout
from monitor.sources.opening import Where, open_source
from monitor.sources.position import Position


@dataclass(frozen=True, slots=True)
class Earlier:
    """A column by event time, n records.

    Attributes
    ----------
    times: microseconds since 1970, int64 (n,), not falling.
    values: as they were logged, (n,).
    """

    times: NDArray[np.int64] = field(repr=False)
    values: pa.Array = field(repr=False)

    def stale(self, values: pa.Array, at: NDArray[np.int64], microseconds: int) -> pa.Array:
        """Return what was the newest value so long before each instant; where nothing is that old, the record's own.

        Parameters
        ----------
        values, at: the records' own values and event times, both (n,).
        """
        place = np.searchsorted(self.times, at - microseconds, side="right") - 1
        known = place >= 0
        if not known.any():
            return values
        return pc.if_else(pa.array(known), self.values.take(pa.array(np.maximum(place, 0))), values)


def of_tables(tables: Iterable[pa.Table], key: str, type_: pa.DataType) -> Earlier:
    """Order the values of canonical rows by event time; of one instant by the records' hashes, the largest last."""
    times, hashes, values = [np.empty(0, np.int64)], [np.empty(0, np.uint64)], [pa.array([], type_)]
    for table in tables:
        times.append(np.asarray(table["timestamp"].to_numpy(), dtype=np.int64))
        hashes.append(row_hashes(table))
        values.extend(table[key].chunks)
    every = np.concatenate(times)
    order = np.lexsort((np.concatenate(hashes), every))
    return Earlier(every[order], pa.concat_arrays(values).take(pa.array(order)))


def read_earlier(plan: ModelPlan, layout: Layout, column: Column) -> Earlier:
    """Read one column of all that a model logged: 8 bytes a record, and its values."""
    narrow = replace(layout, columns=(column,))
    return of_tables(_tables(plan, narrow), column.key, column.type)


def _tables(plan: ModelPlan, layout: Layout) -> Iterable[pa.Table]:
    for settings in plan.records:
        source = open_source(settings, layout, Where(plan.root, None, at_rest=True))
        positions: dict[str, Position] = {}
        try:
            while (batch := source.read(positions)) is not None:
                positions[batch.file] = batch.position
                yield arrange(batch.table, layout)
        finally:
            source.close()
