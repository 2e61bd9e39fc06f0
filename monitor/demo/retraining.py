"""Train the next version on the rows that the monitor points to, and write the reference that goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from monitor.demo.data import CATEGORICAL, FEATURES, NUMERIC
from monitor.demo.model import Model, held_out_scores, known, train, write_reference

LEAST_ROWS = 5_000
"""Fewer flights of known outcome do not make a model."""


class RowsUnusable(ValueError):
    """The rows cannot train a model: the message says why, and goes back to the monitor."""


@dataclass(frozen=True, slots=True)
class Retrained:
    """A new version, ready to serve.

    Attributes
    ----------
    rows: how many rows of known outcome it was trained on.
    reference: the file that it is to be compared with.
    """

    model: Model
    rows: int
    reference: Path


def retrain(rows_file: Path, version: str, references: Path) -> Retrained:
    """Train a version, and write ``<version>.parquet`` with held-out scores into ``references``.

    Raises
    ------
    RowsUnusable: the file is no Parquet of the model's rows, or too few of them have an outcome.
    """
    rows = read_rows(rows_file)
    enough = known(rows)
    if len(enough) < LEAST_ROWS:
        raise RowsUnusable(f"{len(enough)} of {len(rows)} rows have an outcome, and {LEAST_ROWS} are needed")
    try:
        model = train(enough, version)
        scores = held_out_scores(rows)
    except ValueError as error:
        raise RowsUnusable(str(error)) from None
    path = references / f"{version}.parquet"
    write_reference(path, rows, version, scores)
    return Retrained(model, len(enough), path)


def read_rows(path: Path) -> pa.Table:
    """Read rows of the native format, ordered by time: ``timestamp``, ``request_id``, the features, and ``late``.

    A feature that is not in the file is missing in every row: the trees make do without it.

    Raises
    ------
    RowsUnusable: the file is no Parquet, or has no timestamp, id or target.
    """
    try:
        table = pq.read_table(path).flatten()
    except (OSError, pa.ArrowException):
        raise RowsUnusable("the rows are no readable Parquet file") from None
    absent = [name for name in ("timestamp", "request_id", "target") if _find(table, name) is None]
    if absent:
        raise RowsUnusable(f"the rows have no column {absent[0]}")
    columns = {
        "timestamp": _instants(_column(table, "timestamp", pa.int64())),
        "request_id": _column(table, "request_id", pa.string()),
    }
    columns |= {name: _column(table, f"inputs.{name}", pa.float64()) for name in NUMERIC}
    columns |= {name: _column(table, f"inputs.{name}", pa.string()) for name in CATEGORICAL}
    columns["late"] = _column(table, "target", pa.float64()).cast(pa.int64())
    rows = pa.table({name: columns[name] for name in ("timestamp", "request_id", *FEATURES, "late")})
    return rows.sort_by([("timestamp", "ascending"), ("request_id", "ascending")]).combine_chunks()


def _find(table: pa.Table, path: str) -> str | None:
    """Look a column up by its full path, then by its name."""
    return next((name for name in (path, path.rpartition(".")[2]) if name in table.column_names), None)


def _column(table: pa.Table, path: str, type_: pa.DataType) -> pa.ChunkedArray:
    name = _find(table, path)
    column = pa.chunked_array([pa.nulls(len(table), type_)]) if name is None else table[name]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column if pa.types.is_timestamp(column.type) else column.cast(type_)


def _instants(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return microseconds, from timestamps of any unit or from microseconds."""
    if not pa.types.is_timestamp(column.type):
        return column
    return pc.cast(pc.cast(column, pa.timestamp("us", column.type.tz), safe=False), pa.int64())
