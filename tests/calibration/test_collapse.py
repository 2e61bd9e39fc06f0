"""The level rule for collapses."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.calibration.betting import bound
from monitor.calibration.collapse import RunLimit, has_run_over, longest, run_lengths, run_limits

HOUR = 3_600_000_000


@pytest.mark.parametrize(("hours", "blocks"), [(1, (72, 96)), (6, (12, 16)), (24, (3, 4)), (24 * 7, (1, 1))])
def test_runs_last_three_and_four_days(hours: int, blocks: tuple[int, ...]) -> None:
    """Whatever the length of a block, its runs last three and four days, or one block."""
    assert run_lengths(hours * HOUR) == blocks


def test_a_limit_is_what_the_reference_shows_and_far_beyond_what_is_allowed() -> None:
    """Computed by hand: 3.5 standard deviations of runs over what is allowed, or the worst run."""
    losses = np.tile([0.1, 0.1, 0.4, 0.4], 10)
    (limit,) = run_limits(losses, 0.3, [2])
    assert limit.most == pytest.approx(0.3 + 3.5 * losses_of_pairs(losses).std() * np.sqrt(1 + 2 / 40))
    assert run_limits(losses, 0.0, [2])[0].most == pytest.approx(losses_of_pairs(losses).max())


def losses_of_pairs(losses: np.ndarray) -> np.ndarray:
    """Return the means of each two blocks in a row."""
    return np.asarray((losses[1:] + losses[:-1]) / 2)


def test_a_short_reference_gives_no_limit_of_long_runs() -> None:
    """Of fewer than ten runs of a length nothing is known, and nothing is told."""
    losses = np.random.default_rng(1).beta(2, 8, 39)
    assert [limit.blocks for limit in run_limits(losses, 0.3, (3, 4))] == [3]


def test_a_single_storm_is_no_collapse() -> None:
    """One block of a run may be as bad as can be; all of them are a collapse, and as many must have come."""
    limits = (RunLimit(3, 0.5),)
    assert not has_run_over(limits, [0.2, 1.0, 0.2])
    assert not has_run_over(limits, [0.9, 0.9])
    assert has_run_over(limits, [0.2, 0.55, 0.55, 0.55])
    assert longest(limits) == 3


def test_storms_of_a_day_are_no_collapse_and_a_bad_model_is_one_within_days() -> None:
    """Of ten streams with stormy days none collapses while calm; with 35 points more all do within six days."""
    rng, false, late = np.random.default_rng(2), 0, 0
    for _ in range(10):
        days = rng.beta(3, 12, 320)
        limits = bound(days[:120], rng, lengths=(3, 4)).runs
        worse = np.clip(days[120:126] + 0.35, 0, 1).tolist()
        false += any(has_run_over(limits, days[120:end].tolist()) for end in range(121, 321))
        late += not any(has_run_over(limits, worse[:end]) for end in range(1, 7))
    assert (false, late) == (0, 0)
