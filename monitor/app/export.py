"""The rows that were kept, with targets where known, as one Parquet file in the layout of the model's own log.

Read, joined and written day by day: however far an export goes back, a day of it is in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from monitor.instant import SECOND, Instant
from monitor.pipeline.intake import HASH
from monitor.pipeline.keeping import kept_of, window_step
from monitor.pipeline.model import Model
from monitor.store.database import State
from monitor.store.rows import between, concat
from monitor.store.segment import Segment, read_segment, segment_schema, segments
from monitor.store.target import load_targets

_DAY = 86_400 * SECOND
_MILLISECONDS = 1000.0


@dataclass(frozen=True, slots=True)
class Span:
    """What is asked for: rows of [start, end), from whole windows only, so that the answer is the same whenever."""

    start: Instant
    end: Instant


def export_rows(state: State, model: Model, span: Span, file: IO[bytes]) -> bool:
    """Write the kept rows of a stretch of event time into a file; say whether there were any.

    Raises
    ------
    StoreBusy: the state cannot be read now.
    OSError: the file cannot be written.
    """
    writer: pq.ParquetWriter | None = None
    for rows in export_days(state, model, span):
        table = native(_with_targets(state, model, rows.drop_columns([HASH])), model)
        writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()
    return writer is not None


def export_days(state: State, model: Model, span: Span) -> Iterator[pa.Table]:
    """Yield the kept rows in order of time, a day or a longer window at a time, all of one schema.

    They have the columns of the canonical table, and beside them the hash by which they were chosen.
    """
    every, most = window_step(model), model.plan.rows_per_window
    end, length = span.end // every * every, every * max(_DAY // every, 1)
    named = _named(state, model, span.start, end)
    if not named:
        return
    schema = _schema(state, named)
    for at in range(span.start // length * length, end, length):
        stretch = Span(at, min(at + length, end))
        tables = _read(state, model, stretch, named)
        if tables:
            kept = between(kept_of(concat([schema.empty_table(), *tables]), every, most), span.start, end)
            if kept.num_rows:
                yield kept.select(schema.names)


def _named(state: State, model: Model, start: Instant, end: Instant) -> list[Segment]:
    with state.read() as connection:
        return segments(connection, model.plan.name, start, end)


def _read(state: State, model: Model, stretch: Span, named: Sequence[Segment]) -> list[pa.Table]:
    """Read what the segments hold of a stretch; where some were merged meanwhile, what took their place."""
    of_it = [each for each in named if each.first_at < stretch.end and each.last_at >= stretch.start]
    read = {each.name: read_segment(state.directory, each) for each in of_it}
    if None in read.values():
        now = _named(state, model, stretch.start, stretch.end)
        if {each.name for each in now} != read.keys():
            return _read(state, model, stretch, now)
    return [between(table, stretch.start, stretch.end) for table in read.values() if table is not None]


def _schema(state: State, named: Sequence[Segment]) -> pa.Schema:
    """Return the columns of all segments, each of a type that holds what stands in any of them."""
    distinct = {schema for each in named if (schema := segment_schema(state.directory, each)) is not None}
    return concat([schema.empty_table() for schema in sorted(distinct, key=str)]).schema


def _with_targets(state: State, model: Model, rows: pa.Table) -> pa.Table:
    ids = rows["id"].to_pylist()
    with state.read() as connection:
        found = load_targets(connection, model.plan.name, (id_ for id_ in ids if id_ is not None))
    values = [json.loads(found[id_]) if id_ in found else None for id_ in ids]
    return rows.append_column("target", _array(values, _target_type(model)))


def _target_type(model: Model) -> pa.DataType:
    layouts = model.references.layouts()
    return layouts[1].columns[0].type if layouts is not None else pa.string()


def _array(values: list[object], type_: pa.DataType) -> pa.Array:
    """Return the targets; one of another type than the reference's, from before that changed, is unknown."""
    try:
        return pa.array(values, type_)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([value if _fits(value, type_) else None for value in values], type_)


def _fits(value: object, type_: pa.DataType) -> bool:
    try:
        pa.array([value], type_)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return False
    return True


def native(rows: pa.Table, model: Model) -> pa.Table:
    """Return canonical rows in the layout of the model's own log."""
    layouts = model.references.layouts()
    paths = {column.key: column.path for column in layouts[0].columns} if layouts is not None else {}
    columns = model.plan.columns
    paths |= {"timestamp": columns.timestamp, "target": columns.target or "target"}
    paths |= {"id": columns.id or "request_id", "version": columns.version or "model_version"}
    paths |= {"latency": columns.latency or "latency_ms"}
    arrays = {paths.get(name, name): rows[name] for name in rows.column_names}
    arrays[columns.timestamp] = rows["timestamp"].cast(pa.timestamp("us", "UTC"))
    if columns.latency and columns.latency in arrays:
        arrays[columns.latency] = pc.multiply(rows["latency"], np.float64(_MILLISECONDS))
    return pa.table(arrays)
