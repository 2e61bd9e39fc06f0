"""Rows that are an Arrow table already: of Parquet, or of a database."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.record import Decoded, Layout
from monitor.sources.formats import jsonl
from monitor.sources.formats.block import Rows, admit, split
from monitor.sources.formats.instants import Instants, to_instants
from monitor.sources.formats.paths import Place, places
from monitor.sources.formats.resolve import resolve
from monitor.sources.formats.values import MAX_TEXT_BYTES, Converted, convert, is_text
from monitor.sources.formats.whole import whole_rows


def places_of(layout: Layout) -> tuple[Place, ...]:
    """Return where a layout's timestamp stands, then where each of its fields does."""
    return tuple(places([layout.timestamp, *(field.path for field in layout.fields)]))


def decode_rows(file: str, table: pa.Table, row: int, layout: Layout) -> Decoded:
    """Return what a layout takes of a table of n rows, the first of which is numbered ``row`` in its file."""
    if layout.dialect is not None:
        return _translated(file, table, row, layout)
    at, *rest = places_of(layout)
    columns = {
        place.path: resolve(table, place, field.type, _value) for place, field in zip(rest, layout.fields, strict=True)
    }
    times = resolve(table, at, pa.int64(), _instant)
    invalid = pa.repeat(pa.scalar(value=False), table.num_rows) if times.mismatch is None else times.mismatch
    where = np.arange(row, row + table.num_rows, dtype=np.int64)
    whole = whole_rows(table) if layout.whole else None
    return admit(file, Rows(Instants(times.values, invalid), columns, where, whole), layout)


def _translated(file: str, table: pa.Table, row: int, layout: Layout) -> Decoded:
    """Decode rows of another product's table, each as the object of its columns."""
    lines = split(file, b"".join(line.encode() + b"\n" for line in whole_rows(table).to_pylist()))
    decoded = jsonl.decode(lines, layout)
    places = [int(np.searchsorted(lines.starts, fault.offset)) + row for fault in decoded.rejected]
    rejected = [replace(fault, offset=place) for fault, place in zip(decoded.rejected, places, strict=True)]
    return replace(decoded, rejected=tuple(rejected))


def _instant(values: pa.Array, _: pa.DataType) -> Converted:
    read = to_instants(values)
    return Converted(read.values, read.invalid)


def _value(values: pa.Array, wanted: pa.DataType) -> Converted:
    """Convert; NaN is what pandas writes for a missing number, and no text is longer than a line may be."""
    if pa.types.is_floating(values.type):
        return convert(without_nan(values), wanted)
    if pa.types.is_dictionary(values.type) and is_text(values.type.value_type):
        short = _short(values.dictionary)
        capped = pa.DictionaryArray.from_arrays(values.indices, short)
        return _marked(values, convert(capped.dictionary_decode(), wanted))
    if is_text(values.type):
        return _marked(values, convert(_short(values), wanted))
    return convert(values, wanted)


def without_nan(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return floats with null for NaN."""
    if not pc.any(pc.is_nan(values)).as_py():
        return values
    return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)


def _short(texts: pa.Array) -> pa.Array:
    lengths = pc.binary_length(texts)
    longest = pc.max(lengths).as_py()
    if longest is None or longest <= MAX_TEXT_BYTES:
        return texts
    return pc.if_else(pc.less_equal(lengths, MAX_TEXT_BYTES), texts, pa.scalar(None, texts.type))


def _marked(values: pa.Array, converted: Converted) -> Converted:
    """Count the values that were too long as not of their type."""
    if converted.values.null_count == values.null_count:  # conversion makes no value of none
        return Converted(converted.values)
    lost = pc.and_(pc.is_valid(values), pc.is_null(converted.values))
    return Converted(converted.values, lost) if pc.any(lost).as_py() else Converted(converted.values)
