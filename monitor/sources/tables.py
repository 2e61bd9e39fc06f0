"""Read a whole file as a table, of whatever layout: references, and the two files of a comparison."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.json as pj
import pyarrow.parquet as pq

from monitor.errors import ReferenceUnusable
from monitor.sources.formats import Format, Packing, Written, written

DEFAULT_LIMIT_BYTES = 256 * 2**20
_PICKLES = {".pkl", ".pickle", ".joblib", ".npy", ".npz", ".sav"}
_MIB = 2**20


def read_table(path: Path, columns: Collection[str] | None = None, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> pa.Table:
    """Read a JSONL, CSV or Parquet file, plain or compressed.

    Structs are flattened with dots, dictionaries decoded, lists kept. ``columns`` are names after
    flattening; those that the file does not have are left out.

    Raises
    ------
    ReferenceUnusable: E160 too large, E161 not readable as its format, E162 a pickle, E163 no row,
        E164 missing or not readable at all.
    """
    if {suffix.lower() for suffix in path.suffixes} & _PICKLES:
        raise ReferenceUnusable("E162", f"{path}: pickle files are not read", "convert it to Parquet or CSV")
    if not path.is_file():
        raise ReferenceUnusable("E164", f"{path}: no such file", "check the path")
    with _explained(path):
        table = flattened(_read(path, written(path), limit_bytes))
    if columns is not None:
        table = table.select([name for name in table.column_names if name in columns])
    if table.num_rows == 0:
        raise ReferenceUnusable("E163", f"{path}: holds no row", "give a file with records")
    return table


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except pa.ArrowInvalid as error:
        raise ReferenceUnusable("E161", f"{path}: not readable: {type(error).__name__}") from None
    except OSError as error:
        raise ReferenceUnusable("E164", f"{path}: {error.strerror or 'cannot be read'}") from None


def _read(path: Path, how: Written, limit_bytes: int) -> pa.Table:
    if how.format is Format.PARQUET:
        return pq.read_table(path)
    with pa.input_stream(str(path), compression=None if how.packing is Packing.NONE else how.packing.value) as stream:
        if how.format is Format.CSV:
            return pcsv.read_csv(
                stream, convert_options=pcsv.ConvertOptions(null_values=[""], strings_can_be_null=True)
            )
        return pj.read_json(stream, read_options=pj.ReadOptions(block_size=_MIB * 8))


def flattened(table: pa.Table) -> pa.Table:
    """Flatten structs with dots and decode dictionaries."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    for index, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(index, column.name, pc.cast(table[index], column.type.value_type))
    return table
