"""Rates and delays, with what their numbers allow to say."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.calibration.replay import Replay, false_pages

NOT_FOUND = math.inf


@dataclass(frozen=True, slots=True)
class Rate:
    """Pages per N steps, with the exact 95 % interval of a Poisson count (Garwood 1936)."""

    pages: int
    steps: int
    per_budget: float
    lower: float
    upper: float


def rate(pages: int, steps: int, budget: float) -> Rate:
    """Return the rate of pages per ``budget`` steps.

    >>> found = rate(0, 25990, 8640)
    >>> round(found.per_budget, 2), round(found.upper, 2)
    (0.0, 1.23)
    """
    counted = false_pages(Replay(1.0, pages, steps))
    if counted is None:
        raise ValueError("no count of pages")
    scale = budget / steps
    return Rate(pages, steps, pages * scale, counted.lower * scale, counted.upper * scale)


def pooled(rates: Sequence[tuple[int, int, float]]) -> Rate:
    """Return the rate over streams of (pages, steps, N), each step counted as 1/N of its own budget: N is then 1.

    >>> pooled([(1, 500, 500.0), (0, 8640, 8640.0)]).per_budget
    0.5
    """
    budgets = sum(steps / budget for _, steps, budget in rates)
    pages, steps = sum(one[0] for one in rates), sum(one[1] for one in rates)
    return rate(pages, steps, steps / budgets)


def median_delay(delays: Sequence[float]) -> float:
    """Return the middle delay, the later of two: infinite where half or more were not found.

    >>> median_delay([1, 3, NOT_FOUND]), median_delay([1, NOT_FOUND])
    (3, inf)
    """
    return statistics.median_high(delays)


def share_found(delays: Sequence[float]) -> float:
    """Return the share of faults that were found within the time they were watched."""
    return sum(math.isfinite(delay) for delay in delays) / len(delays)
