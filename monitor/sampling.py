"""Which records are profiled and which rows are kept: decided by a hash of the record's id.

The same id gives the same decision on every replay, on every replica, and for the target that comes later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from monitor.settings import Settings

Hashes = NDArray[np.uint64]

_SPAN = 2**64
_WORD = 8
_SHORT_BYTES = 64
"""An id of more bytes is hashed by BLAKE2b: so what is padded stays small."""
_ROWS_AT_ONCE = 16_384
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class SamplingSettings(Settings):
    """The share of records that is profiled."""

    rate: float = Field(1.0, gt=0, le=1, description="share of records profiled, chosen by hash of the id")


def id_hashes(ids: Iterable[str] | pa.Array | pa.ChunkedArray) -> Hashes:
    """Return a 64-bit hash of each id, of many at once.

    Of up to 64 bytes in UTF-8 it begins with their number, mixed. Then it is mixed with each word of eight bytes,
    little end first and zeros behind the last: ``h = mixed(h ^ word)``; the empty text is one word. Of more bytes it is
    what ``text_hashes`` gives.

    Parameters
    ----------
    ids: texts, or an Arrow column of texts; null counts as the empty text.

    >>> int(id_hashes(["a"])[0]) == int(mixed(mixed(np.array([1], np.uint64)) ^ np.uint64(ord("a")))[0])
    True
    """
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    elif not isinstance(ids, pa.Array):
        ids = pa.array([text.encode("utf-8", "surrogatepass") for text in ids], pa.binary())
    parts = [_hashed(ids.slice(first, _ROWS_AT_ONCE)) for first in range(0, len(ids), _ROWS_AT_ONCE)]
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def _hashed(ids: pa.Array) -> Hashes:
    ids = pc.fill_null(ids, pa.scalar("", ids.type)) if ids.null_count else ids
    lengths = np.asarray(pc.binary_length(ids).to_numpy(), np.uint64)
    long = lengths > _SHORT_BYTES
    if not long.any():
        return _of_words(ids, lengths)
    hashes = _of_words(pc.if_else(pa.array(long), pa.scalar("", ids.type), ids), np.where(long, 0, lengths))
    hashes[long] = _digests(ids.filter(pa.array(long)).cast(pa.binary()).to_pylist())
    return hashes


def _of_words(ids: pa.Array, lengths: Hashes) -> Hashes:
    """Hash texts of few bytes, given their lengths."""
    words = -(-int(lengths.max(initial=1)) // _WORD)
    padded = pc.ascii_rpad(ids.view(pa.string()), words * _WORD, "\0")  # of bytes, whatever they mean
    table = np.frombuffer(padded.buffers()[2], "<u8", len(ids) * words, padded.offset * words * _WORD)
    hashes = mixed(lengths)
    for place, word in enumerate(table.reshape(len(ids), words).T):
        ended = lengths <= place * _WORD if place else np.zeros(0, np.bool_)
        hashes = np.where(ended, hashes, mixed(hashes ^ word)) if ended.any() else mixed(hashes ^ word)
    return hashes


def mixed(numbers: Hashes) -> Hashes:
    """Return numbers mixed well (the finaliser of SplitMix64; Steele, Lea and Flood 2014, OOPSLA, 453)."""
    mixed = numbers + _GAMMA
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FACTORS[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _FACTORS[1]
    return mixed ^ (mixed >> np.uint64(31))


def hashes_with(ids: pa.ChunkedArray, told: Callable[[pa.Array], Iterable[str]]) -> Hashes:
    """Return the hashes of ids, and of what is told of the rows of a mask in place of those that are null."""
    if not ids.null_count:
        return id_hashes(ids)
    hashes, alone = id_hashes(ids), pc.is_null(ids)
    hashes[np.asarray(alone.to_numpy(), np.bool_)] = text_hashes(told(alone))
    return hashes


def text_hashes(texts: Iterable[str]) -> Hashes:
    """Return a 64-bit hash of each text: the first eight bytes of BLAKE2b, little-endian.

    >>> int(text_hashes(["a"])[0]) == int.from_bytes(blake2b(b"a", digest_size=8).digest(), "little")
    True
    """
    return _digests(text.encode("utf-8", "surrogatepass") for text in texts)


def _digests(texts: Iterable[bytes]) -> Hashes:
    return np.frombuffer(b"".join(blake2b(text, digest_size=8).digest() for text in texts), "<u8")


def sampled(hashes: Hashes, rate: float) -> NDArray[np.bool_]:
    """Say which hashes fall in the lowest share ``rate`` of all 64-bit numbers."""
    if rate >= 1:
        return np.ones(hashes.shape, dtype=np.bool_)
    return hashes < np.uint64(int(rate * _SPAN))


def lowest(hashes: Hashes, count: int) -> NDArray[np.intp]:
    """Return the places of the ``count`` smallest hashes, in the order of the log; ties by place."""
    if len(hashes) <= count:
        return np.arange(len(hashes), dtype=np.intp)
    order = np.argsort(hashes, kind="stable")[:count]
    return np.sort(order)
