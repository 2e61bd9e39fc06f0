from __future__ import annotations

import numpy as np
import pytest

from monitor.calibration.season import Term, candidates, choose, design, fit, held_out_score

DAY, WEEK = 6, 42
DAILY, WEEKLY = Term(DAY, 2), Term(WEEK, 3)


def names(periods: tuple[int, ...], blocks: int) -> list[str]:
    """Name the candidates."""
    return ["+".join(term.name for term in terms) or "const" for terms in candidates(periods, blocks)]


@pytest.mark.parametrize(
    ("periods", "blocks", "expected"),
    [
        ((), 1000, ["const"]),
        ((1,), 1000, ["const"]),
        ((24,), 71, ["const"]),
        ((24,), 72, ["const", "harm24"]),
        ((24,), 144, ["const", "harm24", "bins24"]),
        ((2, 96), 600, ["const", "harm2", "harm96", "harm2+harm96", "bins2+harm96"]),
        ((168, 24), 504, ["const", "harm24", "bins24", "harm168", "harm24+harm168"]),
        ((24, 168), 1008, ["const", "harm24", "bins24", "harm168", "harm24+harm168", "bins24+harm168"]),
    ],
)
def test_a_season_needs_enough_cycles(periods: tuple[int, ...], blocks: int, expected: list[str]) -> None:
    """Harmonics need three cycles, bins six and a period from 3 to 48, two periods those of the longer one."""
    assert names(periods, blocks) == expected


@pytest.mark.parametrize(("period", "columns"), [(2, 2), (3, 3), (4, 4), (5, 5), (6, 5)])
def test_no_harmonic_passes_half_the_sampling_rate(period: int, columns: int) -> None:
    """Harmonics end at p/2, where the sine is nothing."""
    matrix = design([Term(period, 2)], np.arange(60))
    assert matrix.shape[1] == columns == np.linalg.matrix_rank(matrix)


def test_bins_sum_to_zero_over_a_cycle() -> None:
    """The intercept of bins is the mean of a cycle."""
    np.testing.assert_allclose(design([Term(5, 0)], np.arange(5))[:, 1:].sum(axis=0), 0)


def test_folds_are_contiguous_and_left_out_in_turn() -> None:
    """The score is that of four plain least-squares fits, each judged on the quarter it did not see."""
    rng, blocks = np.random.default_rng(3), 90
    times = np.arange(7, 7 + blocks)
    mean = rng.normal(size=(blocks, 2)) + np.sin(2 * np.pi * times / DAY)[:, np.newaxis]
    matrix, fold, error = design([DAILY], times), [4 * block // blocks for block in range(blocks)], np.zeros(2)
    for left_out in range(4):
        seen = np.array([index != left_out for index in fold])
        solution = np.linalg.lstsq(matrix[seen], mean[seen], rcond=None)[0]
        error += ((mean[~seen] - matrix[~seen] @ solution) ** 2).sum(axis=0)
    expected = (error / (blocks * mean.var(axis=0))).mean()
    assert held_out_score([DAILY], times, mean) == pytest.approx(expected, rel=1e-9)


def test_one_wild_channel_costs_at_most_two() -> None:
    """A channel's score is capped, so that one outlier does not decide for all channels."""
    times, mean = np.arange(12), np.zeros((12, 1))
    mean[5] = 1
    terms = [Term(3, 2), Term(4, 3)]
    matrix, error = design(terms, times), 0.0
    for left_out in range(4):
        seen = times // 3 != left_out
        solution = np.linalg.lstsq(matrix[seen], mean[seen], rcond=None)[0]
        error += float(((mean[~seen] - matrix[~seen] @ solution) ** 2).sum())
    assert error / (12 * mean.var()) > 2
    assert held_out_score(terms, times, mean) == 2


def two_periods(blocks: int, seed: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give times, a true season of a day and a week for two channels, and its noisy block means."""
    times = np.arange(blocks)
    day, week = np.sin(2 * np.pi * times / DAY), np.cos(2 * np.pi * times / WEEK)
    truth = np.stack([day + 0.8 * week, 0.5 * day - week], axis=1)
    return times, truth, truth + 0.05 * np.random.default_rng(seed).normal(size=truth.shape)


def test_a_season_of_two_periods_is_found() -> None:
    """A day within a week is told from either alone."""
    times, truth, mean = two_periods(6 * WEEK)
    season = fit(times, mean, np.full(mean.shape, 100.0), mean.mean(axis=0), (DAY, WEEK))
    assert season.name == "harm6+harm42"
    np.testing.assert_allclose(season.at(times), truth, atol=0.05)


def test_a_season_goes_on_beyond_the_reference() -> None:
    """What was learnt of two periods holds for later times."""
    times, _, mean = two_periods(6 * WEEK)
    season = fit(times, mean, np.full(mean.shape, 100.0), mean.mean(axis=0), (DAY, WEEK))
    later, truth, _ = two_periods(9 * WEEK)
    np.testing.assert_allclose(season.at(later[-WEEK:]), truth[-WEEK:], atol=0.05)


def test_two_periods_that_share_a_harmonic_are_fitted_all_the_same() -> None:
    """Twice a period repeats its first harmonic; the season is still found, and counts its columns once."""
    times = np.arange(96)
    mean = np.cos(2 * np.pi * times / 4)[:, np.newaxis] + 0.01 * np.random.default_rng(0).normal(size=(96, 1))
    matrix = design([Term(4, 2), Term(8, 3)], times)
    assert np.linalg.matrix_rank(matrix) < matrix.shape[1]
    assert held_out_score([Term(4, 2), Term(8, 3)], times, mean) < 0.01


def test_a_richer_model_must_win_by_one_percent() -> None:
    """Noise has no season."""
    mean = np.random.default_rng(2).normal(size=(240, 8))
    assert choose(np.arange(240), mean, (24,)) == ()


def test_constant_channels_keep_the_constant_season() -> None:
    """Where nothing varies, nothing is explained."""
    season = fit(np.arange(60), np.zeros((60, 2)), np.full((60, 2), 10.0), np.zeros(2), (4,))
    assert season.name == "const"
    assert season.freedom.tolist() == [1, 1]


def test_the_season_is_shrunk_by_its_f_statistic() -> None:
    """A channel without the season of the others keeps little of it; the known one keeps nearly all."""
    times, rng = np.arange(120), np.random.default_rng(8)
    mean = rng.normal(size=(120, 2)) * 0.1
    mean[:, 0] += np.sin(2 * np.pi * times / DAY)
    season = fit(times, mean, np.full(mean.shape, 50.0), mean.mean(axis=0), (DAY,))
    assert season.terms
    matrix = design(season.terms, times)
    residual = mean - matrix @ np.linalg.lstsq(matrix, mean, rcond=None)[0]
    explained = (120 * mean.var(axis=0) - (residual**2).sum(axis=0)) / (matrix.shape[1] - 1)
    shrink = np.maximum(0, 1 - (residual**2).sum(axis=0) / (120 - matrix.shape[1]) / explained)
    np.testing.assert_allclose(season.freedom, 1 + (matrix.shape[1] - 1) * shrink**2)


def test_the_season_keeps_the_mean_of_the_rows() -> None:
    """Weighted by rows, the season is the reference's mean."""
    times, _, mean = two_periods(4 * WEEK)
    rows = np.random.default_rng(1).integers(1, 500, size=mean.shape).astype(float)
    level = (rows * mean).sum(axis=0) / rows.sum(axis=0)
    season = fit(times, mean, rows, level, (DAY, WEEK))
    np.testing.assert_allclose((rows * season.at(times)).sum(axis=0) / rows.sum(axis=0), level, atol=1e-12)
