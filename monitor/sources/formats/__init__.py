"""The formats that logs are written in, and which one a file is by its name.

A format turns bytes into :class:`~monitor.record.Decoded`; none raises for what a record holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath


class Format(StrEnum):
    """How records are written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


class Packing(StrEnum):
    """How a whole file is compressed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


_FORMATS = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".json": Format.JSONL,
    ".log": Format.JSONL,
    ".csv": Format.CSV,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}
_PACKINGS = {".gz": Packing.GZIP, ".zst": Packing.ZSTD, ".zstd": Packing.ZSTD}


@dataclass(frozen=True, slots=True)
class Written:
    """How a file is written."""

    format: Format
    packing: Packing


def written(path: PurePath, given: Format | None = None) -> Written:
    """Tell how a file is written, by the suffixes of its name; JSON lines if they tell nothing.

    Rotation adds to a name: ``app.csv.1.gz`` is CSV, compressed.

    >>> written(PurePath("app.csv.1.gz"))
    Written(format=<Format.CSV: 'csv'>, packing=<Packing.GZIP: 'gzip'>)
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packing = _PACKINGS.get(suffixes[-1], Packing.NONE) if suffixes else Packing.NONE
    known = [_FORMATS[suffix] for suffix in suffixes if suffix in _FORMATS]
    found = given or (known[-1] if known else Format.JSONL)
    return Written(found, Packing.NONE if found is Format.PARQUET else packing)
