"""In which segment a change is concentrated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from monitor.concentration import Change, Moments, concentrated, share_moments


def drawn(
    rng: np.random.Generator, groups: int, moved: float = 0.0, rows: int = 400
) -> tuple[Change, dict[str, Change]]:
    """Return the change of normal rows by group; that of the first group moves."""
    before = rng.normal(size=(groups, rows))
    now = rng.normal(size=(groups, rows))
    now[0] += moved
    parts = {f"g={i}": (moments(before[i]), moments(now[i])) for i in range(groups)}
    return (moments(before), moments(now)), parts


def moments(values: np.ndarray) -> Moments:
    """Return the figure of rows."""
    return Moments(values.size, float(values.mean()), float(values.var()))


def test_the_rest_is_what_is_left() -> None:
    """The figure of all rows without a part is that of the other rows."""
    values = np.random.default_rng(1).normal(3, 2, 100)
    rest = moments(values).without(moments(values[:30]))
    expected = moments(values[30:])
    assert rest.rows == expected.rows
    assert [rest.mean, rest.variance] == pytest.approx([expected.mean, expected.variance])


def test_the_group_that_moved_is_named() -> None:
    """Where one group of eight moves, it is named with its share of the rows, and nearly all of the change."""
    found = concentrated(*drawn(np.random.default_rng(2), 8, 1.0, rows=4000))
    assert found is not None
    assert (found.label, found.rows_ratio) == ("g=0", 1 / 8)
    assert found.change_ratio > 0.8


def test_the_score_is_welchs() -> None:
    """With a reference that is known exactly, the standard score is that of Welch's test of the two groups."""
    rng = np.random.default_rng(3)
    one, rest = rng.normal(1, 1, 200), rng.normal(0, 2, 300)
    known = Moments(10**12, 0.0, 1.0)
    found = concentrated(
        (Moments(2 * 10**12, 0.0, 1.0), moments(np.concatenate((one, rest)))), {"g": (known, moments(one))}
    )
    assert found is not None
    expected = stats.ttest_ind(one, rest, equal_var=False).statistic
    assert found.z == pytest.approx(expected, rel=0.01)  # scipy divides by n - 1


def test_a_change_of_everybody_is_in_no_segment() -> None:
    """Where all groups move alike, none is named."""
    before, now = Moments(1000, 0.0, 1.0), Moments(1000, 3.0, 1.0)
    parts = {f"g={i}": (Moments(250, 0.0, 1.0), Moments(250, 3.0 + 0.01 * i, 1.0)) for i in range(4)}
    assert concentrated((before, now), parts) is None


def test_the_search_finds_no_segment_by_its_width() -> None:
    """Among 300 candidates of nothing but chance one is named in one search of a hundred at most."""
    named = sum(concentrated(*drawn(np.random.default_rng((4, run)), 300, rows=40)) is not None for run in range(60))
    assert named <= stats.binom.ppf(0.999, 60, 0.01)


def test_a_few_rows_name_nobody() -> None:
    """A segment with fewer than thirty rows is no candidate, however far it moved."""
    parts = {"g=0": (Moments(29, 0.0, 1.0), Moments(29, 9.0, 1.0))}
    assert concentrated((Moments(999, 0.0, 1.0), Moments(999, 0.3, 3.0)), parts) is None


def test_a_loss_in_one_group_is_found() -> None:
    """Losses of 0 and 1 are shares: a group that is wrong three times as often carries the loss."""
    parts = {
        "g=0": (share_moments(15, 100), share_moments(45, 100)),
        "g=1": (share_moments(15, 100), share_moments(16, 100)),
    }
    found = concentrated((share_moments(30, 200), share_moments(61, 200)), parts)
    assert found is not None
    assert (found.label, math.isclose(found.change_ratio, 30 / 31)) == ("g=0", True)
