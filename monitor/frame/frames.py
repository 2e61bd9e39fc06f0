"""Data frames of any library as tables. None is imported: a frame brings its own along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from monitor.comparison import DriftSettings
from monitor.errors import PermanentError
from monitor.frame.comparing import ALPHA, Json, Taken, compare_tables
from monitor.record_layout import ColumnsSettings
from monitor.sources.tables import flattened


def compare(
    reference: Any,
    current: Any,
    *,
    alpha: float = ALPHA,
    tolerance: float = 0.02,
    task: str = "none",
    features: list[str] | None = None,
    exclude: list[str] | None = None,
) -> Json:
    """Compare two data frames, and return what ``driftline compare --format json`` prints.

    Parameters
    ----------
    reference, current: pandas or polars frames, Arrow tables, or columns by name.
    alpha: the chance, at most, that any column is called drifted although none drifts.
    tolerance: the least effect that matters, in standard units: standard deviations of the reference.
    task: what the model answers, ``binary``, ``multiclass``, ``regression``, ``ranking`` or ``none``.
    features: the columns to compare; unset: all that are not of the native format.
    exclude: columns not to compare.

    Raises
    ------
    PermanentError: an argument is no frame, the reference has no column to compare, or a named one is missing.
    """
    columns = ColumnsSettings(features=features, exclude=exclude or [])
    how = Taken(alpha, columns, DriftSettings(tolerance=tolerance), task)
    return compare_tables(to_table(reference), to_table(current), how)


def to_table(frame: Any) -> pa.Table:
    """Return a frame as a flat Arrow table; its index is no column.

    Raises
    ------
    PermanentError: it is no frame.
    """
    if isinstance(frame, pa.Table):
        return flattened(frame)
    if type(frame).__module__.partition(".")[0] == "pandas" and hasattr(frame, "columns"):
        return flattened(_of_columns({str(name): frame[name] for name in frame.columns}))
    if isinstance(frame, Mapping):
        return flattened(_of_columns({str(name): values for name, values in frame.items()}))
    if hasattr(frame, "__arrow_c_stream__"):
        return flattened(pa.table(frame))
    raise PermanentError(f"{type(frame).__name__} is no data frame", "give a pandas, polars or Arrow table")


def _of_columns(columns: Mapping[str, Any]) -> pa.Table:
    return pa.table({name: _column(values) for name, values in columns.items()})


def _column(values: Any) -> pa.Array:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        # A column of mixed types holds categories: what Arrow cannot give one type is compared as text.
        missing = [value is None or value != value for value in values]  # noqa: PLR0124 - NaN alone differs from itself
        return pa.array(
            [None if gone else str(value) for value, gone in zip(values, missing, strict=True)], pa.string()
        )
