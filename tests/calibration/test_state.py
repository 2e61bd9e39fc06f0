"""What the engine remembers takes little room, and what an older version kept still opens."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.calibration.state import State, follow, fresh, pack, unpack

DIGEST = b"d" * 32
SHAPE = (2, 6, 3)
SOME = np.random.default_rng(4).lognormal(0, 3, SHAPE)


def after(times: list[int]) -> State:
    """Return a state that gathered the same evidence in each of some steps."""
    state = fresh(SHAPE)
    for time in times:
        state = follow(state, SOME, time)
    return state


def test_a_packed_state_comes_back() -> None:
    """A state is read as it was written, bit for bit."""
    state = after([490_000, 490_001, 490_004])
    back = unpack(pack(state, DIGEST), DIGEST, SHAPE)
    assert back is not None
    assert (back.time, back.evidence.tolist(), back.age.tolist()) == (
        490_004,
        state.evidence.tolist(),
        state.age.tolist(),
    )


def test_a_state_takes_twelve_bytes_a_bet() -> None:
    """Evidence is kept in double precision and its age in single."""
    assert len(pack(fresh(SHAPE), DIGEST)) == 32 + 8 + 12 * SOME.size


def test_the_onset_is_the_mean_of_shiryaevs_posterior() -> None:
    """Each beginning is weighted by the evidence that a drift from there on has: here e = 2, 2·2 and 2·2·2."""
    state, ones = fresh((1,)), np.ones(1)
    for time, evidence in ((10, 2.0), (12, 6.0), (13, 14.0)):
        state = follow(state, evidence * ones, time)
    assert state.onset[0] == pytest.approx((8 * 10 + 4 * 12 + 2 * 13) / 14)


def test_an_age_stays_exact_over_a_long_time() -> None:
    """After twenty thousand steps of evidence that stays the same, an age is right to a hundredth of a step."""
    state, evidence = fresh((1,)), np.array([500.0])
    for time in range(20_000):
        state = follow(state, evidence, time)
    assert state.time - state.onset[0] == pytest.approx(500, abs=1e-2)  # the limit of age = (age + 1) 500 / 501


def test_a_state_with_onsets_opens() -> None:
    """Bytes of before ages were kept give the same evidence and the same onsets."""
    onset = 490_000 + np.random.default_rng(5).uniform(0, 400, SHAPE)
    old = DIGEST + SOME.astype("<f8").tobytes() + onset.astype("<f8").tobytes()
    state = unpack(old, DIGEST, SHAPE)
    assert state is not None
    assert state.evidence.tolist() == SOME.tolist()
    np.testing.assert_allclose(state.onset, onset, rtol=0, atol=1e-4)
