"""Rows of a file of Avro, as Iceberg keeps its lists of files."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from monitor.sources.lake.log import Unfit

_FAULTS = (ValueError, EOFError, KeyError, IndexError, TypeError, OSError, struct.error, zlib.error)


def rows_of(data: bytes) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file.

    Raises
    ------
    Unfit: it is not one, or what reads it is not installed.
    """
    try:
        import fastavro
        from fastavro.schema import SchemaParseException
    except ImportError:
        raise Unfit("needs fastavro to be read; expected e.g. pip install 'driftline[lake]'") from None
    try:
        for row in fastavro.reader(io.BytesIO(data)):
            if isinstance(row, dict):
                yield row
    except (*_FAULTS, SchemaParseException) as error:
        raise Unfit(f"has a list of files that cannot be read ({type(error).__name__})") from None
