"""From which distance on a column is called drifted."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from monitor.comparison import Histogram
from monitor.drift import METHODS, Method
from monitor.drift.threshold import LEAST_STEPS, LEVEL, Threshold, calibrate
from monitor.record import Kind

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
ROWS = 500
TOLERANCE = 0.02
REPEATS, WINDOWS = 40, 500
BLIND_TO_SPREAD = frozenset({"mann_whitney", "welch_t", "l_infinity", "two_proportion_z"})
"""They see where a column lies, or of two halves how full each is."""


@pytest.fixture(params=sorted(METHODS))
def method(request: pytest.FixtureRequest) -> Method:
    """Give each method."""
    return METHODS[request.param]


def normal_shares(method: Method, shift: Floats | float = 0.0, spread: float = 1.0) -> Floats:
    """Return the mass of normal columns in the cells or bins of a standard normal reference; the last is missing."""
    kinds = 200 if method.grain == "cells" else 45 if Kind.NUMERIC in method.kinds else 2
    edges = ndtri(np.arange(1, kinds) / kinds)
    mass = np.diff(ndtr((edges - np.asarray(shift)[..., np.newaxis]) / spread), prepend=0.0, append=1.0)
    shares: Floats = np.concatenate((mass * 0.97, np.full((*mass.shape[:-1], 1), 0.03)), axis=-1)
    return shares


def histogram(counts: Integers) -> Histogram:
    """Return counts, the last of which is missing values."""
    kinds = counts.shape[-1] - 1
    return Histogram(counts[..., :-1], counts[..., -1], ndtri((np.arange(kinds) + 0.5) / kinds))


def threshold_of(method: Method, steps: Integers, tolerance: float = 0.0, length: int = 1) -> Threshold:
    """Return the threshold that steps give."""
    return calibrate(method, histogram(steps), histogram(steps.sum(axis=0)), tolerance, length)


def over(method: Method, steps: Integers, windows: Integers, length: int = 1) -> float:
    """Return the share of windows that reach the threshold."""
    threshold = threshold_of(method, steps, length=length)
    distance = method.distance(histogram(steps.sum(axis=0)), histogram(windows))
    limits = [threshold.at(rows) for rows in method.rows(histogram(windows)).tolist()]
    return float((distance >= limits).mean())


@pytest.mark.parametrize(("steps", "most"), [(10, 0.007), (30, 0.004), (100, 0.0035), (336, 0.004)])
def test_without_drift_few_windows_pass(method: Method, steps: int, most: float) -> None:
    """Of up to 20,000 windows like the reference's one to four in a thousand pass; few steps cost little more."""
    rng = np.random.default_rng(1)
    shares = normal_shares(method)
    repeats = REPEATS if steps < 100 else REPEATS // 2 if steps < 300 else 8
    found = [
        over(method, rng.multinomial(ROWS, shares, steps), rng.multinomial(ROWS, shares, WINDOWS))
        for _ in range(repeats)
    ]
    assert np.mean(found) <= most


@pytest.mark.parametrize(("of_steps", "of_windows", "most"), [(2000, 300, 0.02), (300, 3000, 0.004)])
def test_windows_of_another_size_have_thresholds_of_theirs(
    method: Method, of_steps: int, of_windows: int, most: float
) -> None:
    """The threshold follows the window's size; where it has only 7 rows a bin, up to 2 % of calm windows pass."""
    rng = np.random.default_rng(2)
    shares = normal_shares(method)
    found = [
        over(method, rng.multinomial(of_steps, shares, 200), rng.multinomial(of_windows, shares, WINDOWS))
        for _ in range(10)
    ]
    assert np.mean(found) <= most


def test_a_wobble_of_the_reference_is_no_drift(method: Method) -> None:
    """Where the mean of steps wanders by 0.2 standard deviations, so may that of a window."""
    rng = np.random.default_rng(3)

    def wandering(number: int) -> Integers:
        return rng.multinomial(ROWS, normal_shares(method, rng.normal(0, 0.2, number)))

    assert np.mean([over(method, wandering(200), wandering(300)) for _ in range(4)]) <= 0.01


def test_a_window_of_many_steps_wobbles_as_they_do(method: Method) -> None:
    """Storms last longer than a step: a window of six is judged by six of the reference's in a row."""
    rng = np.random.default_rng(4)

    def stormy(steps: int) -> Integers:
        walk = np.repeat(rng.normal(0, 0.3, steps // 12 + 1), 12)[:steps]
        return rng.multinomial(ROWS, normal_shares(method, walk))

    def windows(steps: Integers) -> Integers:
        return np.stack([steps[i : i + 6].sum(axis=0) for i in range(0, len(steps), 6)])

    steps, current = stormy(600), windows(stormy(1200))
    assert over(method, steps, current, length=6) <= 0.02
    assert over(method, steps, current, length=1) > 0.05


@pytest.mark.parametrize(("shift", "spread", "least"), [(0.5, 1.0, 0.9), (1.0, 1.0, 1.0), (0.0, 1.6, 0.5)])
def test_a_drift_passes(method: Method, shift: float, spread: float, least: float) -> None:
    """A shift of half a standard deviation is seen in nine windows of ten, a much wider column in half of them."""
    rng = np.random.default_rng(5)
    steps = rng.multinomial(ROWS, normal_shares(method), 100)
    drifted = rng.multinomial(ROWS, normal_shares(method, shift, spread), 200)
    assert over(method, steps, drifted) >= least or (spread > 1 and method.name in BLIND_TO_SPREAD)


def test_a_surge_of_missing_values_passes(method: Method) -> None:
    """Where half of the values are gone, methods that see missing values see it, also where nothing else is left."""
    rng = np.random.default_rng(6)
    shares = normal_shares(method)
    steps = rng.multinomial(ROWS, shares, 100)
    for lost in (0.5, 1.0):
        gone = shares * (1 - lost)
        gone[-1] += lost
        windows = rng.multinomial(ROWS, gone, 50)
        assert not method.missing or over(method, steps, windows) == 1.0


def test_what_does_not_matter_does_not_pass(method: Method) -> None:
    """However many rows a window has, an effect under the tolerance is under the threshold."""
    counts = (normal_shares(method) * 1e8).astype(np.int64)
    threshold = threshold_of(method, np.tile(counts, (50, 1)) + np.arange(50)[:, np.newaxis], tolerance=0.05)
    small, large = (
        float(method.distance(histogram(counts), histogram((normal_shares(method, shift) * 1e8).astype(np.int64))))
        for shift in (0.04, 0.07)
    )
    assert small < threshold.at(1e8) < large


def test_the_threshold_falls_as_windows_grow(method: Method) -> None:
    """A larger window is held to a smaller distance, and no window at all to none."""
    steps = np.random.default_rng(7).multinomial(ROWS, normal_shares(method), 50)
    threshold = threshold_of(method, steps, TOLERANCE)
    limits = [threshold.at(rows) for rows in (0, 10, 100, 1000, 10_000)]
    assert limits == sorted(limits, reverse=True)
    assert limits[0] == np.inf
    assert threshold.at(1e12) >= threshold.least > 0


def test_few_steps_say_nothing(method: Method) -> None:
    """Under five steps the usual is not known, and that is said."""
    steps = np.random.default_rng(8).multinomial(ROWS, normal_shares(method), LEAST_STEPS)
    assert threshold_of(method, steps).known
    assert not threshold_of(method, steps[1:]).known
    assert not threshold_of(method, steps[:0]).known
    assert not threshold_of(method, steps * 0).known


def test_few_steps_are_cautious(method: Method) -> None:
    """Five steps give a wider threshold than a hundred of the same kind."""
    rng = np.random.default_rng(9)
    many = rng.multinomial(ROWS, normal_shares(method), 100)
    few = [threshold_of(method, rng.permutation(many)[:5]).ratio for _ in range(20)]
    assert np.median(few) > threshold_of(method, many).ratio


@pytest.mark.parametrize("name", ["jensen_shannon", "hellinger", "chi_squared", "population_stability"])
def test_one_odd_row_of_a_constant_is_no_drift(name: str) -> None:
    """A column that was constant for 50,000 rows may have one other value in a window, but not thirty."""
    method = METHODS[name]
    steps = np.tile([ROWS, 0, 0], (100, 1))
    one, thirty = np.array([[ROWS - 1, 1, 0]]), np.array([[ROWS - 30, 30, 0]])
    assert over(method, steps, one) == 0
    assert over(method, steps, thirty) == 1


@pytest.mark.parametrize("name", ["jensen_shannon", "hellinger", "chi_squared", "population_stability"])
def test_values_where_all_was_missing_are_drift(name: str) -> None:
    """A column that the reference never saw a value of, and the window does."""
    steps = np.tile([0, 0, ROWS], (100, 1))
    assert over(METHODS[name], steps, np.array([[ROWS // 2, 0, ROWS // 2]])) == 1
    assert over(METHODS[name], steps, np.array([[0, 0, ROWS]])) == 0


def test_the_level_is_the_one_promised() -> None:
    """The docs say once in a thousand."""
    assert LEVEL == 0.001
