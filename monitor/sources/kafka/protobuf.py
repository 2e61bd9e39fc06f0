"""Messages of protocol buffers as plain values, by a description that a registry has of them, and without code."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    json_format,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

from monitor.sources.kafka.client import Unreachable
from monitor.sources.kafka.registry import Schema
from monitor.sources.kafka.unfit import ValueUnfit

_KNOWN = {each.DESCRIPTOR.name: each.DESCRIPTOR for each in (duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2)}
_OF_JSON = frozenset(f"google.protobuf.{name}" for name in ("Timestamp", "Duration", "Struct", "Value", "ListValue"))
_WRAPPERS = frozenset(f"google.protobuf.{name}" for name in wrappers_pb2.DESCRIPTOR.message_types_by_name)


class Messages:
    """Reads messages of one schema.

    Raises
    ------
    Unreachable: the registry's description is none.
    """

    def __init__(self, schema: Schema) -> None:
        self._pool = descriptor_pool.DescriptorPool()
        self._added: set[str] = set()
        try:
            self._file = self._add("described.proto", schema)
        except (binascii.Error, DecodeError, TypeError, KeyError) as error:
            raise Unreachable(f"a schema of the registry is not of protocol buffers ({type(error).__name__})") from None
        self._classes: dict[tuple[int, ...], Any] = {}

    def _add(self, name: str, schema: Schema) -> Any:
        """Add a file of descriptions, and before it those that it refers to."""
        file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(schema.text, validate=True))
        for each, of in schema.references.items():
            if each not in self._added:
                self._add(each, of)
        for each in file.dependency:
            if each in _KNOWN and each not in self._added:
                self._pool.AddSerializedFile(_KNOWN[each].serialized_pb)
                self._added.add(each)
        file.name = name
        self._pool.AddSerializedFile(file.SerializeToString())
        self._added.add(name)
        return file

    def read(self, path: Sequence[int], body: bytes) -> Any:
        """Return a message as names and values; ``path`` is its number in the file, and within each message around it.

        Raises
        ------
        ValueUnfit: it is none of this schema.
        """
        key = tuple(path)
        if key not in self._classes:
            self._classes[key] = self._class(key)
        try:
            return _plain(self._classes[key].FromString(body))
        except (DecodeError, ValueError) as error:
            raise ValueUnfit(f"not of its schema ({type(error).__name__})") from None

    def _class(self, path: tuple[int, ...]) -> Any:
        names, within = [self._file.package] if self._file.package else [], self._file.message_type
        for number in path:
            if not 0 <= number < len(within):
                raise ValueUnfit("its schema has no such message")
            names.append(within[number].name)
            within = within[number].nested_type
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(".".join(names)))


def _plain(message: Any) -> Any:
    """Return a message's fields under the names of their description, numbers as numbers."""
    name = message.DESCRIPTOR.full_name
    if name in _WRAPPERS:
        return message.value
    if name in _OF_JSON:
        return json_format.MessageToDict(message)
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields}


def _field(message: Any, field: Any) -> Any:
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {str(key): _value(value[key], inner) for key in value}
    if field.is_repeated:
        return [_value(each, field) for each in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _value(value, field)


def _value(value: Any, field: Any) -> Any:
    if field.type in (FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_GROUP):
        return _plain(value)
    if field.type == FieldDescriptor.TYPE_ENUM:
        known = field.enum_type.values_by_number.get(value)
        return value if known is None else known.name
    return value
