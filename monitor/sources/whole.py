"""Whole records that were kept, read again: as the table that a reference is compiled from, and by a layout."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.csv as pcsv

from monitor.errors import ReferenceUnusable
from monitor.record import Decoded, Layout
from monitor.sources.formats import json_table, jsonl
from monitor.sources.formats.block import Lines, split
from monitor.sources.formats.unreadable import Unreadable
from monitor.sources.tables import flattened, read_csv

_NAME = "the rows kept for the reference"


def decode_whole(records: Sequence[str], layout: Layout) -> Decoded:
    """Read records by a layout, as their source would have read them."""
    return jsonl.decode(_lines(records), layout)


def table_of(records: Sequence[str], *, texts: bool) -> pa.Table:
    """Return records as the table that a file of them would be read as.

    Parameters
    ----------
    texts: all values are texts, and are what CSV takes them for.

    Raises
    ------
    ReferenceUnusable: E161 they go into no table.
    """
    try:
        return flattened(_told(records) if texts else json_table.read(_lines(records)))
    except (Unreadable, pa.ArrowException) as error:
        why = str(error) if isinstance(error, Unreadable) else f"no table ({type(error).__name__})"
        raise ReferenceUnusable("E161", f"{_NAME}: {why}", "write records that go into one table") from None


def in_tables(records: Sequence[str]) -> list[bool]:
    """Say of each record whether it can stand in a table: one in which a key came twice cannot."""
    return [json_table.is_row(record.encode()) for record in records]


def _told(records: Sequence[str]) -> pa.Table:
    """Return columns of texts as what CSV takes them for."""
    rows = [json.loads(record) for record in records]
    names = dict.fromkeys(name for row in rows for name in row)
    written = io.BytesIO()
    pcsv.write_csv(pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}), written)
    return read_csv(written.getvalue(), None)


def _lines(records: Sequence[str]) -> Lines:
    return split(_NAME, "\n".join(records).encode())
