from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import ttest_1samp

from monitor.calibration.difference import (
    LEAST_BLOCKS,
    LEAST_ROWS,
    Contest,
    Side,
    difference,
    enter,
    rows_needed,
)

ALPHA = 0.05
PRIORS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)


def contest_of(differences: Iterable[float], rows: int = 1000) -> Contest:
    """Return the comparison of blocks that differ by so much, of so many rows on either side."""
    found = Contest()
    for each in differences:
        found = enter(found, Side(each * rows, rows), Side(0.0, rows))
    return found


def bayes_factor(differences: list[float], held: float, rows: int) -> float:
    """Return the evidence against a mean by Student's t of scipy, averaged over the priors.

    Gönen, Johnson, Lu, Westfall 2005, American Statistician 59:252, equation 3, with a mean effect of 0.
    """
    number, free = len(differences), len(differences) - 1
    t = float(ttest_1samp(differences, held).statistic)
    found = []
    for prior in PRIORS:
        shrunk = 1 + number * prior * rows / 2
        ratio = (1 + t * t / free) / (1 + t * t / (free * shrunk))
        found.append(shrunk**-0.5 * ratio ** ((free + 1) / 2))
    return math.fsum(found) / len(PRIORS)


def test_the_interval_ends_where_a_bayesian_t_test_has_the_evidence() -> None:
    """With blocks of one size both ends are where the t test's Bayes factor reaches 1/alpha."""
    differences = np.random.default_rng(1).normal(0.02, 0.01, 12).tolist()
    found = difference(contest_of(differences), ALPHA)
    assert found is not None
    middle = float(np.mean(differences))
    for far, end in ((-1.0, found.lower), (1.0, found.upper)):
        expected = brentq(lambda held: bayes_factor(differences, held, 1000) - 1 / ALPHA, middle, middle + far)
        assert end == pytest.approx(expected, abs=1e-9)


def test_a_look_at_every_block_errs_no_oftener_than_said() -> None:
    """Of 60 comparisons of versions that are alike, looked at after each of 25 blocks, at most a fifth ever err."""
    rng, erred = np.random.default_rng(2), 0
    for _ in range(60):
        contest = Contest()
        for each in rng.normal(0, 0.02, 25):
            contest = enter(contest, Side(each * 500, 500), Side(0.0, 500))
            found = difference(contest, 0.2)
            if found is not None and (found.lower > 0 or found.upper < 0):
                erred += 1
                break
    assert erred <= 12


def test_blocks_that_are_alike_for_long_count_as_one() -> None:
    """Where each difference lasts for eight blocks the interval is twice as wide as where the same ones are mixed."""
    spells = np.repeat(np.random.default_rng(3).normal(0, 0.02, 16), 8)
    wide, narrow = (
        difference(contest_of(order), ALPHA) for order in (spells, np.random.default_rng(4).permutation(spells))
    )
    assert wide is not None
    assert narrow is not None
    assert wide.upper - wide.lower > 2 * (narrow.upper - narrow.lower)


def test_few_blocks_say_nothing() -> None:
    """Before five blocks the difference is told, and its interval has no end."""
    found = difference(contest_of([0.5] * (LEAST_BLOCKS - 1)), ALPHA)
    assert (found and found.value, found and found.lower, found and found.upper) == (0.5, -math.inf, math.inf)


def test_a_stretch_that_is_too_small_waits() -> None:
    """Stretches are joined until both sides have thirty rows, and nothing of them is lost."""
    contest = enter(Contest(), Side(10.0, 100), Side(1.0, LEAST_ROWS - 1))
    assert contest.scales == ()
    contest = enter(contest, Side(10.0, 100), Side(0.0, 1))
    assert contest.rows == (200, LEAST_ROWS)
    assert contest.scales[0].mean == pytest.approx(20 / 200 - 1 / LEAST_ROWS)


def test_the_difference_is_that_of_all_rows() -> None:
    """Blocks of unlike size count by their effective rows."""
    contest = enter(enter(Contest(), Side(40.0, 400), Side(0.0, 400)), Side(0.0, 100), Side(0.0, 100))
    found = difference(contest, ALPHA)
    assert found is not None
    assert found.value == pytest.approx(0.08)


def test_what_is_remembered_grows_with_the_logarithm() -> None:
    """Ten times as many blocks are remembered in three or four more scales."""
    sizes = [len(contest_of([0.0, 0.1] * number).scales) for number in (50, 500, 5000)]
    assert all(3 <= b - a <= 4 for a, b in pairwise(sizes))


def test_the_rows_still_needed_are_enough_and_not_too_many() -> None:
    """With so many rows more, of the same kind, the difference shows; with half of them it does not."""
    seen = [0.01, -0.006] * 6
    contest = contest_of(seen)
    more = rows_needed(contest, ALPHA, 0.002)
    assert more is not None
    for share, shows in ((1.0, True), (0.4, False)):
        blocks = math.ceil(share * more / 1000 / 2)
        found = difference(contest_of([*seen, *[0.01, -0.006] * blocks]), ALPHA)
        assert found is not None
        assert (found.lower > 0) is shows


def test_rows_are_not_foretold_of_nothing() -> None:
    """Without blocks, or for a difference of 0, no number of rows is named."""
    assert rows_needed(Contest(), ALPHA, 0.1) is None
    assert rows_needed(contest_of([0.1, 0.2] * 5), ALPHA, 0.0) is None


def test_no_row_is_needed_where_the_interval_is_narrow_enough() -> None:
    """A difference that would show already needs none."""
    assert rows_needed(contest_of([0.1, 0.11] * 10), ALPHA, 0.1) == 0
