"""Bets on a bounded loss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.calibration.betting import FRACTIONS, Bound, Capital, bet, bound, has_collapsed, upper_bound

N = 200.0


def rng_of(seed: int) -> np.random.Generator:
    """Return a stream."""
    return np.random.default_rng(seed)


def alarms(allowed: Bound, losses: np.ndarray) -> list[int]:
    """Return after which blocks the alarm fires, starting anew each time."""
    capital, fired = Capital(), []
    for number, loss in enumerate(losses.tolist()):
        capital = bet(capital, allowed, loss)
        if capital.evidence >= N:
            fired.append(number)
            capital = Capital()
    return fired


def test_the_bound_holds_as_often_as_it_says() -> None:
    """Of 300 references the true mean is over the bound in 5 % at most, to three standard errors."""
    rng = rng_of(1)
    over = [upper_bound(rng.binomial(40, 0.15, 60) / 40, rng) < 0.15 for _ in range(300)]
    assert np.mean(over) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_the_bound_closes_in_on_the_mean() -> None:
    """A longer reference says better where its mean is."""
    rng = rng_of(2)
    found = [
        np.mean([upper_bound(rng.binomial(40, 0.15, n) / 40, rng) - 0.15 for _ in range(20)]) for n in (20, 80, 320)
    ]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.03


@pytest.mark.parametrize(("mean", "rows"), [(0.15, 60), (0.05, 60), (0.002, 200)])
def test_the_bound_that_a_ceiling_tightens_holds_too(mean: float, rows: int) -> None:
    """Of 200 short references whose blocks are calm the true mean is over the bound in 5 % at most, and it is near."""
    rng = rng_of(8)
    found = np.array([bound(rng.binomial(rows, mean, 60) / rows, rng, tolerance=0.0).allowed for _ in range(200)])
    assert np.mean(found < mean) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert np.median(found) - mean < 0.03


def test_a_block_over_the_ceiling_wins_what_one_at_it_does() -> None:
    """A cut lowers the mean of calm blocks and never raises it, and so what is won."""
    allowed = bound(np.tile([0.05, 0.1, 0.15], 20), rng_of(9))
    assert allowed.ceiling == pytest.approx(0.3)
    assert bet(Capital(), allowed, 1.0).evidence == bet(Capital(), allowed, 0.3).evidence
    assert bet(Capital(), allowed, 0.3).evidence > bet(Capital(), allowed, 0.29).evidence


def test_a_short_reference_finds_errors_that_double() -> None:
    """Errors go from 15 to 30 % after sixty blocks of sixty rows: told within thirty, one alarm in 2,880."""
    rng, delays = rng_of(10), []
    for _ in range(10):
        allowed, capital, blocks = bound(rng.binomial(60, 0.15, 60) / 60, rng), Capital(), 0
        while capital.evidence < 2880:
            capital, blocks = bet(capital, allowed, rng.binomial(60, 0.3) / 60), blocks + 1
        delays.append(blocks)
    assert np.median(delays) <= 30


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(0, 9))
def test_the_bound_lies_between_the_mean_and_one(losses: list[float], seed: int) -> None:
    """Whatever the blocks, the bound is no less than their mean and no more than 1."""
    blocks = np.array(losses)
    assert blocks.mean() <= upper_bound(blocks, rng_of(seed)) <= 1 + 1e-12


@pytest.mark.parametrize("losses", [[], [0.1, 1.2], [-0.1]])
def test_what_is_no_loss_is_refused(losses: list[float]) -> None:
    """A loss outside [0, 1] would break the promise, and no block at all says nothing."""
    with pytest.raises(ValueError, match="block losses"):
        upper_bound(np.array(losses), rng_of(0))


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.149, 0.15])
def test_the_evidence_of_calm_blocks_is_at_most_their_number(loss: float) -> None:
    """Where each block loses what is allowed or less, E after t blocks is t or less: nothing is won."""
    allowed, capital = Bound(0.1, 0.2, 0.15), Capital()
    for number in range(1, 400):
        capital = bet(capital, allowed, loss)
        assert capital.evidence <= number * (1 + 1e-9)


def test_the_mean_evidence_keeps_the_promise() -> None:
    """Over 2,000 calm streams whose mean is just what is allowed, E after 50 blocks is 50 on average, to a tenth."""
    rng, allowed = rng_of(3), Bound(0.1, 0.2, 0.15)
    won = np.zeros((2000, len(FRACTIONS)))
    for _ in range(50):
        loss = rng.binomial(40, 0.15, 2000) / 40
        won = (1 + won) * (1 + np.array(FRACTIONS) / 0.15 * (loss[:, np.newaxis] - 0.15))
    assert won[:, :3].mean() == pytest.approx(50, rel=0.1)
    assert np.median(won.mean(axis=1)) < 50
    assert bet(Capital(), allowed, 0.15).evidence == pytest.approx(1.0)


def test_few_alarms_come_without_a_loss() -> None:
    """Of 20 streams of 500 calm blocks at N = 200, far fewer alarms than the 50 that the promise allows."""
    rng, fired = rng_of(4), 0
    for _ in range(20):
        allowed = bound(rng.binomial(50, 0.15, 120) / 50, rng)
        fired += len(alarms(allowed, rng.binomial(50, 0.15, 500) / 50))
    assert fired <= 5


@pytest.mark.parametrize(("more", "within"), [(0.25, 12), (0.1, 40), (0.05, 200)])
def test_a_loss_is_found(more: float, within: int) -> None:
    """The larger the loss, the sooner the alarm: median of ten streams."""
    rng, delays = rng_of(5), []
    for _ in range(10):
        allowed = bound(rng.binomial(50, 0.15, 120) / 50, rng)
        fired = alarms(allowed, rng.binomial(50, 0.15 + more, 400) / 50)
        delays.append(fired[0] + 1 if fired else np.inf)
    assert np.median(delays) <= within


def test_a_reference_without_a_loss_can_be_bet_against() -> None:
    """Where no block of the reference lost anything, a block that does is evidence, and nothing divides by zero."""
    allowed = bound(np.zeros(100), rng_of(6), tolerance=0.0)
    assert allowed.allowed > 0
    assert alarms(allowed, np.full(60, 0.3))


def test_a_collapse_needs_targets_and_a_worst_block() -> None:
    """A block is a collapse over twice the reference's worst, with a hundred targets."""
    allowed = bound(np.array([0.1, 0.2, 0.1]), rng_of(7))
    assert has_collapsed(allowed, 0.41, 100)
    assert not has_collapsed(allowed, 0.39, 100)
    assert not has_collapsed(allowed, 0.9, 50)
