"""The replay: each half of the reference judges the other, and the engine is slowed until it keeps its promise there.

What no formula knows of the world is in the reference itself; so the replay is part of the engine, not a test of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from monitor.calibration.arrays import Ints
from monitor.calibration.channels import Feature
from monitor.calibration.evidence import scores, update
from monitor.calibration.null import AT_ONCE, Null, fit, means_at
from monitor.calibration.season import CYCLES_FOR_HARMONICS

LEAST_HALF = 20
CAUTION = (1.0, 1.5, 2.25, 3.4, 5.0, 7.6, 11.4)
ALLOWED_PAGES = 1
LOWER_POINT, UPPER_POINT = 0.025, 0.975


@dataclass(frozen=True, slots=True)
class Replay:
    """How the reference pages when judged by its other half.

    Attributes
    ----------
    kappa: every variance is multiplied by it.
    pages: over both halves at that kappa, at a threshold of ``steps``; ``None`` if the reference is too short.
    steps: of the reference.
    """

    kappa: float
    pages: int | None
    steps: int


@dataclass(frozen=True, slots=True)
class FalsePages:
    """Pages without drift in a stretch of as many steps as the threshold: expected, and a 95 % Poisson interval.

    The promise is 1. The interval is exact (Garwood) and as wide as one such stretch must leave it.
    """

    expected: float
    lower: float
    upper: float


def poisson_bounds(count: int) -> tuple[float, float]:
    """Return the exact 95 % interval of the mean of a Poisson count (Garwood 1936, Biometrika 28).

    >>> [round(bound, 2) for bound in poisson_bounds(3)]
    [0.62, 8.77]
    """
    lower = float(gammaincinv(count, LOWER_POINT)) if count else 0.0
    return lower, float(gammaincinv(count + 1, UPPER_POINT))


def false_pages(replay: Replay) -> FalsePages | None:
    """Return what the replay says about pages without drift; ``None`` without a replay.

    >>> round(false_pages(Replay(1.0, 0, 336)).upper, 2)
    3.69
    """
    if replay.pages is None:
        return None
    return FalsePages(float(replay.pages), *poisson_bounds(replay.pages))


def cut(blocks: int, periods: Sequence[int]) -> int:
    """Return the first block of the second half: a whole number of the longest period that can be a season at all.

    >>> cut(84, (4, 28)), cut(83, (4, 28)), cut(60, ())
    (28, 40, 30)
    """
    longest = max((period for period in periods if period > 1 and blocks >= CYCLES_FOR_HARMONICS * period), default=1)
    return longest * (blocks // 2 // longest)


def run(features: Sequence[Feature], times: Ints, flat: Ints, sizes: Sequence[int], periods: Sequence[int]) -> Replay:
    """Return the least kappa at which both halves together page at most once; arguments as for :func:`null.fit`."""
    blocks, half = len(times), cut(len(times), periods)
    if half < LEAST_HALF:
        return Replay(1.0, None, blocks)
    first, second = slice(0, half), slice(half, blocks)
    nulls = [fit(features, times[part], flat[part], sizes, periods) for part in (first, second)]
    judges = [(null, part) for null, part in zip(nulls, (second, first), strict=True) if null is not None]
    if len(judges) < len(nulls):
        return Replay(1.0, None, blocks)
    pages = 0
    for kappa in CAUTION:
        pages = sum(count_pages(null, times[part], flat[part], sizes, (blocks, kappa)) for null, part in judges)
        if pages <= ALLOWED_PAGES:
            return Replay(kappa, pages, blocks)
    return Replay(CAUTION[-1], pages, blocks)


def count_pages(null: Null, times: Ints, flat: Ints, sizes: Sequence[int], pace: tuple[float, float]) -> int:
    """Return how often the evidence reaches the threshold, starting anew each time; ``pace`` is threshold and kappa."""
    threshold, kappa = pace
    pages = 0
    evidence = np.zeros(null.evidence_shape)
    for at in range(0, len(times), AT_ONCE):
        mean, rows = means_at(null.channels, flat[at : at + AT_ONCE], sizes)
        expected = null.season.at(times[at : at + AT_ONCE])
        for z in scores(null, mean - expected, rows, expected, kappa):
            evidence = update(evidence, z)
            if (evidence * null.view_weight).sum() >= threshold:
                pages += 1
                evidence = np.zeros_like(evidence)
    return pages
