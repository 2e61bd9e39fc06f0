"""Which records are profiled and which rows are kept: decided by a hash of the record's id.

The same id gives the same decision on every replay, on every replica, and for the target that comes later.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from monitor.settings import Settings

_SPAN = 2**64


class SamplingSettings(Settings):
    """The share of records that is profiled."""

    rate: float = Field(1.0, gt=0, le=1, description="share of records profiled, chosen by hash of the id")


def id_hashes(ids: Iterable[str]) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each id: the first eight bytes of BLAKE2b, little-endian.

    >>> int(id_hashes(["a"])[0]) == int.from_bytes(blake2b(b"a", digest_size=8).digest(), "little")
    True
    """
    digests = b"".join(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in ids)
    return np.frombuffer(digests, dtype="<u8")


def sampled(hashes: NDArray[np.uint64], rate: float) -> NDArray[np.bool_]:
    """Say which hashes fall in the lowest share ``rate`` of all 64-bit numbers."""
    if rate >= 1:
        return np.ones(hashes.shape, dtype=np.bool_)
    return hashes < np.uint64(int(rate * _SPAN))


def lowest(hashes: NDArray[np.uint64], count: int) -> NDArray[np.intp]:
    """Return the places of the ``count`` smallest hashes, in the order of the log; ties by place."""
    if len(hashes) <= count:
        return np.arange(len(hashes), dtype=np.intp)
    order = np.argsort(hashes, kind="stable")[:count]
    return np.sort(order)
