"""Business value: what a row brings on average, by a matrix of what each pair of target and prediction brings.

A cost is negative. There is no such metric without a matrix, so that it is in no list: ``business_value(matrix)`` is
one.

>>> metric = business_value([[0, -1], [-10, 5]])
>>> metric.lowest, metric.highest
(-10.0, 5.0)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitor.performance.answers import Counts, Found, of_confusion, value_of
from monitor.performance.interval import Floats, mean_bounds
from monitor.performance.metric import Direction, Metric, Undefined

NAME = "business_value"
_BINARY = _SIDES = 2


def value_by(counts: Counts, brings: Floats) -> Found:
    """Return the mean of what rows bring, counted by target and prediction, (k, k).

    Raises
    ------
    ValueError: the matrix is not of as many classes.
    """
    if brings.shape != counts.shape:
        raise ValueError(f"a cost matrix has a row and a column for each of the {len(counts)} classes")
    rows = int(counts.sum())
    mean = float((counts * brings).sum()) / rows
    ends = (float(brings.min()), float(brings.max()))
    return value_of(mean, mean_bounds(brings.ravel(), counts.ravel().astype(np.float64), ends), rows)


def business_value(brings: Sequence[Sequence[float]]) -> Metric:
    """Return the metric of a matrix: a row for each class as target, in it what each class as prediction brings.

    Raises
    ------
    ValueError: the matrix is not square, is of one class, or has what is no finite number.
    """
    try:
        matrix = np.array(brings, dtype=np.float64)
    except (TypeError, ValueError):
        matrix = np.empty(0)
    if (
        matrix.ndim != _SIDES
        or len(matrix) < _BINARY
        or matrix.shape[0] != matrix.shape[1]
        or not np.isfinite(matrix).all()
    ):
        raise ValueError("a cost matrix has a row for each class, in it a finite number for each class")
    return Metric(
        name=NAME,
        title="Business value",
        tasks=frozenset({"binary", "multiclass"} if len(matrix) == _BINARY else {"multiclass"}),
        needs=frozenset({"prediction"}),
        direction=Direction.HIGHER,
        lowest=float(matrix.min()),
        highest=float(matrix.max()),
        about="What a row brings on average, by a matrix of what each pair of target and prediction brings.",
        interval="Hall, for skewed means",
        source="Elkan 2001, IJCAI, 973",
        undefined=frozenset({Undefined.NO_PREDICTIONS}),
        compute=of_confusion(lambda counts: value_by(counts, matrix)),
    )
