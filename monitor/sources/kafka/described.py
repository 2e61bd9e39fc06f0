"""Values that a schema describes, as lines of JSON: of Avro, of protocol buffers, or of JSON that a registry knows."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from monitor.instant import from_datetime, to_text
from monitor.sources.kafka.client import Unreachable
from monitor.sources.kafka.framing import MAGIC, number_of, path_of
from monitor.sources.kafka.registry import Registry, Schema
from monitor.sources.kafka.unfit import ValueUnfit

_Read: TypeAlias = Callable[[bytes], Any]


class Described:
    """Reads values by the schemas of a registry.

    Raises
    ------
    Unreachable: a library that is needed is not installed.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._readers: dict[int, _Read] = {}

    def __call__(self, value: bytes) -> bytes:
        """Return a value as a line of JSON; one that names no schema as it is.

        Raises
        ------
        Unframed, ValueUnfit: it is not what it says.
        SchemaUnknown: the registry does not have its schema.
        Unreachable: the registry cannot be asked now.
        """
        if not value.startswith(MAGIC):
            return value
        number, rest = number_of(value)
        if number not in self._readers:
            self._readers[number] = _reader(self._registry.schema(number))
        return line_of(self._readers[number](rest))


def _reader(schema: Schema) -> _Read:
    try:
        if schema.kind == "PROTOBUF":
            return _of_protobuf(schema)
        return _of_avro(schema) if schema.kind == "AVRO" else _of_json
    except ModuleNotFoundError as error:
        raise Unreachable(f"needs the Python package {error.name}: pip install 'driftline[kafka]'") from None


def _of_json(rest: bytes) -> Any:
    try:
        return json.loads(rest)
    except (ValueError, RecursionError):
        raise ValueUnfit("not JSON") from None


def _of_avro(schema: Schema) -> _Read:
    import fastavro

    named: dict[str, Any] = {}
    try:
        for each in _in_order(schema.references):
            fastavro.parse_schema(json.loads(each.text), named_schemas=named)
        parsed = fastavro.parse_schema(json.loads(schema.text), named_schemas=named)
    except (ValueError, fastavro.schema.SchemaParseException, fastavro.schema.UnknownType):
        raise Unreachable("a schema of the registry is not Avro's") from None

    def read(rest: bytes) -> Any:
        stream = io.BytesIO(rest)
        try:
            found = fastavro.schemaless_reader(stream, parsed, None)
        except Exception as error:  # noqa: BLE001 a value may be wrong in any way, and the library says it in as many
            raise ValueUnfit(f"not of its schema ({type(error).__name__})") from None
        if stream.tell() != len(rest):
            raise ValueUnfit("longer than its schema says")
        return found

    return read


def _in_order(references: Mapping[str, Schema]) -> list[Schema]:
    """Return schemas, each behind those that it refers to."""
    return [schema for each in references.values() for schema in (*_in_order(each.references), each)]


def _of_protobuf(schema: Schema) -> _Read:
    from monitor.sources.kafka.protobuf import Messages

    messages = Messages(schema)

    def read(rest: bytes) -> Any:
        path, body = path_of(rest)
        return messages.read(path, body)

    return read


def plain(value: Any) -> Any:
    """Return a value as JSON has it: instants as texts, decimals as numbers, bytes in base64; NaN is missing.

    >>> from datetime import UTC
    >>> plain({"at": datetime(2026, 1, 5, tzinfo=UTC), "share": Decimal("0.25"), "odd": [float("nan"), b"ab"]})
    {'at': '2026-01-05T00:00:00Z', 'share': 0.25, 'odd': [None, 'YWI=']}
    """
    match value:
        case dict():
            return {str(name): plain(each) for name, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case float() | Decimal():
            return float(value) if math.isfinite(value) else None
    return _text(value) if isinstance(value, bytes | date | time | UUID) else value


def _text(value: bytes | date | time | UUID) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return to_text(from_datetime(value)) if isinstance(value, datetime) and value.tzinfo else str(value)


def _leaf(value: Any) -> Any:
    """Return what JSON has no form for as what it has one for."""
    found = plain(value)
    if found is value:
        raise TypeError(type(value).__name__)
    return found


_AS_IT_STANDS = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_leaf)


def line_of(value: Any) -> bytes:
    """Write a value as JSON: as it stands where no number is odd, which is quicker than to make all of it plain."""
    try:
        return _AS_IT_STANDS.encode(value).encode()
    except (TypeError, ValueError):
        return _AS_IT_STANDS.encode(plain(value)).encode()
