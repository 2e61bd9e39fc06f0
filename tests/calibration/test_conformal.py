"""Bets on ranks: what they pay, and how often they page where nothing drifts."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.calibration.conformal import BETS, Conformal, Unfit, bet, forget, p_value, rank_of, unfit

THRESHOLD = 60.0


def test_a_p_value_is_a_rank() -> None:
    """Of nineteen known scores the highest and one tie leave three in twenty."""
    known = Conformal(tuple(float(n) for n in range(18)), seen=(17.0,))
    assert (rank_of(17.0, (*known.own, *known.seen)), p_value(known, 17.0)) == (3, 3 / 20)


@pytest.mark.parametrize("size", [15, 31, 100])
def test_no_bet_pays_more_than_its_stake_on_average(size: int) -> None:
    """Over all ranks, which are alike where nothing drifts, each bet pays one in the mean."""
    own = tuple(float(n) for n in range(size - 1))
    paid = [bet(Conformal(own), rank - 0.5, matters=True).evidence for rank in range(size)]
    assert np.mean(paid, axis=0) == pytest.approx(np.ones(len(BETS)))


def test_pages_stay_within_the_promise() -> None:
    """Of one page per sixty steps that are promised, forty short references page less than two thirds."""
    rng, pages = np.random.default_rng(3), 0
    for _ in range(40):
        known = Conformal(tuple(rng.normal(size=20)))
        for score in rng.normal(size=400):
            known = bet(known, float(score), matters=True)
            if known.total >= THRESHOLD:
                known, pages = forget(known), pages + 1
    assert 0 < pages * THRESHOLD / (40 * 400) < 0.67


def test_scores_that_no_step_of_the_reference_had_are_found() -> None:
    """Against forty scores of the reference three higher ones are enough."""
    rng = np.random.default_rng(4)
    known = Conformal(tuple(rng.normal(size=40)))
    for score in (9.0, 8.0, 9.5):
        known = bet(known, score, matters=True)
    assert known.total >= THRESHOLD


def test_what_does_not_matter_loses_every_bet() -> None:
    """The highest score of all is no evidence where it is too small to matter."""
    known = Conformal(tuple(n / 1000 for n in range(40)))
    assert bet(known, 1.0, matters=False).total < 1


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (np.arange(14.0), Unfit.TOO_SHORT),
        (np.arange(40.0), Unfit.NOT_EXCHANGEABLE),
        (np.repeat(np.random.default_rng(5).normal(size=10), 4), Unfit.NOT_EXCHANGEABLE),
        (np.random.default_rng(6).normal(size=40), None),
        (-np.arange(40.0) % 7, None),
    ],
)
def test_scores_that_rise_or_hang_together_are_no_measure(own: np.ndarray, expected: Unfit | None) -> None:
    """A trend, spells and too few scores are refused; chance is not."""
    assert unfit(own.tolist()) is expected
