"""The body of a request, read within bounds: of bytes as they are sent, of bytes once unpacked, and of seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

import pyarrow as pa

from monitor.web.doors import MOST_BUFFERED_BYTES, Doors, over_capacity
from monitor.web.problems import Problem

_BODY_SECONDS = 10.0
_MOST_RATIO = 100
_SMALL_BYTES = 2**16  # a packed body may unpack to so much, whatever its ratio
_STEP = 2**18
_PACKINGS = {"gzip": "gzip", "x-gzip": "gzip", "zstd": "zstd"}


def media_type(headers: Mapping[str, str]) -> str:
    """Return the media type of a body, without parameters, in small letters; empty if there is none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def unsupported(expected: str) -> Problem:
    """Return the problem of a body that is not of a kind that is taken."""
    return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media_type_unsupported", f"expected {expected}")


async def body_of(headers: Mapping[str, str], stream: AsyncIterator[bytes], doors: Doors) -> bytes:
    """Return the body as it was meant, unpacked.

    Parameters
    ----------
    headers: by names in small letters. stream: the body part by part.

    Raises
    ------
    Problem: 408 too slow, 413 too large, 415 packed in an unknown way, 429 too much at once, 400 not what it says.
    """
    packing = headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("", "identity", *_PACKINGS):
        raise unsupported("content-encoding gzip, zstd or identity")
    limits = doors.limits
    most = limits.wire if packing in _PACKINGS else min(limits.wire, limits.inflated)
    with _counted(doors) as count:
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                raw = await _received(headers.get("content-length", ""), stream, most, count)
        except TimeoutError:
            detail = f"the body did not come within {_BODY_SECONDS:g} seconds"
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, "body_too_slow", detail) from None
    return inflated(raw, _PACKINGS[packing], limits.inflated) if packing in _PACKINGS else raw


async def _received(length: str, stream: AsyncIterator[bytes], most: int, count: Callable[[int], None]) -> bytes:
    if length.isdecimal() and int(length) > most:
        raise too_large(f"more than {most} bytes")
    parts: list[bytes] = []
    size = 0
    async for part in stream:
        size += len(part)
        if size > most:
            raise too_large(f"more than {most} bytes")
        count(len(part))
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


@contextmanager
def _counted(doors: Doors) -> Iterator[Callable[[int], None]]:
    """Count the bytes of a body among those of all that are being received."""
    mine = 0

    def count(size: int) -> None:
        nonlocal mine
        if doors.buffered + size > MOST_BUFFERED_BYTES:
            raise over_capacity("too many bodies come at once")
        mine += size
        doors.buffered += size

    try:
        yield count
    finally:
        doors.buffered -= mine


def too_large(detail: str) -> Problem:
    """Return the problem of a body that is too large."""
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", f"the body is too large: {detail}")


def inflated(raw: bytes, packing: str, most: int) -> bytes:
    """Unpack a body, in memory bounded by what it may become.

    Raises
    ------
    Problem: 413, it becomes more than ``most`` bytes, or over a hundred times what it was; 400, it is damaged.
    """
    most = min(most, max(len(raw) * _MOST_RATIO, _SMALL_BYTES))
    parts: list[bytes] = []
    size = 0
    try:
        with pa.CompressedInputStream(pa.BufferReader(raw), packing) as stream:
            while part := stream.read(_STEP):
                size += len(part)
                if size > most:
                    raise too_large(f"unpacked, more than {most} bytes")
                parts.append(part)
    except OSError:
        raise Problem(HTTPStatus.BAD_REQUEST, "encoding", f"the body is not a whole {packing} stream") from None
    return b"".join(parts)
