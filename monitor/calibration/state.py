"""What the engine remembers between steps, and how it is kept on disk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.calibration.arrays import Floats

DIGEST_BYTES = 32
_EVIDENCE, _AGE, _TIME = np.dtype("<f8"), np.dtype("<f4"), np.dtype("<i8")


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The evidence of all bets, and since when it gathers.

    Attributes
    ----------
    evidence: M, (2, 6, views).
    age: for how long a drift lasted, were there one, each possible beginning weighted by its evidence; in steps before
        ``time``, (2, 6, views). Under a bet this is the mean of Shiryaev's posterior with a flat prior; it is told to
        the step, far coarser than single precision.
    time: of the last step.
    """

    evidence: Floats
    age: npt.NDArray[np.float32]
    time: int

    @property
    def onset(self) -> Floats:
        """Return the mean time at which a drift began, in steps, (2, 6, views)."""
        began: Floats = self.time - self.age.astype(np.float64)
        return began


def fresh(shape: tuple[int, ...]) -> State:
    """Return the state before the first step."""
    return State(np.zeros(shape), np.zeros(shape, dtype=np.float32), 0)


def follow(state: State, evidence: Floats, time: int) -> State:
    """Return the state after a step at ``time`` that leaves so much evidence.

    Of the evidence (1 + M) g after a step, the part 1 / (1 + M) began with it, whatever g is.

    >>> one = follow(fresh((1,)), np.array([3.0]), 10)
    >>> follow(one, np.array([8.0]), 14).onset.tolist()
    [11.0]
    """
    kept = state.evidence / (1 + state.evidence)
    age = (state.age + float(time - state.time)) * kept
    return State(evidence, age.astype(np.float32), time)


def pack(state: State, digest: bytes) -> bytes:
    """Return the state as little-endian bytes: the engine's digest, the time, the evidence, and the age."""
    time = np.array(state.time, dtype=_TIME)
    return digest + time.tobytes() + state.evidence.astype(_EVIDENCE).tobytes() + state.age.astype(_AGE).tobytes()


def unpack(payload: bytes, digest: bytes, shape: tuple[int, int, int]) -> State | None:
    """Return the state, bit for bit; ``None`` if the bytes are another engine's or damaged."""
    size, body = int(np.prod(shape)), payload[DIGEST_BYTES:]
    if payload[:DIGEST_BYTES] != digest:
        return None
    if len(body) == 2 * size * _EVIDENCE.itemsize:
        return _with_onsets(np.frombuffer(body, dtype=_EVIDENCE).astype(np.float64).reshape(2, *shape))
    if len(body) != _TIME.itemsize + size * (_EVIDENCE.itemsize + _AGE.itemsize):
        return None
    at = _TIME.itemsize
    evidence = np.frombuffer(body, dtype=_EVIDENCE, count=size, offset=at).astype(np.float64)
    age = np.frombuffer(body, dtype=_AGE, offset=at + evidence.nbytes).astype(np.float32)
    time = int(np.frombuffer(body, dtype=_TIME, count=1)[0])
    return State(evidence.reshape(shape), age.reshape(shape), time)


def _with_onsets(both: Floats) -> State:
    """Return a state of before ages were kept: evidence, and the time at which a drift began."""
    time = int(np.ceil(both[1].max(initial=0.0)))
    return State(both[0], (time - both[1]).astype(np.float32), time)
