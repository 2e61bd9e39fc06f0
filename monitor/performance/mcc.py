"""Matthews's correlation of targets and predictions; of several classes Gorodkin's."""

from __future__ import annotations

import math

import numpy as np

from monitor.performance.answers import Counts, Found, of_confusion, value_of
from monitor.performance.interval import FISHER, Floats, delta_bounds
from monitor.performance.metric import Direction, Metric, Undefined

_LITTLE = 0.02
"""Rows added to each cell for the spread alone: without any, a cell that is empty by chance is empty for sure. With a
half intervals of 4 positive rows of 200 hold in 98 %, with so little in 97 %."""


def mcc(counts: Counts) -> Found:
    """Return Matthews's correlation of rows counted by target and prediction, (k, k)."""
    rows = int(counts.sum())
    targets, predictions = counts.sum(axis=1), counts.sum(axis=0)
    if np.count_nonzero(targets) == 1:
        return Undefined.ONE_CLASS
    if np.count_nonzero(predictions) == 1:
        return Undefined.ONE_CLASS_PREDICTED
    value, _ = _parts(counts.astype(np.float64))
    filled: Floats = counts.astype(np.float64) + _LITTLE
    _, influences = _parts(filled)
    bounds = delta_bounds(value, influences.ravel(), FISHER, filled.ravel() * (rows / filled.sum()))
    return value_of(value, bounds, rows)


def _parts(counts: Floats) -> tuple[float, Floats]:
    """Return the correlation and the influence of a row of each cell, (k, k)."""
    cells = counts / counts.sum()
    targets, predictions = cells.sum(axis=1), cells.sum(axis=0)
    a, b = (1 - float(side @ side) for side in (predictions, targets))
    scale = math.sqrt(a * b)
    value = min(max((float(cells.trace()) - float(targets @ predictions)) / scale, -1.0), 1.0)
    slopes = (np.eye(len(counts)) - predictions[:, np.newaxis] - targets) / scale
    slopes += value * (predictions / a + targets[:, np.newaxis] / b)
    return value, slopes - float((cells * slopes).sum())


METRIC = Metric(
    name="mcc",
    title="Matthews's correlation",
    tasks=frozenset({"binary", "multiclass"}),
    needs=frozenset({"prediction"}),
    direction=Direction.HIGHER,
    lowest=-1.0,
    highest=1.0,
    about="The correlation of targets and predictions; of several classes Gorodkin's.",
    interval="the delta method on Fisher's z",
    source=(
        "Matthews 1975, Biochimica et Biophysica Acta 405:442; of several classes Gorodkin 2004, Computational Biology "
        "and Chemistry 28:367"
    ),
    undefined=frozenset({Undefined.NO_PREDICTIONS, Undefined.ONE_CLASS, Undefined.ONE_CLASS_PREDICTED}),
    compute=of_confusion(mcc),
)
