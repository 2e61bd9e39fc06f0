"""How a value begins whose schema a registry holds: a zero byte, the schema's number, and perhaps which message it is.

The format is Confluent's; Apicurio's registry and Karapace write it, too.
"""

from __future__ import annotations

MAGIC = b"\x00"
_NUMBER_END = 5
_MORE, _MOST_BITS, _MOST_DEPTH = 0x80, 70, 32


class Unframed(ValueError):
    """A value does not begin as one whose schema a registry holds."""


def number_of(value: bytes) -> tuple[int, bytes]:
    r"""Return the number of a value's schema, and what follows it.

    Raises
    ------
    Unframed: it has none.

    >>> number_of(bytes.fromhex("00 00000007 02"))
    (7, b'\x02')
    """
    if value[:1] != MAGIC or len(value) < _NUMBER_END:
        raise Unframed("no schema is named")
    return int.from_bytes(value[1:_NUMBER_END], "big"), value[_NUMBER_END:]


def path_of(rest: bytes) -> tuple[tuple[int, ...], bytes]:
    r"""Return which message of a schema follows, each number within the one before it, and the message.

    Raises
    ------
    Unframed: it is cut short.

    >>> path_of(bytes.fromhex("00 0a")), path_of(bytes.fromhex("04 02 00 0a"))
    (((0,), b'\n'), ((1, 0), b'\n'))
    """
    count, at = _zigzag(rest, 0)
    if count == 0:
        return (0,), rest[at:]
    if not 0 < count <= _MOST_DEPTH:
        raise Unframed("no message is named")
    path = []
    for _ in range(count):
        number, at = _zigzag(rest, at)
        path.append(number)
    return tuple(path), rest[at:]


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the whole number that begins at a place, and where it ends.

    Raises
    ------
    Unframed: it is cut short, or of more than ten bytes.
    """
    value = shift = 0
    while at < len(data) and shift < _MOST_BITS:
        byte = data[at]
        value |= (byte % _MORE) << shift
        at, shift = at + 1, shift + 7
        if byte < _MORE:
            return value, at
    raise Unframed("a number is cut short")


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, end = varint(data, at)
    return (value >> 1) ^ -(value & 1), end
