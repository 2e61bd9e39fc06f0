"""Requests and responses of the Open Inference Protocol as gRPC sends them, rewritten as HTTP does.

Read field by field, as the protocol buffers of ``inference.ModelInferRequest`` and ``ModelInferResponse`` number them,
so that it takes no library: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_grpc.proto
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any, TypeAlias

from monitor.sources.formats.event import EventInvalid
from monitor.sources.kafka.framing import varint

_Field: TypeAlias = tuple[int, int, Any]  # its number, its wire type, and its value
_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5
_MODEL, _VERSION, _ID, _TENSORS, _OUTPUTS_OR_RAW, _RAW = 1, 2, 3, 5, 6, 7
_NAME, _DATATYPE, _SHAPE, _CONTENTS = 1, 2, 3, 5
_BOOL, _INT32, _INT64, _UINT32, _UINT64, _FP32, _FP64, _BYTES = range(1, 9)
_SIGNED = {_INT32, _INT64}
_HALF = 1 << 63


def as_json(value: bytes) -> tuple[bytes, int | None]:
    """Return a request or response as JSON, with raw tensors behind it, and then how long the JSON is.

    Raises
    ------
    EventInvalid: it is neither JSON nor such a message.
    """
    if value.lstrip()[:1] in (b"{", b"["):
        return value, None
    try:
        return _rewritten(list(_fields(value)))
    except (ValueError, struct.error):
        raise EventInvalid("neither JSON nor a message of the Open Inference Protocol") from None


def _rewritten(fields: list[_Field]) -> tuple[bytes, int | None]:
    """Rewrite a message; what it is follows from its raw tensors, and without them makes no difference."""
    told: dict[str, Any] = {}
    for number, name in ((_MODEL, "model_name"), (_VERSION, "model_version"), (_ID, "id")):
        texts = [value for at, wire, value in fields if at == number and wire == _LENGTH]
        told |= {name: texts[-1].decode()} if texts and texts[-1] else {}
    tensors = [_tensor(value) for at, wire, value in fields if at == _TENSORS and wire == _LENGTH]
    if not tensors:
        raise ValueError("no tensors")
    raw = [value for at, _, value in fields if at == _RAW] or [
        value for at, _, value in fields if at == _OUTPUTS_OR_RAW
    ]
    if len(raw) == len(tensors) and not any("data" in tensor for tensor in tensors):
        for tensor, data in zip(tensors, raw, strict=True):
            tensor["parameters"] = {"binary_data_size": len(data)}
        text = json.dumps(told | {"inputs": tensors}).encode()
        return text + b"".join(raw), len(text)
    return json.dumps(told | {"inputs": tensors}).encode(), None


def _tensor(data: bytes) -> dict[str, Any]:
    told: dict[str, Any] = {"name": "", "datatype": "", "shape": []}
    for number, wire, value in _fields(data):
        if number == _NAME and wire == _LENGTH:
            told["name"] = value.decode()
        elif number == _DATATYPE and wire == _LENGTH:
            told["datatype"] = value.decode()
        elif number == _SHAPE:
            told["shape"] += [_signed(each) for each in (_varints(value) if wire == _LENGTH else [value])]
        elif number == _CONTENTS and wire == _LENGTH:
            told["data"] = [each for field in _fields(value) for each in _contents(*field)]
    return told


def _contents(number: int, wire: int, value: Any) -> list[Any]:
    """Return the values of one field of a tensor's contents, packed or not."""
    if number == _BYTES:
        return [_text(value)]
    if number in (_FP32, _FP64):
        code, size = ("<f", 4) if number == _FP32 else ("<d", 8)
        data = value if wire == _LENGTH else value.to_bytes(size, "little")
        return [each for (each,) in struct.iter_unpack(code, data)]
    found = _varints(value) if wire == _LENGTH else [value]
    if number == _BOOL:
        return [bool(each) for each in found]
    return [_signed(each) for each in found] if number in _SIGNED else found


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def _signed(value: int) -> int:
    return value - 2 * _HALF if value >= _HALF else value


def _varints(data: bytes) -> list[int]:
    found, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        found.append(value)
    return found


def _fields(data: bytes) -> Iterator[_Field]:
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = varint(data, at)
            yield number, wire, value
            continue
        if wire == _LENGTH:
            size, at = varint(data, at)
        elif wire in (_EIGHT, _FOUR):
            size = 8 if wire == _EIGHT else 4
        else:
            raise ValueError("a wire type that is not known")
        if at + size > len(data):
            raise ValueError("cut short")
        piece = data[at : at + size]
        yield number, wire, piece if wire == _LENGTH else int.from_bytes(piece, "little")
        at += size
