"""The usual range of a column."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monitor.record import Column, Kind, Role
from monitor.usual_range import range_of, usual_range

SCORE = Column("score", "score", Role.SCORE, Kind.NUMERIC)


def normal(seed: int = 0) -> np.ndarray:
    """Return a calm column."""
    return np.random.default_rng(seed).normal(0, 5, 3200)


def test_a_range_reaches_beyond_the_extremes() -> None:
    """A calm column has a range of one width more on either side at least."""
    values = normal()
    low, high = usual_range(values) or (np.nan, np.nan)
    assert low is not None
    assert high is not None
    width = values.max() - values.min()
    assert low <= values.min() - 0.99 * width
    assert high >= values.max() + 0.99 * width


def test_a_probability_is_never_usual_outside_zero_and_one() -> None:
    """The range of a score that lies in [0, 1] does not reach over it; nor does that of one that jumped inside it."""
    values, jumping = np.random.default_rng(3).uniform(0.1, 0.97, 3200), np.repeat([0.0, 1.0], [3199, 1])
    assert range_of(SCORE, values) == (0.0, 1.0)
    assert range_of(SCORE, jumping) == (0.0, 1.0)


@pytest.mark.parametrize("more", [-0.2, 0.5])
def test_a_score_that_is_no_probability_has_the_range_of_any_number(more: float) -> None:
    """One value outside of [0, 1] in the reference, and the score is a number as others; so is a feature in [0, 1]."""
    values = np.random.default_rng(3).uniform(0.1, 0.97, 3200)
    assert range_of(SCORE, values + more) == usual_range(values + more)
    assert range_of(replace(SCORE, role=Role.FEATURE), values) == usual_range(values)


def test_no_value_is_usual_beyond_zero_where_none_was() -> None:
    """A column that was never negative has its range end at zero; so has one that was never positive."""
    values = np.abs(normal())
    up, down = usual_range(values), usual_range(-values)
    assert up is not None
    assert down is not None
    assert (up[0], down[1]) == (0.0, 0.0)


def test_a_heavy_tail_has_a_wide_range() -> None:
    """The heavier the tail, the further the range reaches, in the width of the reference."""
    light = usual_range(np.random.default_rng(1).exponential(1, 3200))
    heavy = usual_range(np.exp(np.random.default_rng(1).normal(0, 1.8, 3200)))
    assert light is not None
    assert light[1] is not None
    assert heavy is None or (heavy[1] is not None and heavy[1] > light[1])


def test_one_stretch_far_out_leaves_no_usual_range() -> None:
    """Where a stretch of the reference lies a hundred widths out, what is usual is not known."""
    values = normal()
    values[100] = 1e6
    assert usual_range(values) is None


@pytest.mark.parametrize("values", [[], [np.nan, np.inf]])
def test_no_value_has_no_range(values: list[float]) -> None:
    """A column without a finite value has no range."""
    assert usual_range(np.array(values)) is None


def test_missing_values_are_left_out() -> None:
    """NaN and infinities change no range."""
    values = normal()
    assert usual_range(np.where(np.arange(3200) % 100 == 0, np.nan, values)) is not None
