from __future__ import annotations

import numpy as np
import pytest

from monitor.calibration.channels import Channels, Feature, build
from monitor.calibration.inflation import autoregressive_sum, fit, inflation_at
from monitor.calibration.wobble import Blocks, Wobble

LENGTHS = [1, 2, 4]


@pytest.mark.parametrize("phi", [0.0, 0.3, 0.98])
@pytest.mark.parametrize("length", [1, 2, 32])
def test_the_autoregressive_inflation_is_its_sum(phi: float, length: int) -> None:
    """The closed form is 1 + 2 sum over k < L of (1 - k/L) phi^k."""
    expected = 1 + 2 * sum((1 - k / length) * phi**k for k in range(1, length))
    assert autoregressive_sum(np.array([phi]), length)[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("length", "slope", "limit", "expected"),
    [
        (1, 0.5, 9.0, 1.0),
        (1.5, 0.5, 9.0, 1.25),
        (3, 0.5, 9.0, 1.75),
        (4, 0.5, 9.0, 2.0),
        (16, 0.5, 1.0, 4.0),
        (16, 0.8, 1.0, 2 * 4**0.8),
        (16, 0.8, 2.5, 4.0),
        (4096, 0.8, 2.5, 64.0),
        (16, 0.1, 9.0, 2 * 4**0.1),
    ],
)
def test_the_inflation_is_linear_within_and_bounded_beyond_what_was_measured(
    length: float, slope: float, limit: float, expected: float
) -> None:
    """Beyond the longest batch it grows by its slope, under an autoregression at most by the square root of time."""
    measured = np.array([[1.0], [1.5], [2.0]])
    grown = inflation_at(length, LENGTHS, measured, np.array([slope]), np.array([limit]))
    assert grown[0] == pytest.approx(expected)


def test_the_inflation_of_one_length_stays() -> None:
    """A reference too short for batches shows no growth."""
    grown = inflation_at(68.0, [1], np.array([[1.0]]), np.array([0.0]), np.array([1.0]))
    assert grown.tolist() == [1.0]


@pytest.mark.parametrize(("degrees", "heavy"), [(None, False), (3.0, True)])
def test_t3_shocks_are_told_from_normal_ones_by_the_slope_of_their_tail(degrees: float | None, heavy: bool) -> None:
    """Block means that 336 blocks of 60 channels show leave no fewer than 6 degrees of freedom, or under 3."""
    rng, shape = np.random.default_rng(6), (336, 60)
    residual = 0.1 * (rng.standard_normal(shape) if degrees is None else rng.standard_t(degrees, shape) / 3**0.5)
    ones = np.ones(60)
    rows = np.full(shape, 1e4)
    blocks = Blocks(np.arange(336), residual, rows, rows.sum(axis=0), 1e4 * ones, ones, ones)
    wobble = Wobble(0.01 * ones, 0.99 * ones)
    found = fit(channels_of(60), blocks, wobble).tail
    assert found.max() < 3 if heavy else found.min() > 6


def channels_of(number: int) -> Channels:
    """Give so many channels: a column of two equal bins has a location and a missing channel."""
    features = [Feature(f"f{index}", "numeric") for index in range(number // 2)]
    return build(features, np.array([5000, 5000] * len(features) + [5] * len(features)), [2] * len(features))
