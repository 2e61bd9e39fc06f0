"""How much more unequal than on the whole the windows of a reference look, a few in a row: more than that is sudden.

The worst of R such runs is passed by chance once in R more. What is passed once in N is further out, by log N / log R
if the tail is exponential: a short reference has seen few storms, and its worst was none of the worst.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.fairness.measure import Groups, Measure, Observed
from monitor.instant import microseconds
from monitor.performance.pairs import ClassPairs, Places

_LEAST_RUNS = 10
"""A reference of fewer runs, end to end, does not tell how they vary."""


@dataclass(frozen=True, slots=True)
class Sudden:
    """Windows of so many microseconds, of which so many in a row must be over a limit, by chance once in ``steps``."""

    length: int = microseconds(timedelta(hours=1))
    in_a_row: int = 2
    steps: float = 5760.0


def slack(
    measure: Measure, seen: Observed, times: NDArray[np.int64], before: Observed | None, sudden: Sudden
) -> float | None:
    """Return by how much lower ends of windows in a row may be over the difference of the whole.

    Parameters
    ----------
    seen: rows of the reference. ``times``: of each, (n,).
    before: the reference's rows with targets, for measures that read them.

    Returns
    -------
    ``None`` of a reference that has too few windows to tell.
    """
    windows = times // sudden.length
    whole = measure.compute(seen, before).value
    if whole is None:
        return None
    order = np.argsort(windows, kind="stable")
    edges = np.flatnonzero(np.diff(windows[order])) + 1
    found = [measure.compute(_rows(seen, rows), before).lower for rows in np.split(order, edges)]
    lower = np.array([each for each in found if each is not None])
    number = len(lower) // sudden.in_a_row
    if number < _LEAST_RUNS:
        return None
    runs = np.lib.stride_tricks.sliding_window_view(lower, sudden.in_a_row).min(axis=1)
    further = max(math.log(max(sudden.steps, 1.0)) / math.log(number), 1.0)
    return max(float(runs.max()) - whole, 0.0) * further


def _rows(seen: Observed, rows: Places) -> Observed:
    pairs = seen.pairs
    predictions = None if pairs.predictions is None else pairs.predictions[rows]
    scores = None if pairs.scores is None else pairs.scores[rows]
    return Observed(
        ClassPairs(pairs.classes, pairs.targets[rows], predictions, scores),
        Groups(seen.groups.names, seen.groups.places[rows]),
    )
