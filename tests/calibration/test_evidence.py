from __future__ import annotations

import numpy as np
import pytest

from monitor.calibration.channels import Feature, build
from monitor.calibration.evidence import LARGEST_EVIDENCE, count_under, scored_surprise, update
from monitor.calibration.null import EXCESSES, rate_table


def rates() -> np.ndarray:
    """Tabulate the rates of a fair coin: two bins of one half each have scores of -1 and 1."""
    return rate_table(build([Feature("f", "numeric")], np.array([10**9, 10**9, 0]), [2]))


def test_the_rate_of_a_fair_coin_is_the_known_one() -> None:
    """Cramér's rate of a +-1 coin is ((1+y) log(1+y) + (1-y) log(1-y)) / 2; a grid of tilts comes near from below."""
    y = EXCESSES[(EXCESSES > 0.01) & (EXCESSES < 0.99)]
    known = ((1 + y) * np.log1p(y) + (1 - y) * np.log1p(-y)) / 2
    ours = rates()[:, (EXCESSES > 0.01) & (EXCESSES < 0.99), 0]
    assert (ours <= known + 1e-12).all()
    np.testing.assert_allclose(ours, np.broadcast_to(known, ours.shape), rtol=2e-3)


@pytest.mark.parametrize("excess", [-3.0, -1e-9, 0.0, 1e-12, 5e-4, 0.999e-3])
def test_the_first_cell_of_the_table_is_not_interpolated(excess: float) -> None:
    """Under the first tabulated excess the rate function is the normal one: the surprise is the excess itself."""
    assert scored_surprise(rates(), np.full((1, 2, 1), excess)).tolist() == [[[excess], [excess]]]


def test_between_cells_the_rate_is_linear() -> None:
    """The rate, not its root, is interpolated."""
    table, cell = rates(), 120
    middle = (EXCESSES[cell] + EXCESSES[cell + 1]) / 2
    expected = np.sqrt(table[0, cell, 0] + table[0, cell + 1, 0])
    assert scored_surprise(table, np.full((1, 2, 1), middle))[0, 0, 0] == pytest.approx(expected)


def test_an_excess_beyond_the_table_counts_as_its_last() -> None:
    """Excess is capped at 60 standard deviations."""
    far = scored_surprise(rates(), np.array([[[60.0], [1e6]]]))
    assert far[0, 0, 0] == far[0, 1, 0]


def test_ties_do_not_count_as_under() -> None:
    """A rank counts blocks strictly under the step, on both sides."""
    spells = np.array([[-1.0, 0.0, 0.0, 0.0, 2.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
    assert count_under(spells, np.array([[0.0, 1.0]])).tolist() == [[1, 0]]
    assert count_under(spells, np.nextafter([[0.0, 1.0]], np.inf)).tolist() == [[4, 5]]


@pytest.mark.parametrize("steps", [1, 40])
@pytest.mark.parametrize("blocks", [1, 2, 50, 63, 64, 65])
def test_ranks_are_those_of_a_binary_search(blocks: int, steps: int) -> None:
    """However many values are looked for, and in whichever way, they are counted as numpy does channel by channel."""
    rng = np.random.default_rng(blocks)
    spells = np.sort(rng.integers(-9, 9, size=(7, blocks)).astype(float), axis=-1)
    value = rng.integers(-11, 11, size=(steps, 2, 7)).astype(float)
    ours = count_under(spells, value)
    for row in range(7):
        assert ours[..., row].tolist() == np.searchsorted(spells[row], value[..., row]).tolist()


def test_evidence_is_capped() -> None:
    """However far a step is, evidence stays finite."""
    evidence = np.full((2, 6, 1), LARGEST_EVIDENCE)
    assert (update(evidence, np.full((2, 6, 1), 1e6)) == LARGEST_EVIDENCE).all()


def test_evidence_of_pure_noise_is_on_average_the_number_of_steps() -> None:
    """A bet against standard normal scores is fair: the mean of M after t steps is t."""
    rng, evidence = np.random.default_rng(0), np.zeros((2, 6, 200_000))
    for _ in range(4):
        evidence = update(evidence, np.broadcast_to(rng.normal(size=(2, 1, 200_000)), evidence.shape))
    np.testing.assert_allclose(evidence[:, :3].mean(axis=-1), 4, rtol=0.02)
