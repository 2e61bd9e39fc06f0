"""What the engine remembers between steps, and how it is kept on disk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.calibration.arrays import Floats

DIGEST_BYTES = 32
_LITTLE = np.dtype("<f8")


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The evidence of all bets, and since when it gathers.

    Attributes
    ----------
    evidence: M, (2, 6, views).
    onset: mean time at which a drift began, were there one, each possible beginning weighted by its evidence; in
        steps, (2, 6, views). Under a bet this is the mean of Shiryaev's posterior with a flat prior.
    """

    evidence: Floats
    onset: Floats


def fresh(shape: tuple[int, ...]) -> State:
    """Return the state before the first step."""
    return State(np.zeros(shape), np.zeros(shape))


def pack(state: State, digest: bytes) -> bytes:
    """Return the state as bytes: the engine's digest, then both arrays as little-endian float64."""
    return digest + b"".join(part.astype(_LITTLE).tobytes() for part in (state.evidence, state.onset))


def unpack(payload: bytes, digest: bytes, shape: tuple[int, int, int]) -> State | None:
    """Return the state, bit for bit; ``None`` if the bytes are another engine's or damaged."""
    size = int(np.prod(shape))
    if payload[:DIGEST_BYTES] != digest or len(payload) != DIGEST_BYTES + 2 * size * _LITTLE.itemsize:
        return None
    both = np.frombuffer(payload, dtype=_LITTLE, offset=DIGEST_BYTES).astype(np.float64).reshape(2, *shape)
    return State(both[0], both[1])
