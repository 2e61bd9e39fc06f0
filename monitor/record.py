"""What is read: the columns a model logs, and one batch of records in Arrow columns.

A *field* is where a column stands in the log (``inputs.temp``); a *column* is how the monitor watches
it (``temp``). Formats decode bytes into one flat Arrow table whose columns carry the field's path as
their name; :meth:`Layout.arrange` turns that into the canonical table that all else reads:

| column | Arrow type | meaning |
|---|---|---|
| ``timestamp`` | int64 | event time, microseconds since 1970 UTC |
| ``id`` | string or null | joins a record with its target |
| ``version`` | string, "" if none | the model's version |
| ``latency`` | float64 or null | seconds |
| ``error`` | string or null | a short code where the inference failed |
| ``resource:`` and a name | float64 or null | what the inference used or cost |
| each feature, ``prediction``, ``score``, ``target``, under its key | by kind | values |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import pyarrow as pa

MICROSECONDS = 1_000_000
WHOLE, TEXTS = "driftline_record", "driftline_texts"
"""Columns beside the fields where a layout asks for whole records: see :attr:`Layout.whole`."""
RESERVED = frozenset({"timestamp", "id", "version", "latency", "error"})
"""Names of the canonical table's own columns; a model may have features of these names."""


class Role(StrEnum):
    """What a column is to the model."""

    FEATURE = "feature"
    PREDICTION = "prediction"
    SCORE = "score"
    TARGET = "target"
    ATTRIBUTION = "attribution"


class Kind(StrEnum):
    """What the values of a column are."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    TEXT = "text"
    IDENTIFIER = "identifier"
    CONSTANT = "constant"
    VECTOR = "vector"


class Reason(StrEnum):
    """Why a record was refused: the label ``reason`` of ``driftline_records_rejected_total``."""

    JSON_SYNTAX = "json_syntax"
    NOT_OBJECT = "not_object"
    DUPLICATE_KEY = "duplicate_key"
    ENCODING = "encoding"
    TOO_LONG = "too_long"
    TORN = "torn"
    RAGGED = "ragged"
    TIMESTAMP_MISSING = "timestamp_missing"
    TIMESTAMP_INVALID = "timestamp_invalid"
    TIMESTAMP_FUTURE = "timestamp_future"
    TIMESTAMP_EARLY = "timestamp_early"
    ID_MISSING = "id_missing"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"
    BODY_TOO_LARGE = "body_too_large"
    BODY_TOO_SLOW = "body_too_slow"
    MEDIA_TYPE_UNSUPPORTED = "media_type_unsupported"
    EVENT_INVALID = "event_invalid"
    EVENT_TYPE_UNKNOWN = "event_type_unknown"
    OTHER_COMPONENT = "other_component"
    REQUEST_MISSING = "request_missing"
    ROWS_DISAGREE = "rows_disagree"
    BODY_UNKNOWN = "body_unknown"
    TENSOR_INVALID = "tensor_invalid"
    TOMBSTONE = "tombstone"
    LOST = "lost"
    REPLACED = "replaced"
    SCHEMA_UNKNOWN = "schema_unknown"


@dataclass(frozen=True, slots=True)
class Rejected:
    """One refused record. ``detail`` says type and length, never a raw value."""

    reason: Reason
    file: str
    offset: int
    detail: str


@dataclass(frozen=True, slots=True)
class Field:
    """Where a column stands in the log: a dotted path, and the Arrow type its values are read as.

    ``type`` is one of float64, string, bool, a list of float64 or a list of string; a value that cannot be read as it
    without loss becomes null and is counted in ``Decoded.mismatched`` under the path.
    """

    path: str
    type: pa.DataType


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a format made of one block of bytes.

    Attributes
    ----------
    table: one row a good record, one flat column a wanted field, named by the field's path; a field
        that the block does not hold is a column of nulls. Where a field's values were not of its type, a column
        of its path and ``tally.MISMATCH`` says in which rows.
    rejected: the bad records, in order.
    mismatched: for a field's path, how many values were not of its type.
    """

    table: pa.Table
    rejected: tuple[Rejected, ...] = ()
    mismatched: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it is watched.

    ``coded`` says that its categories are written as numbers in the log, or that its lists are of names and not of
    numbers; ``parent`` names the column, or group of
    columns, that a derived one belongs to: it stands in no log.
    """

    name: str
    path: str
    role: Role
    kind: Kind
    coded: bool = False
    parent: str | None = None

    @property
    def key(self) -> str:
        """Return its name in the canonical table: its own, unless that is one of the table's own columns."""
        return f"feature:{self.name}" if self.name in RESERVED else self.name

    @property
    def type(self) -> pa.DataType:
        """Return the Arrow type that its values are read as."""
        if self.coded:
            return pa.list_(pa.string()) if self.kind is Kind.VECTOR else pa.float64()
        return arrow_type(self.kind)


def arrow_type(kind: Kind) -> pa.DataType:
    """Return the Arrow type that values of a kind are read as."""
    match kind:
        case Kind.NUMERIC:
            return pa.float64()
        case Kind.BOOLEAN:
            return pa.bool_()
        case Kind.VECTOR:
            return pa.list_(pa.float64())
        case _:
            return pa.string()


@dataclass(frozen=True, slots=True)
class Told:
    """What one line of a log in a format of its own tells: records in the native layout, and what was refused of it."""

    records: Sequence[Mapping[str, Any]]
    refused: Sequence[tuple[Reason, str]] = ()


class Dialect(Protocol):
    """How what another product logs becomes records in the native layout."""

    def read(self, line: Any) -> Told:
        """Read one line's JSON value; whatever it is, it is told or refused."""
        ...


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands in a log: what a format is to decode, and how it is named afterwards.

    ``timestamp``, ``id``, ``version``, ``latency`` and ``error`` are paths, or ``None`` where the log has none;
    ``latency`` is in milliseconds in the log; ``resources`` are names and paths. Only ``timestamp`` is needed for
    records; a layout of targets needs ``id`` and one column of role target, and its timestamp may be missing.
    ``whole`` asks for each record as it stands besides: as one line of JSON in the column ``WHOLE``, and in
    ``TEXTS`` whether all its values are texts that are yet to be told what they are, as those of CSV are.
    ``dialect`` makes records of a log that is not in the native layout: paths then are those of what it makes.
    """

    timestamp: str
    columns: tuple[Column, ...]
    id: str | None = None
    version: str | None = None
    latency: str | None = None
    error: str | None = None
    resources: tuple[tuple[str, str], ...] = ()
    needs_timestamp: bool = True
    needs_id: bool = False
    whole: bool = False
    dialect: Dialect | None = None

    @property
    def takes_all(self) -> bool:
        """Say whether more is read of a record than its fields."""
        return self.whole or self.dialect is not None

    @property
    def fields(self) -> tuple[Field, ...]:
        """Return every field to decode but the timestamp, each once."""
        wanted = {self.error: pa.string()} if self.error else {}
        wanted |= {path: pa.float64() for _, path in self.resources}
        wanted |= {column.path: column.type for column in self.columns}
        wanted |= {path: pa.string() for path in (self.id, self.version) if path}
        wanted |= {self.latency: pa.float64()} if self.latency else {}
        return tuple(Field(path, type_) for path, type_ in wanted.items())
