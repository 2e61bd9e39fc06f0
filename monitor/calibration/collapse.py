"""A level rule for collapses: some days in a row are worse than any such days of the reference, and by far.

Betting on a bounded loss proves no more a block than its stake, however bad the block is. A single bad block is a
storm; three days of them are not. The mean loss of a run of blocks is therefore held against the runs of the
reference: over the worst of them, and over what is no alarm by 3.5 of their standard deviations, which hold what the
blocks of a run have in common. Nothing is promised of it: on flights with their days shuffled it was never false
(``python -m benchmarks.performance_alarms``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from monitor.calibration.arrays import Floats
from monitor.instant import microseconds

_RUNS = (timedelta(days=3), timedelta(days=4))
_FAR = 3.5
_LEAST_RUNS = 10
"""A reference of fewer runs, end to end, does not tell how they vary."""


@dataclass(frozen=True, slots=True)
class RunLimit:
    """The mean loss over which a run of so many blocks is a collapse."""

    blocks: int
    most: float


def run_lengths(every: int) -> tuple[int, ...]:
    """Return the lengths of runs in blocks of so many microseconds.

    >>> run_lengths(21_600_000_000)
    (12, 16)
    """
    return tuple(max(round(microseconds(run) / every), 1) for run in _RUNS)


def run_limits(losses: Floats, allowed: float, lengths: Iterable[int]) -> tuple[RunLimit, ...]:
    """Return the limits that a reference gives, of those lengths that it has enough runs of.

    Parameters
    ----------
    losses: mean losses of the reference's blocks, in order of time, (n,).
    allowed: the mean loss that is still no alarm. ``lengths``: of runs, in blocks.

    >>> [(limit.blocks, round(limit.most, 3)) for limit in run_limits(np.tile([0.1, 0.3], 20), 0.25, (1, 2, 5))]
    [(1, 0.604), (2, 0.25)]
    """
    found = []
    for length in sorted(set(lengths)):
        if length < 1 or len(losses) < _LEAST_RUNS * length:
            continue
        runs = np.convolve(losses, np.full(length, 1 / length), mode="valid")
        reach = _FAR * float(runs.std()) * float(np.sqrt(1 + length / len(losses)))
        found.append(RunLimit(length, max(float(runs.max()), allowed + reach)))
    return tuple(found)


def longest(limits: Sequence[RunLimit]) -> int:
    """Return how many of the last blocks need be known."""
    return max((limit.blocks for limit in limits), default=0)


def has_run_over(limits: Iterable[RunLimit], losses: Sequence[float]) -> bool:
    """Say whether the last blocks are a collapse.

    >>> has_run_over((RunLimit(2, 0.5),), [0.9]), has_run_over((RunLimit(2, 0.5),), [0.1, 0.5, 0.6])
    (False, True)
    """
    return any(
        len(losses) >= limit.blocks and sum(losses[-limit.blocks :]) / limit.blocks > limit.most for limit in limits
    )
