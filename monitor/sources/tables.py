"""Read a whole file as a table, of whatever layout: references, and the two files of a comparison.

Unlike a log, such a file is taken whole or not at all: one bad line may be many, and a reference that
silently lacks rows is worse than none.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv

from monitor.errors import ReferenceUnusable
from monitor.sources.formats import Format, Packing, csv, json_table, written
from monitor.sources.formats.arrow_rows import without_nan
from monitor.sources.formats.block import is_text, split
from monitor.sources.formats.jsonl import MAX_BLOCK
from monitor.sources.formats.parquet import is_present, open_checked
from monitor.sources.formats.sizes import decoded_bytes
from monitor.sources.formats.unreadable import Unreadable
from monitor.sources.packed import Inflated
from monitor.sources.reader import Plain

DEFAULT_LIMIT_BYTES = 256 * 2**20
_PICKLES = {".pkl", ".pickle", ".joblib", ".npy", ".npz"}
_PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x93NUMPY")
_MIB = 2**20
_BATCH_ROWS = 65_536


def read_table(path: Path, columns: Collection[str] | None = None, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> pa.Table:
    """Read a JSONL, CSV or Parquet file, plain or packed.

    Returns
    -------
    One flat table: the members of structs are columns with dotted names, dictionaries are decoded, lists
    are kept, types are Arrow's guess. ``columns`` are names after flattening; those that the file does not
    have are left out.

    Raises
    ------
    ReferenceUnusable: E160 it would take more memory than ``limit_bytes``; E161 it is not what its name
        says, or damaged; E162 it is a pickle; E163 it holds no row; E164 it is missing or cannot be opened.
    """
    if {suffix.lower() for suffix in path.suffixes} & _PICKLES:
        raise _pickle(path)
    with _opened(path) as descriptor:
        if os.pread(descriptor, 6, 0).startswith(_PICKLE_STARTS):
            raise _pickle(path)
        try:
            table = flattened(_read(path, descriptor, columns, limit_bytes))
        except (Unreadable, pa.ArrowException) as error:
            why = str(error) if isinstance(error, Unreadable) else f"not readable ({type(error).__name__})"
            raise ReferenceUnusable("E161", f"{path}: {why}", "write it again as Parquet, CSV or JSON lines") from None
    if columns is not None:
        table = table.select([name for name in table.column_names if name in columns])
    if columns is not None and not table.num_columns:
        raise ReferenceUnusable("E163", f"{path}: has none of the columns asked for", "check the names of its columns")
    if table.num_rows == 0:
        raise ReferenceUnusable("E163", f"{path}: holds no row", "give a file with records")
    return table


def _pickle(path: Path) -> ReferenceUnusable:
    return ReferenceUnusable("E162", f"{path}: pickle files are not read", "convert it to Parquet or CSV")


def _too_large(path: Path, needed: int, limit_bytes: int) -> ReferenceUnusable:
    message = f"{path}: would need {max(1, needed // _MIB)} MiB, limit {limit_bytes // _MIB} MiB"
    return ReferenceUnusable("E160", message, "give fewer rows or fewer columns")


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        raise ReferenceUnusable("E164", f"{path}: {error.strerror or 'cannot be opened'}", "check the path") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ReferenceUnusable("E164", f"{path}: not a regular file", "check the path")
        yield descriptor
    finally:
        os.close(descriptor)


def _read(path: Path, descriptor: int, columns: Collection[str] | None, limit_bytes: int) -> pa.Table:
    how = written(path)
    if how.format is Format.PARQUET:
        return _read_parquet(path, descriptor, columns, limit_bytes)
    data = _whole(path, descriptor, how.packing, limit_bytes)
    table = read_csv(data, columns) if how.format is Format.CSV else json_table.read(split(path.name, data))
    if table.nbytes > limit_bytes:
        raise _too_large(path, table.nbytes, limit_bytes)
    return table


def _whole(path: Path, descriptor: int, packing: Packing, limit_bytes: int) -> bytes:
    """Read all bytes of a file, unpacked, but no more than the limit."""
    size = os.fstat(descriptor).st_size
    if size > limit_bytes:
        raise _too_large(path, size, limit_bytes)
    if packing is Packing.NONE:
        return Plain(descriptor).read_at(0, size)
    stream = Inflated(descriptor, packing)
    try:
        parts: list[bytes] = []
        read = 0
        while part := stream.read_at(read, _MIB):
            parts.append(part)
            read += len(part)
            if read > limit_bytes:
                raise _too_large(path, read, limit_bytes)
        if stream.damage:
            raise Unreadable(f"the {packing} stream is {stream.damage}")
    finally:
        stream.close()
    return b"".join(parts)


def read_csv(data: bytes, columns: Collection[str] | None) -> pa.Table:
    """Read CSV as it is defined, newlines within quotes included."""
    if data.count(b'"') % 2:
        raise Unreadable("a quote is left open")
    if not is_text(data):
        raise Unreadable("not UTF-8")
    line, _, rest = data.lstrip(b"\r\n").partition(b"\n")
    if not line:
        return pa.table({})
    header = csv.read_header(line)
    if header.fault:
        raise Unreadable(header.fault)
    bad: list[pcsv.InvalidRow] = []

    def note(row: pcsv.InvalidRow) -> str:
        bad.append(row)
        return "skip"

    wanted = [name for name in header.names if columns is None or name in columns] or header.names[:1]
    if not rest.strip():
        return pa.table({name: pa.array([], pa.string()) for name in wanted})
    table = pcsv.read_csv(
        pa.BufferReader(rest),
        read_options=pcsv.ReadOptions(
            use_threads=False, column_names=list(header.names), block_size=min(len(rest) + 1, MAX_BLOCK)
        ),
        parse_options=pcsv.ParseOptions(invalid_row_handler=note, newlines_in_values=True),
        convert_options=pcsv.ConvertOptions(include_columns=list(wanted), null_values=[""], strings_can_be_null=True),
    )
    if bad:
        raise Unreadable(f"row {bad[0].number} has {bad[0].actual_columns} fields, the header {len(header.names)}")
    return table


def _read_parquet(path: Path, descriptor: int, columns: Collection[str] | None, limit_bytes: int) -> pa.Table:
    """Read batch by batch, and stop where the decoded rows exceed the limit."""

    def choose(schema: pa.Schema) -> list[str]:
        names = schema.names if columns is None else sorted(columns)
        return [name for name in names if name in schema.names or is_present(schema, name.split("."))]

    reader, wanted = open_checked(descriptor, choose)
    batches: list[pa.RecordBatch] = []
    used, rows = 0, 0
    try:
        for batch in reader.iter_batches(_BATCH_ROWS, columns=wanted, use_threads=False):
            used += sum(decoded_bytes(column) for column in batch.columns)
            rows += batch.num_rows
            if used > limit_bytes:
                raise _too_large(path, used * reader.metadata.num_rows // rows, limit_bytes)
            batches.append(batch)
        table = flattened(pa.Table.from_batches(batches) if batches else pa.table({}))
    except (OSError, ValueError, IndexError) as error:
        raise Unreadable(f"damaged ({type(error).__name__})") from None
    for index, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            table = table.set_column(index, field.name, without_nan(table[index]))
    return table


def flattened(table: pa.Table) -> pa.Table:
    """Make the members of structs columns with dotted names, and decode what is coded.

    Raises
    ------
    Unreadable: two columns would have one name.
    """
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    if len(set(table.column_names)) < len(table.column_names):
        raise Unreadable("two columns have one name")
    return pa.table({field.name: _plain(table[index], field.type) for index, field in enumerate(table.schema)})


def _plain(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    """Return a column as one of the few types that are watched, where it has such a one."""
    if pa.types.is_dictionary(type_):
        return _plain(column.cast(type_.value_type), type_.value_type)
    if pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return column.cast(pa.string())
    if pa.types.is_decimal(type_) or pa.types.is_float16(type_) or pa.types.is_float32(type_):
        return column.cast(pa.float64(), safe=False)
    if pa.types.is_date(type_):
        return column.cast(pa.timestamp("us"), safe=False)
    if pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_):
        return column.cast(pa.list_(type_.value_type))
    return column
