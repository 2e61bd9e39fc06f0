"""Parquet, a batch of rows at a time, the wanted columns only: memory does not grow with the row groups.

A position is the number of the next row. Before anything is unpacked, the file's own figures are checked:
762 bytes of Parquet can hold two gigabytes.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from types import MappingProxyType
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from monitor.record import Decoded, Layout
from monitor.sources.formats.arrow_rows import decode_rows, places_of
from monitor.sources.formats.block import empty
from monitor.sources.formats.field_names import FieldNames
from monitor.sources.formats.paths import Place
from monitor.sources.formats.sizes import fitting_rows
from monitor.sources.formats.unreadable import Unreadable

_MAGIC = b"PAR1"
_TAIL_BYTES = 8  # the footer's length, and the magic again
_MAX_FOOTER_BYTES = 64 * 2**20
_MAX_ROWS = 32_768
_MAX_UNPACKED_BYTES = 256 * 2**20  # of one column chunk that is packed more than _MAX_RATIO to one
_MAX_RATIO = 1000
_BUFFER_BYTES = 2**20
NO_NAMES: Mapping[int, str] = MappingProxyType({})
_SHORT_BYTES = 256
"""Ids that are no longer are read as they are: hardly one comes twice, and as codes they cost the time of all else."""
NO_CONSTANTS: Mapping[str, str] = MappingProxyType({})
Choose: TypeAlias = Callable[[pa.Schema], list[str]]
_FAULTS = (pa.ArrowException, OSError, ValueError, IndexError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a file: what they decoded to, and the row to go on with."""

    decoded: Decoded
    next: int
    done: bool


class ParquetRows:
    """One file, read forward; keeps where it stands, as going on anywhere else reads a row group again."""

    def __init__(
        self,
        opened: int | pa.NativeFile,
        file: str,
        layout: Layout,
        budget_bytes: int,
        constants: Mapping[str, str] = NO_CONSTANTS,
        names: Mapping[int, str] = NO_NAMES,
    ) -> None:
        """Open a file by its descriptor, or as Arrow has it open; either stays the caller's.

        ``constants`` are columns of one value, such as a folder's name gives; the file's own go before them.
        ``names`` are what columns are called, by the ids of their fields.

        Raises
        ------
        Unreadable: the file is not Parquet, not complete, or would unpack to too much.
        """
        self._file = file
        self._layout = layout
        self._budget = budget_bytes
        self._places = places_of(layout)
        self._names = FieldNames(pa.schema([]), {})
        self._reader, self._wanted = open_checked(opened, partial(self._choose, names))
        known = self._names.schema.names
        self._constants = {name: value for name, value in constants.items() if name not in known}
        self._firsts = _first_rows(self._reader.metadata)
        self._opened = opened
        self._plain: pq.ParquetFile | None = None
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._pending: pa.Table | None = None
        self._at = -1

    def _choose(self, names: Mapping[int, str], schema: pa.Schema) -> list[str]:
        """Return the columns to read, as the file calls them."""
        self._names = FieldNames(schema, names)
        called = self._names.schema
        wanted = called.names if self._layout.takes_all else _present(self._places, called)
        return [self._names.own(name) for name in wanted]

    @property
    def total(self) -> int:
        """Return the number of rows in the file."""
        return self._firsts[-1]

    def close(self) -> None:
        """Give the file back, and what was read ahead: what yields rows holds this reader, and is held by it."""
        self._batches, self._pending, self._plain = iter(()), None, None
        self._reader.close()

    def read(self, row: int) -> Part:
        """Read rows from ``row`` on.

        Raises
        ------
        Unreadable: the file is damaged from this row on.
        """
        if row >= self.total:
            return Part(empty(self._layout), row, done=True)
        try:
            table = self._rows_at(row)
        except _FAULTS as error:
            self._at = -1
            raise Unreadable(f"damaged after row {row} ({type(error).__name__})") from None
        self._at = row + table.num_rows
        table = self._names.named(table)
        if self._at >= self.total:
            self._batches, self._plain = iter(()), None
        for name, value in self._constants.items():
            table = table.append_column(name, pa.repeat(value, table.num_rows))
        return Part(decode_rows(self._file, table, row, self._layout), self._at, done=self._at >= self.total)

    def _rows_at(self, row: int) -> pa.Table:
        if row != self._at:
            self._seek(row)
        table = self._next() if self._pending is None else self._pending
        fitting = fitting_rows(table, self._budget)
        self._pending = table.slice(fitting) if fitting < table.num_rows else None
        return table.slice(0, fitting)

    def _next(self) -> pa.Table:
        while (batch := next(self._batches, None)) is not None:
            if batch.num_rows:
                return pa.Table.from_batches([batch])
        raise Unreadable("fewer rows than its row groups say")

    def _seek(self, row: int) -> None:
        """Begin with the row group that holds a row, and drop the rows before it."""
        metadata = self._reader.metadata
        group = bisect_right(self._firsts, row) - 1
        size = _batch_rows(metadata, self._wanted, self._budget)
        self._batches = self._from(group, size)
        self._pending = None
        spare = row - self._firsts[group]
        while spare > 0:
            table = self._next()
            self._pending = table.slice(spare) if spare < table.num_rows else None
            spare -= table.num_rows

    def _from(self, group: int, size: int) -> Iterator[pa.RecordBatch]:
        """Yield what stands from a row group on: of large ones one by one, by the reader that suits it."""
        metadata = self._reader.metadata
        groups, id_ = list(range(group, metadata.num_row_groups)), self._layout.id
        large = metadata.num_rows >= _MAX_ROWS * metadata.num_row_groups
        coded = id_ is not None and large and id_ in _coded(metadata, [id_])
        for part in [[each] for each in groups] if coded else [groups]:
            reader = self._reader
            if coded and self._longest(part[0], id_ or "") * size <= min(self._budget, _SHORT_BYTES * _MAX_ROWS):
                reader = self._read_plainly(id_ or "")
            yield from reader.iter_batches(size, row_groups=part, columns=self._wanted, use_threads=False)

    def _longest(self, group: int, column: str) -> int:
        """Return the bytes of the longest text that a code of a row group stands for."""
        row = next(self._reader.iter_batches(1, row_groups=[group], columns=[column], use_threads=False), None)
        if row is None or not pa.types.is_dictionary(row.column(0).type):
            return _MAX_UNPACKED_BYTES
        return int(pc.max(pc.binary_length(row.column(0).dictionary)).as_py() or 0)

    def _read_plainly(self, column: str) -> pq.ParquetFile:
        """Return a reader of the same file that gives one column as it is, not as codes."""
        if self._plain is None:
            metadata = self._reader.metadata
            coded = [name for name in _coded(metadata, self._wanted) if name != column]
            self._plain = _reader(self._opened, metadata, coded)
        return self._plain


def open_checked(opened: int | pa.NativeFile, choose: Choose) -> tuple[pq.ParquetFile, list[str]]:
    """Open a file once its own figures are checked; return it and the columns that were chosen by its schema.

    Raises
    ------
    Unreadable: the file is not Parquet, not complete, or would unpack to too much.
    """
    _check_frame(_source(opened))
    try:
        probe = pq.ParquetFile(_source(opened))
        columns = choose(probe.schema_arrow)
        _check_sizes(probe.metadata, columns)
        coded = _coded(probe.metadata, columns)
        reader = _reader(opened, probe.metadata, coded)
    except _FAULTS as error:
        raise Unreadable(f"not a Parquet file ({type(error).__name__})") from None
    return reader, columns


def _reader(opened: int | pa.NativeFile, metadata: pq.FileMetaData, coded: Sequence[str]) -> pq.ParquetFile:
    return pq.ParquetFile(
        _source(opened),
        metadata=metadata,
        read_dictionary=list(coded),
        buffer_size=_BUFFER_BYTES,
        pre_buffer=False,
    )


def _source(opened: int | pa.NativeFile) -> pa.NativeFile:
    """Open the same file again, with an offset of its own; what Arrow has open is read by place as it is."""
    return pa.OSFile(f"/dev/fd/{opened}") if isinstance(opened, int) else opened


def _check_frame(file: pa.NativeFile) -> None:
    size = file.size()
    tail = file.read_at(min(_TAIL_BYTES, size), max(0, size - _TAIL_BYTES))
    if size < len(_MAGIC) + _TAIL_BYTES or file.read_at(len(_MAGIC), 0) != _MAGIC or tail[4:] != _MAGIC:
        raise Unreadable(f"not a Parquet file, or not complete, {size} bytes")
    (footer,) = struct.unpack("<I", tail[:4])
    if footer > _MAX_FOOTER_BYTES:
        raise Unreadable(f"its footer has {footer} bytes, at most {_MAX_FOOTER_BYTES} are read")


def _present(wanted: Sequence[Place], schema: pa.Schema) -> list[str]:
    """Return the columns of a file to read; its first one if it has none that is wanted, to count its rows."""
    names = {name for place in wanted for name in place.flat if name in schema.names}
    nested = {place.path for place in wanted if len(place.steps) > 1 and is_present(schema, place.steps)}
    return sorted(names | nested | _holders(schema, wanted, nested)) or schema.names[:1]


def _holders(schema: pa.Schema, wanted: Sequence[Place], nested: Collection[str]) -> set[str]:
    """Return a member of each struct of which none is wanted that it has: being there, it rules out flat names."""
    tops = {place.steps[0] for place in wanted if len(place.steps) > 1} - {path.partition(".")[0] for path in nested}
    structs = [
        schema.field(top) for top in sorted(tops & set(schema.names)) if pa.types.is_struct(schema.field(top).type)
    ]
    return {f"{field.name}.{field.type.field(0).name}" for field in structs if field.type.num_fields}


def is_present(schema: pa.Schema, steps: Sequence[str]) -> bool:
    """Tell whether a schema has a column, or a member of a struct."""
    type_ = pa.struct(schema)
    for step in steps:
        if not pa.types.is_struct(type_) or type_.get_field_index(step) < 0:
            return False
        type_ = type_.field(step).type
    return True


def _chunks(metadata: pq.FileMetaData, group: int, columns: Sequence[str]) -> list[pq.ColumnChunkMetaData]:
    """Return the column chunks of a row group that belong to some columns."""
    row_group = metadata.row_group(group)
    chunks = [row_group.column(index) for index in range(row_group.num_columns)]
    return [c for c in chunks if any(c.path_in_schema == n or c.path_in_schema.startswith(f"{n}.") for n in columns)]


def _check_sizes(metadata: pq.FileMetaData, columns: Sequence[str]) -> None:
    """Refuse a column chunk that unpacks to far more than any real data would."""
    for group in range(metadata.num_row_groups):
        for chunk in _chunks(metadata, group, columns):
            unpacked, packed = chunk.total_uncompressed_size, max(1, chunk.total_compressed_size)
            if unpacked > _MAX_UNPACKED_BYTES and unpacked // packed > _MAX_RATIO:
                raise Unreadable(f"would unpack {packed} bytes to {unpacked}")


def _coded(metadata: pq.FileMetaData, columns: Sequence[str]) -> list[str]:
    """Return the text columns that are stored as codes: decoded at once, a small file may fill the memory."""
    if not metadata.num_row_groups:
        return []
    texts = [chunk for chunk in _chunks(metadata, 0, columns) if chunk.physical_type == "BYTE_ARRAY"]
    return [chunk.path_in_schema for chunk in texts if {"RLE_DICTIONARY", "PLAIN_DICTIONARY"} & set(chunk.encodings)]


def _first_rows(metadata: pq.FileMetaData) -> list[int]:
    """Return the first row of each row group, and the number of rows last."""
    return list(accumulate((metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)), initial=0))


def _batch_rows(metadata: pq.FileMetaData, columns: Sequence[str], budget_bytes: int) -> int:
    """Return how many rows to read at once, by what the fattest row group says of itself."""
    widest = 1
    for group in range(metadata.num_row_groups):
        size = sum(chunk.total_uncompressed_size for chunk in _chunks(metadata, group, columns))
        widest = max(widest, size // max(1, metadata.row_group(group).num_rows))
    return max(1, min(_MAX_ROWS, budget_bytes // widest))
