"""Columns on two sides, counted in cells as ``run`` counts them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from monitor.bins import category_bins, numeric_bins
from monitor.diagnosis import Evidence, columns_seen
from monitor.profile import Binning, ColumnBins, Profile, profile_rows
from monitor.record import Column, Kind, Layout, Role
from monitor.reference import Reference

Values = Sequence[float | str | None]


def evidence(**columns: tuple[Values, Values]) -> Evidence:
    """Return what is known of columns, given their values before and now."""
    known = [_column(name, before) for name, (before, _) in columns.items()]
    binning = Binning(tuple(known))
    before, now = (
        _counted(binning, {each.column.key: columns[each.column.name][side] for each in known}) for side in (0, 1)
    )
    layout = Layout("timestamp", ())
    whole = Reference("r", before.rows, None, None, layout, layout, binning, before, (None,) * len(known), None, {})
    return Evidence(columns_seen(whole, now))


def _column(name: str, values: Values) -> ColumnBins:
    present = [value for value in values if value is not None]
    if isinstance(present[0], str):
        levels, rows = np.unique(np.array(present), return_counts=True)
        return ColumnBins(Column(name, name, Role.FEATURE, Kind.CATEGORICAL), category_bins(levels.tolist(), rows))
    return ColumnBins(Column(name, name, Role.FEATURE, Kind.NUMERIC), numeric_bins(np.array(present, dtype=np.float64)))


def _counted(binning: Binning, values: dict[str, Values]) -> Profile:
    table = pa.table({key: pa.array(list(column)) for key, column in values.items()})
    return profile_rows(table, binning, np.zeros(table.num_rows, np.intp), 1)[0]
